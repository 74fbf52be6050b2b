/* SPDX-License-Identifier: MIT */
/* The ring of decisions: what is in it, and what falls out of it. */
#include <check.h>
#include <stdio.h>

#include "controller/daemon/history.h"
#include "schemas/json.h"
#include "test/lib/unit.h"

enum { SIZE = 64 * 1024 };

static struct history *h;
static struct policy *policy;

static void setup(void)
{
    static const char text[] = "version: 1\ntype: vfb\nowner: xenrecon\n"
                               "backend-keys: {password: {secret: true}, key: {}}\n";
    struct diagnostic why;
    h = history_new(SIZE);
    ck_assert_int_eq(policy_parse("vfb.yaml", text, sizeof text - 1, &policy, &why), 0);
}

static void teardown(void)
{
    history_free(h);
    policy_free(policy);
}

/* A decision for vfb/7/<devid> with so many keys of so many bytes. */
static void add(unsigned devid, uint64_t when, int keys, size_t len)
{
    static const struct memory nothing;
    static char value[8192];
    struct device_key key = {.type = "vfb", .domid = 7};
    char name[32];
    snprintf(key.devid, sizeof key.devid, "%u", devid);
    struct view *view = view_new(0, &key);
    struct plan *plan = plan_new();
    memset(value, 'v', sizeof value - 1);
    view_add(view, BACKEND, "password", PRESENT, "hunter2", 7);
    view_add(view, BACKEND, "absent", ABSENT, NULL, 0);
    view_add(view, FRONTEND, "locked", UNREADABLE, NULL, 0);
    for (int i = 0; i < keys; i++) {
        snprintf(name, sizeof name, "key%d", i);
        view_add(view, BACKEND, name, PRESENT, value, len);
    }
    view_seal(view);
    plan->row = ROW_CONNECT;
    plan_add_action(plan, ACTION_CONNECT, "because");
    plan_add_finding(plan, FINDING_LEAK, SEVERITY_WARNING, "%s", value);
    struct reconciled looked = {.key = &key,
                                .policy = policy,
                                .view = view,
                                .plan = plan,
                                .memory = &nothing,
                                .outcome = RECONCILE_FAILED,
                                .error = -EACCES};
    history_add(h, when, &looked);
    plan_free(plan);
    view_free(view);
}

static json_t *of(unsigned devid, size_t most)
{
    struct device_key key = {.type = "vfb", .domid = 7};
    snprintf(key.devid, sizeof key.devid, "%u", devid);
    return history_of(h, &key, most);
}

START_TEST(test_one)
{
    add(1, 123456, 1, 3);
    json_t *list = of(1, 10);
    ck_assert_uint_eq(json_array_size(list), 1);
    char *text = json_dumps(json_array_get(list, 0), JSON_REAL_PRECISION(6));
    ck_assert_ptr_nonnull(
        strstr(text, "{\"when\": 123.456, \"row\": \"connect\", \"outcome\": \"failed\", "
                     "\"error\": \"Permission denied\", \"phase\": \"none\", \"worker\": null, "
                     "\"actions\": [{\"action\": \"connect\", \"reason\": \"because\"}], "
                     "\"findings\": [{\"code\": \"leak\", \"severity\": \"warning\", \"message\": "));
    ck_assert_ptr_nonnull(
        strstr(text, "\"values\": [{\"side\": \"backend\", \"key\": \"key0\", \"value\": \"vvv\"}, "
                     "{\"side\": \"backend\", \"key\": \"password\", \"value\": \"redacted\"}, "
                     "{\"side\": \"frontend\", \"key\": \"locked\", \"value\": null}]"));
    ck_assert_ptr_null(strstr(text, "hunter2"));
    free(text);
    json_decref(list);
}
END_TEST

START_TEST(test_guests_push_out_no_actions)
{
    add(1, 1, 100, 5000);
    json_t *list = of(1, 10), *d = json_array_get(list, 0);
    ck_assert_uint_eq(json_array_size(json_object_get(d, "actions")), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(d, "findings")), 1);
    ck_assert_uint_gt(json_array_size(json_object_get(d, "values")), 10);
    ck_assert_uint_lt(json_array_size(json_object_get(d, "values")), 100);
    json_decref(list);
}
END_TEST

/* Sizes that put the end of the ring everywhere in a record. */
START_TEST(test_wraps)
{
    for (uint64_t i = 1; i <= 3000; i++) {
        add((unsigned)(i % 7), i, (int)(i % 5), (i * 13) % 97 + (size_t)_i);
        struct history_counts c = history_counts(h);
        ck_assert_uint_eq(c.records + c.forgotten, i);
        ck_assert_uint_gt(c.records, 0);
        /* what is there is what was added last, without a gap */
        ck_assert_uint_eq(c.oldest, i - c.records + 1);
    }
    struct history_counts c = history_counts(h);
    size_t found = 0;
    ck_assert_uint_eq(c.bytes, SIZE);
    ck_assert_uint_gt(c.forgotten, 2000);
    for (unsigned devid = 0; devid < 7; devid++) {
        json_t *list = of(devid, SIZE), *d;
        size_t i;
        double before = 0;
        json_array_foreach(list, i, d)
        {
            double when = jget_real(d, "when", 0) * 1000;
            ck_assert(when > before && (unsigned)(when + 0.5) % 7 == devid);
            before = when;
        }
        found += i;
        json_decref(list);
    }
    ck_assert_uint_eq(found, c.records);
}
END_TEST

START_TEST(test_last)
{
    for (uint64_t i = 1; i <= 10; i++)
        add(1, i * 1000, 0, 0);
    json_t *list = of(1, 3);
    ck_assert_uint_eq(json_array_size(list), 3);
    ck_assert_int_eq((int)jget_real(json_array_get(list, 0), "when", 0), 8);
    json_decref(list);
    list = of(2, 3);
    ck_assert_uint_eq(json_array_size(list), 0);
    json_decref(list);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("history");
    TCase *t = tcase_create("history");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_one);
    tcase_add_test(t, test_guests_push_out_no_actions);
    tcase_add_loop_test(t, test_wraps, 0, 8);
    tcase_add_test(t, test_last);
    suite_add_tcase(s, t);
    return run_suite(s);
}
