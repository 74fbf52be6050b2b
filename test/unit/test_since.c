/* SPDX-License-Identifier: MIT */
/* Since when things last, where that is known; and which line of a policy says how long they may. */
#include "schemas/age.h"
#include "schemas/policy/locate.h"
#include "schemas/report/report.h"
#include "test/lib/unit.h"

static char *printed(const struct report *r, void (*print)(const struct report *, FILE *))
{
    char *text = NULL;
    FILE *to = open_memstream(&text, &(size_t){0});
    print(r, to);
    ck_assert_int_eq(fclose(to), 0);
    return text;
}

static struct report_device device(const char *key, enum xenbus_state b, enum xenbus_state f)
{
    struct report_device d = {
        .owner = OWNER_KERNEL, .online = 1, .backend_state = b, .frontend_state = f, .plan = plan_new()};
    ck_assert_int_eq(device_key_parse(key, strlen(key), &d.key), 0);
    d.plan->row = ROW_STEADY;
    return d;
}

/* Where the clock is known, each finding has its age; where it is not, that is said once. */
START_TEST(test_ages)
{
    struct report *r = report_new(0);
    struct report_device d = device("vif/7/0", XENBUS_INIT_WAIT, XENBUS_CLOSING);
    struct finding *f = plan_add_finding(d.plan, FINDING_STUCK_CLOSE, SEVERITY_WARNING, "it waits");
    f->limit = LIMIT_CLOSE;
    f->since = 5000;
    report_add(r, &d);
    for (int known = 0; known < 2; known++) {
        r->epoch = known ? UINT64_C(1795394116000) : 0;
        r->now = known ? 200000 : 0;
        char *text = printed(r, report_print_text), *html = printed(r, report_print_html);
        const char *age = "since 2026-11-23 00:35:21 UTC, for 3m15s";
        ck_assert_int_eq(strstr(text, age) != NULL, known);
        ck_assert_int_eq(strstr(html, age) != NULL, known);
        ck_assert_int_eq(strstr(text, "; since when is not known\n") != NULL, !known);
        ck_assert_int_eq(strstr(html, "Since when things last is not known.") != NULL, !known);
        free(text);
        free(html);
    }
    report_free(r);
}
END_TEST

/* Where a policy says what it says, whatever its file begins with. */
START_TEST(test_lines)
{
    static const char text[] = "\xef\xbb\xbf# comment\n"
                               "version: 1\n"
                               "type: vbd\n"
                               "owner: kernel\n"
                               "deadlines: {create: 20s,\n"
                               "            close: 7s}\n"
                               "backend-keys:\n"
                               "  mode: {required: true}\n"
                               "  'sm-data/*':\n";
    struct policy *p;
    struct diagnostic why;
    ck_assert_msg(!policy_parse("vbd.yaml", text, sizeof text - 1, &p, &why), "%s", why.message);
    struct policy_field f = policy_limit_field(LIMIT_CLOSE);
    ck_assert_uint_eq(policy_line(p, f.section, f.field), 6);
    ck_assert_uint_eq(policy_limit(p, LIMIT_CLOSE), 7000);
    f = policy_limit_field(LIMIT_CONNECT);
    ck_assert_uint_eq(policy_line(p, f.section, f.field), 0); /* the default */
    f = policy_limit_field(LIMIT_GRACE);
    ck_assert_str_eq(f.section, "orphan");
    ck_assert_uint_eq(policy_line(p, f.section, f.field), 0);
    ck_assert_uint_eq(policy_line(p, "backend-keys", "mode"), 8);
    ck_assert_uint_eq(policy_line(p, "backend-keys", "sm-data/*"), 9);
    ck_assert_uint_eq(policy_line(p, "owner", "kernel"), 0);
    policy_free(p);
}
END_TEST

static const struct {
    const char *text; /* as programs read it */
    bool good, whole; /* it is a time; and written like this again */
    uint64_t ms;
} moments[] = {
    {"2026-11-30T09:15:02.123Z", true, true, 1796030102123},
    {"1970-01-01T00:00:00.000Z", true, true, 0},
    {"2026-11-30T09:15:02Z", true, false, 1796030102000},
    {"2026-11-30T09:15:02", false, false, 0},
    {"2026-11-30 09:15:02Z", false, false, 0},
    {"1960-01-01T00:00:00.000Z", false, false, 0},
    {"yesterday", false, false, 0},
    {"", false, false, 0},
    {NULL, false, false, 0},
};

START_TEST(moments_are_read_as_they_are_written)
{
    char buf[MOMENT_SIZE];
    uint64_t ms = 0;
    ck_assert_int_eq(moment_parse(moments[_i].text, &ms), moments[_i].good);
    ck_assert_uint_eq(ms, moments[_i].ms);
    if (moments[_i].whole)
        ck_assert_str_eq(moment_rfc3339(ms, buf), moments[_i].text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("since when");
    TCase *t = tcase_create("since when");
    tcase_add_test(t, test_ages);
    tcase_add_test(t, test_lines);
    tcase_add_loop_test(t, moments_are_read_as_they_are_written, 0, COUNT(moments));
    suite_add_tcase(s, t);
    return run_suite(s);
}
