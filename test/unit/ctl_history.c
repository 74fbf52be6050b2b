/* SPDX-License-Identifier: MIT */
/* The history of decisions: what is in it, what is counted in one, and what falls out of it. */
#include <check.h>
#include <stdio.h>

#include "controller/cli/status_text.h"
#include "controller/daemon/history.h"
#include "schemas/json.h"
#include "test/lib/unit.h"

enum { SIZE = 64 * 1024 };

static struct history *h;
static struct policy *policy;
static char filler; /* what values are made of */

static void setup(void)
{
    static const char text[] = "version: 1\ntype: vfb\nowner: xenrecon\n"
                               "backend-keys: {password: {secret: true}, key: {}}\n";
    struct diagnostic why;
    h = history_new(SIZE);
    filler = 'v';
    ck_assert_int_eq(policy_parse("vfb.yaml", text, sizeof text - 1, &policy, &why), 0);
}

static void teardown(void)
{
    history_free(h);
    policy_free(policy);
}

/* A decision for vfb/<domid>/<devid> with so many keys of so many bytes. */
static void add_of(unsigned domid, unsigned devid, uint64_t when, int keys, size_t len)
{
    static const struct memory nothing;
    static char value[8192];
    struct device_key key = {.type = "vfb", .domid = (uint16_t)domid};
    char name[32];
    snprintf(key.devid, sizeof key.devid, "%u", devid);
    struct view *view = view_new(0, &key);
    struct plan *plan = plan_new();
    memset(value, filler, sizeof value - 1);
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

static void add(unsigned devid, uint64_t when, int keys, size_t len)
{
    add_of(7, devid, when, keys, len);
}

static json_t *of_guest(unsigned domid, unsigned devid, size_t most)
{
    struct device_key key = {.type = "vfb", .domid = (uint16_t)domid};
    snprintf(key.devid, sizeof key.devid, "%u", devid);
    return history_of(h, &key, most);
}

static json_t *of(unsigned devid, size_t most)
{
    return of_guest(7, devid, most);
}

static size_t count_of(unsigned domid, unsigned devid)
{
    json_t *list = of_guest(domid, devid, SIZE);
    size_t n = json_array_size(list);
    json_decref(list);
    return n;
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
                     "{\"side\": \"frontend\", \"key\": \"locked\", \"value\": null}], "
                     "\"count\": 1, \"last\": 123.456}"));
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

/* All of one guest, in whatever sizes: of each device the last ones are there, without a gap, and of each
 * about as much. */
START_TEST(test_forgets)
{
    for (uint64_t i = 1; i <= 3000; i++) {
        add((unsigned)(i % 7), i, (int)(i % 5), (i * 13) % 97 + (size_t)_i);
        struct history_counts c = history_counts(h);
        ck_assert_uint_eq(c.records + c.forgotten, i);
        ck_assert_uint_gt(c.records, 0);
        ck_assert_uint_gt(c.oldest, 0);
        ck_assert_uint_le(c.oldest, i - c.records + 1);
    }
    struct history_counts c = history_counts(h);
    size_t found = 0;
    ck_assert_uint_eq(c.bytes, SIZE);
    ck_assert_uint_gt(c.forgotten, 2000);
    for (unsigned devid = 0; devid < 7; devid++) {
        json_t *list = of(devid, SIZE), *d;
        size_t i, n = json_array_size(list);
        ck_assert_uint_ge(n, c.records / 7 / 2);
        json_array_foreach(list, i, d)
        {
            uint64_t when = (uint64_t)(jget_real(d, "when", 0) * 1000 + 0.5);
            ck_assert_uint_eq(when, 3000 - (3000 - devid) % 7 - 7 * (n - 1 - i));
        }
        found += i;
        json_decref(list);
    }
    ck_assert_uint_eq(found, c.records);
}
END_TEST

/* However a guest spreads what it does over its devices: another guest's records are all there, and new ones
 * have a place. */
START_TEST(test_guests)
{
    static const unsigned devices[] = {1, 2, 40, 1000};
    unsigned n = devices[_i];
    for (unsigned i = 0; i < 20; i++)
        add_of(8, i % 3, i + 1, 2, 100 + i);
    for (unsigned i = 0; i < 5000; i++)
        add_of(7, i % n, 100 + i, 1, i % 128);
    ck_assert_uint_eq(count_of(8, 0) + count_of(8, 1) + count_of(8, 2), 20);
    ck_assert_uint_gt(history_counts(h).forgotten, 4000);
    for (unsigned i = 0; i < 20; i++)
        add_of(9, i % 3, 6000 + i, 2, 100 + i);
    for (unsigned i = 0; i < 1000; i++)
        add_of(7, i % n, 7000 + i, 1, i % 128);
    ck_assert_uint_eq(count_of(8, 0) + count_of(8, 1) + count_of(8, 2), 20);
    ck_assert_uint_eq(count_of(9, 0) + count_of(9, 1) + count_of(9, 2), 20);
    ck_assert_uint_gt(count_of(7, 999 % n), 0);
}
END_TEST

/* Who has half of it keeps it, whatever the other one does. */
START_TEST(test_half)
{
    unsigned i = 0;
    for (; history_counts(h).forgotten == 0; i++)
        add_of(8 + i % 2, 1, i + 1, 1, i % 100);
    size_t before = count_of(8, 1);
    for (unsigned more = 0; more < 3000; more++)
        add_of(9, more % 5, i + more + 1, 1, more % 100);
    ck_assert_uint_ge(count_of(8, 1) + 2, before);
    ck_assert_uint_lt(count_of(9, 1), before);
}
END_TEST

/* Who has half of it loses nothing, not one record, where all records are of one size. */
START_TEST(test_half_exactly)
{
    unsigned i = 0;
    for (; history_counts(h).forgotten == 0 || i % 2; i++) {
        filler = (char)('a' + i / 2 % 26); /* for what is equal is one */
        add_of(8 + i % 2, 1, i + 1, 1, 10 + (size_t)_i);
    }
    size_t before = count_of(8, 1);
    for (unsigned more = 0; more < 3000; more++) {
        filler = (char)('A' + more % 26);
        add_of(9, 1, i + more + 1, 1, 10 + (size_t)_i);
        if (more % 64 == 0) /* what is lost does not come back */
            ck_assert_uint_eq(count_of(8, 1), before);
    }
    ck_assert_uint_eq(count_of(8, 1), before);
}
END_TEST

/* A device that is never still costs the guest's other devices nothing. */
START_TEST(test_devices)
{
    for (unsigned i = 0; i < 10; i++)
        add(1, i + 1, 2, 100 + i);
    for (unsigned i = 0; i < 3000; i++)
        add(2, 100 + i, 1, i % 128);
    ck_assert_uint_eq(count_of(7, 1), 10);
    ck_assert_uint_gt(count_of(7, 2), 10);
}
END_TEST

/* More guests than there is room for, many times over. */
START_TEST(test_many_guests)
{
    for (unsigned i = 0; i < 500; i++) {
        add_of(i, 1, i + 1, 100, 5000);
        ck_assert_uint_eq(count_of(i, 1), 1);
        ck_assert_uint_le(history_counts(h).records, SIZE / 4096 + 1);
    }
}
END_TEST

/* Equal ones in a row are one; in between there is nothing else of the device. */
START_TEST(test_equal)
{
    static const struct {
        uint64_t first, last;
        int count;
    } want[] = {{1, 17, 17}, {18, 18, 1}, {19, 21, 3}};
    for (uint64_t i = 1; i <= 17; i++) {
        add(1, i * 1000, 1, 3);
        add(2, i * 1000, 1, (size_t)i);
    }
    add(1, 18000, 1, 4);
    for (uint64_t i = 19; i <= 21; i++)
        add(1, i * 1000, 1, 3);
    json_t *list = of(1, 10), *d;
    size_t i;
    ck_assert_uint_eq(json_array_size(list), COUNT(want));
    json_array_foreach(list, i, d)
    {
        ck_assert_int_eq(jget_int(d, "count", 0), want[i].count);
        ck_assert_uint_eq((uint64_t)jget_real(d, "when", 0), want[i].first);
        ck_assert_uint_eq((uint64_t)jget_real(d, "last", 0), want[i].last);
    }
    char *text = NULL;
    size_t len;
    FILE *to = open_memstream(&text, &len);
    ck_assert_ptr_nonnull(to);
    history_text_print("vfb/7/1", list, &(struct terminal){.width = 80}, to);
    fclose(to);
    ck_assert_ptr_nonnull(strstr(text, "connect  failed: Permission denied  (none)  x17, last "));
    ck_assert_ptr_nonnull(strstr(text, "connect  failed: Permission denied  (none)\n"));
    free(text);
    json_decref(list);
    ck_assert_uint_eq(count_of(7, 2), 17);
    ck_assert_uint_eq(history_counts(h).records, 20);
    ck_assert_uint_eq(history_counts(h).forgotten, 0);
}
END_TEST

/* What is only as long is not equal. */
START_TEST(test_as_long)
{
    add(1, 1000, 1, 3);
    filler = 'w';
    add(1, 2000, 1, 3);
    ck_assert_uint_eq(count_of(7, 1), 2);
}
END_TEST

START_TEST(test_last)
{
    for (uint64_t i = 1; i <= 10; i++)
        add(1, i * 1000, 1, (size_t)i);
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
    tcase_add_loop_test(t, test_forgets, 0, 8);
    tcase_add_loop_test(t, test_guests, 0, 4);
    tcase_add_test(t, test_half);
    tcase_add_loop_test(t, test_half_exactly, 0, 8);
    tcase_add_test(t, test_devices);
    tcase_add_test(t, test_many_guests);
    tcase_add_test(t, test_equal);
    tcase_add_test(t, test_as_long);
    tcase_add_test(t, test_last);
    suite_add_tcase(s, t);
    return run_suite(s);
}
