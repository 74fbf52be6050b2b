/* SPDX-License-Identifier: MIT */
/* Events: what is kept of them, of whom, and over restarts. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/daemon/events.h"
#include "schemas/json.h"
#include "test/lib/unit.h"

static char folder[] = "/tmp/xr-events.XXXXXX";
static char path[64];

static void setup(void)
{
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/events", folder);
}

static void teardown(void)
{
    unlink(path);
    rmdir(folder);
}

static void add(struct events *e, uint64_t when, int domid, const char *text)
{
    char device[32];
    snprintf(device, sizeof device, "qdisk/%d/0", domid);
    events_add(e, when, &(struct log_entry){LOG_LEVEL_INFO, text, domid < 0 ? NULL : device, domid, {0}});
}

/* The messages that are kept, with their numbers. */
static void assert_kept(const struct events *e, const char *want)
{
    char got[4096] = "";
    json_t *list = events_list(e, 0, 0), *o;
    size_t i;
    json_array_foreach(list, i, o)
    {
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%d %s", i ? ", " : "",
                 (int)jget_int(o, "number", -1), jget_text(o, "message"));
    }
    json_decref(list);
    ck_assert_str_eq(got, want);
}

START_TEST(test_kinds)
{
    static const struct {
        struct log_about about;
        const char *kind;
    } kinds[] = {
        {{.row = "steady", .finding = "leak"}, "finding"},
        {{.row = "steady", .finding = "leak", .cleared = true}, "cleared"},
        {{.row = "create", .action = "create"}, "action"},
        {{.quoted = true}, "output"},
        {{0}, "message"},
    };
    struct events *e = events_new(EVENTS_SIZE);
    for (int i = 0; i < COUNT(kinds); i++)
        events_add(e, 1796040000123,
                   &(struct log_entry){LOG_LEVEL_WARNING, "x", "qdisk/7/0", 7, kinds[i].about});
    json_t *list = events_list(e, 0, 0);
    for (int i = 0; i < COUNT(kinds); i++) {
        const json_t *o = json_array_get(list, (size_t)i);
        ck_assert_str_eq(jget_text(o, "event"), kinds[i].kind);
        ck_assert_str_eq(jget_text(o, "time"), "2026-11-30T12:00:00.123Z");
        ck_assert_str_eq(jget_text(o, "level"), "warning");
        ck_assert_int_eq(jget_int(o, "domid", -1), 7);
    }
    json_decref(list);
    events_free(e);
}
END_TEST

/* Whatever is logged, it is JSON. */
START_TEST(test_words)
{
    static const char *const words[] = {"", "\"", "\\", "\\\"\\", "caf\xc3\xa9 \\x1b", "{\"a\":1}"};
    struct events *e = events_new(EVENTS_SIZE);
    for (int i = 0; i < COUNT(words); i++)
        add(e, 1000, 7, words[i]);
    json_t *list = events_list(e, 0, 0);
    for (int i = 0; i < COUNT(words); i++)
        ck_assert_str_eq(jget_text(json_array_get(list, (size_t)i), "message"), words[i]);
    json_decref(list);
    events_free(e);
}
END_TEST

START_TEST(test_asked_for)
{
    struct events *e = events_new(EVENTS_SIZE);
    add(e, 1000, 7, "a");
    add(e, 2000, 7, "b");
    add(e, 3000, 7, "c");
    json_t *after = events_list(e, 1, 0), *since = events_list(e, 0, 3000), *both = events_list(e, 3, 1000);
    ck_assert_uint_eq(json_array_size(after), 2);
    ck_assert_uint_eq(json_array_size(since), 1);
    ck_assert_uint_eq(json_array_size(both), 0);
    json_decref(after);
    json_decref(since);
    json_decref(both);
    events_free(e);
}
END_TEST

START_TEST(test_no_guest_pushes_out_anothers)
{
    struct events *e = events_new(8000);
    add(e, 1000, 3, "quiet");
    add(e, 1000, -1, "host");
    for (int i = 0; i < 1000; i++)
        add(e, 1000, 7, "loud");
    json_t *list = events_list(e, 0, 0);
    ck_assert_uint_gt(json_array_size(list), 10);
    ck_assert_str_eq(jget_text(json_array_get(list, 0), "message"), "quiet");
    ck_assert_str_eq(jget_text(json_array_get(list, 1), "message"), "host");
    ck_assert_int_eq(jget_int(json_array_get(list, json_array_size(list) - 1), "number", -1), 1002);
    json_decref(list);
    events_free(e);
}
END_TEST

START_TEST(test_kept_over_restarts)
{
    struct events *e = events_new(EVENTS_SIZE);
    ck_assert_int_eq(events_open(e, path), 0);
    add(e, 1000, 7, "a");
    add(e, 2000, -1, "b");
    events_free(e); /* nothing is written at the end, so that kill -9 is no other */
    e = events_new(EVENTS_SIZE);
    add(e, 3000, 8, "early");
    ck_assert_int_eq(events_open(e, path), 0);
    ck_assert_int_eq(events_open(e, path), 0); /* once is enough */
    add(e, 4000, 8, "late");
    assert_kept(e, "1 a, 2 b, 3 early, 4 late");
    events_free(e);
    e = events_new(EVENTS_SIZE);
    ck_assert_int_eq(events_open(e, path), 0);
    assert_kept(e, "1 a, 2 b, 3 early, 4 late");
    events_free(e);
}
END_TEST

START_TEST(test_damaged_file)
{
    static const char text[] =
        "{\"number\":5,\"time\":\"2026-11-30T12:00:00.000Z\",\"domid\":7,\"message\":\"good\"}\n"
        "rubbish\n"
        "[]\n"
        "{\"number\":4,\"time\":\"2026-11-30T12:00:00.000Z\",\"domid\":7,\"message\":\"backwards\"}\n"
        "{\"number\":6,\"time\":\"yesterday\",\"domid\":7,\"message\":\"no time\"}\n"
        "{\"number\":6,\"time\":\"2026-11-30T12:00:00.000Z\",\"domid\":99999,\"message\":\"no domain\"}\n"
        "{\"number\":6,\"time\":\"2026-11-30T12:00:00.000Z\",\"domid\":null}\n"
        "\n"
        "{\"number\":6,\"time\":\"2026-11-30T12:00:00.000Z\",\"domid\":null,\"message\":\"of the host\"}\n"
        "{\"number\":7,\"time\":\"2026-11-30T12:00:00.000Z\",\"domid\":null,\"what\":,\"message\":\"no "
        "JSON\"}\n"
        "{\"number\":8,\"time\":\"2026-11-30T12:00:00.000Z\",\"message\":\"cut";
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
    struct events *e = events_new(EVENTS_SIZE);
    ck_assert_int_eq(events_open(e, path), 0);
    assert_kept(e, "5 good, 6 of the host");
    add(e, 4000, 8, "next");
    assert_kept(e, "5 good, 6 of the host, 8 next");
    events_free(e);
}
END_TEST

START_TEST(test_file_does_not_grow)
{
    struct stat st;
    struct events *e = events_new(8000);
    ck_assert_int_eq(events_open(e, path), 0);
    for (int i = 0; i < 1000; i++) {
        add(e, 1000, i % 5, "x");
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_int_le(st.st_size, 16000);
    }
    events_free(e);
}
END_TEST

START_TEST(test_file_goes)
{
    struct stat st;
    struct events *e = events_new(EVENTS_SIZE);
    ck_assert_int_eq(events_open(e, path), 0);
    add(e, 1000, 7, "a");
    ck_assert_int_eq(unlink(path), 0);
    events_mend(e);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_gt(st.st_size, 0);
    events_free(e);
    e = events_new(EVENTS_SIZE);
    ck_assert_int_lt(events_open(e, "/nonexistent/events"), 0);
    add(e, 1000, 7, "in memory");
    assert_kept(e, "1 in memory");
    events_free(e);
}
END_TEST

/* What lies in the file's place is never followed, nor waited for. */
START_TEST(test_no_file)
{
    struct stat st;
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    struct events *e = events_new(EVENTS_SIZE);
    ck_assert_int_eq(events_open(e, path), 0);
    ck_assert_int_eq(lstat(path, &st), 0);
    ck_assert(S_ISREG(st.st_mode));
    events_free(e);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("events");
    TCase *t = tcase_create("events");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_kinds);
    tcase_add_test(t, test_words);
    tcase_add_test(t, test_asked_for);
    tcase_add_test(t, test_no_guest_pushes_out_anothers);
    tcase_add_test(t, test_kept_over_restarts);
    tcase_add_test(t, test_damaged_file);
    tcase_add_test(t, test_file_does_not_grow);
    tcase_add_test(t, test_file_goes);
    tcase_add_test(t, test_no_file);
    suite_add_tcase(s, t);
    return run_suite(s);
}
