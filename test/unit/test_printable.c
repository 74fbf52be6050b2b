/* SPDX-License-Identifier: MIT */
/* Escaping of what others wrote. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/printable.h"
#include "test/lib/unit.h"

/* escaping */

static const struct {
    const char *text, *plain, *quoted;
} escapes[] = {
    {"", "", "\"\""},
    {"plain text, 100%", "plain text, 100%", "\"plain text, 100%\""},
    {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
     "\"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\""},
    {"a\\b\"c", "a\\b\"c", "\"a\\\\b\\\"c\""},
    {"\x1b[31m\n\t\x7f", "\\x1b[31m\\x0a\\x09\\x7f", "\"\\x1b[31m\\x0a\\x09\\x7f\""},
    {"\xff\xfe", "\\xff\\xfe", "\"\\xff\\xfe\""},               /* never UTF-8 */
    {"\xc3", "\\xc3", "\"\\xc3\""},                             /* cut */
    {"\xe2\x82", "\\xe2\\x82", "\"\\xe2\\x82\""},               /* cut */
    {"\xc3(", "\\xc3(", "\"\\xc3(\""},                          /* no continuation */
    {"\x80", "\\x80", "\"\\x80\""},                             /* no beginning */
    {"\xc0\xaf", "\\xc0\\xaf", "\"\\xc0\\xaf\""},               /* overlong */
    {"\xe0\x80\xaf", "\\xe0\\x80\\xaf", "\"\\xe0\\x80\\xaf\""}, /* overlong */
    {"\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf", "\"\\xf0\\x80\\x80\\xaf\""},
    {"\xed\xa0\x80", "\\xed\\xa0\\x80", "\"\\xed\\xa0\\x80\""},               /* surrogate */
    {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\"\\xf4\\x90\\x80\\x80\""}, /* beyond Unicode */
    {"\xc2\x9b", "\\xc2\\x9b", "\"\\xc2\\x9b\""},               /* a control of terminals: CSI */
    {"\xe2\x80\xae", "\\xe2\\x80\\xae", "\"\\xe2\\x80\\xae\""}, /* right-to-left override */
    {"\xe2\x80\xa8", "\\xe2\\x80\\xa8", "\"\\xe2\\x80\\xa8\""}, /* line separator */
};

START_TEST(test_printable)
{
    struct arena a = {0};
    ck_assert_str_eq(printable(&a, escapes[_i].text), escapes[_i].plain);
    ck_assert_str_eq(printable_quoted(&a, escapes[_i].text), escapes[_i].quoted);
    arena_free(&a);
}
END_TEST

START_TEST(test_printable_copy_cuts)
{
    static const struct {
        const char *text;
        size_t size;
        const char *want;
    } cuts[] = {
        {"abc", 1, ""},         {"abc", 4, "abc"},     {"abc", 3, "ab"}, {"a\x1b", 5, "a"},
        {"a\x1b", 6, "a\\x1b"}, {"a\xc3\xa9", 3, "a"}, {"\"", 2, ""},    {"\"", 3, "\\\""},
    };
    for (int i = 0; i < COUNT(cuts); i++) {
        char *buf = malloc(cuts[i].size);
        size_t n = printable_copy(buf, cuts[i].size, cuts[i].text, strlen(cuts[i].text), true);
        ck_assert_str_eq(buf, cuts[i].want);
        ck_assert_uint_eq(n, strlen(cuts[i].want));
        free(buf);
    }
    char buf[32];
    printable_copy(buf, sizeof buf, "a\0b", 3, false);
    ck_assert_str_eq(buf, "a\\x00b");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("printable");
    TCase *t = tcase_create("printable");
    tcase_add_loop_test(t, test_printable, 0, COUNT(escapes));
    tcase_add_test(t, test_printable_copy_cuts);
    suite_add_tcase(s, t);
    return run_suite(s);
}
