/* SPDX-License-Identifier: MIT */
/* What a policy's expressions may be, and what would take the C library too long. */
#include "schemas/policy/regex.h"

#include <check.h>
#include <stdlib.h>

#include "test/lib/unit.h"

/* What is refused, and what is not though it looks alike. */
static const struct {
    const char *text, *why; /* NULL: it is fine */
} expressions[] = {
    {"a+*", "a repetition of a repetition"},
    {"(a{2}b{9}){100}", "too long, or too many repetitions"},
    {"()((()(\\b))(()()){1,255})", "a repetition of what may be empty"},
    {"(){3}", "a repetition of what may be empty"},
    {"(a?){3}", "a repetition of what may be empty"},
    {"(a*b*){5}", "a repetition of what may be empty"},
    {"(a{0,1}){3,}", "a repetition of what may be empty"},
    {"(|a){9}", "a repetition of what may be empty"},
    {"(a|){9}", "a repetition of what may be empty"},
    {"(|b|c){9}", "a repetition of what may be empty"},
    {"(b|a?|c){9}", "a repetition of what may be empty"},
    {"(x(y)|(a?)(b*)){9}", "a repetition of what may be empty"},
    {"(^){4}", "a repetition of what may be empty"},
    {"(\\b$){4}", "a repetition of what may be empty"},
    {"(a?)*", NULL},
    {"(a?){0,2}", NULL},
    {"(xa?){9}", NULL},
    {"(a?x){9}", NULL},
    {"(a|b){9}", NULL},
    {"(a{1,2}){9}", NULL},
    {"((a?)b(c*)){9}", NULL},
    {"(^a|[|)]){9}", NULL},
    {"(\\.){9}", NULL},
    {"a?|(b){9}", NULL},
};

START_TEST(expression_is_refused_or_not)
{
    char why[EXPRESSION_WHY_SIZE] = "";
    regex_t regex;
    int error = expression_compile(expressions[_i].text, &regex, why);
    if (!error)
        regfree(&regex);
    ck_assert_msg(!error == !expressions[_i].why, "%s: %s", expressions[_i].text, why);
    if (error)
        ck_assert_str_eq(why, expressions[_i].why);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("expression");
    TCase *tc = tcase_create("expression");

    tcase_add_loop_test(tc, expression_is_refused_or_not, 0, sizeof expressions / sizeof *expressions);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
