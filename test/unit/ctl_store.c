/* SPDX-License-Identifier: MIT */
/* The typed requests, above all a directory that comes in parts, over a store that does as the test says. */
#include "controller/store/store.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/unit.h"

/* What was asked last, until it is answered. */
static struct {
    bool there;
    enum xsd_sockmsg_type type;
    uint32_t tx;
    char body[8192];
    size_t len;
    store_reply_fn *done;
    void *arg;
} asked;

static struct {
    unsigned times;
    int status;
    char *data;
    size_t len;
} answer;

static void fake_request(struct store *s, enum xsd_sockmsg_type type, uint32_t tx, const void *body,
                         size_t len, store_reply_fn *done, void *arg)
{
    (void)s;
    ck_assert(!asked.there);
    ck_assert_uint_le(len, sizeof asked.body);
    asked.there = true;
    asked.type = type;
    asked.tx = tx;
    memcpy(asked.body, body, len);
    asked.len = len;
    asked.done = done;
    asked.arg = arg;
}

static const struct store_ops fake_ops = {.request = fake_request};
static struct store fake = {.ops = &fake_ops};

static void teardown(void)
{
    free(answer.data);
    answer.data = NULL;
}

static void on_answer(void *arg, int status, const char *data, size_t len)
{
    ck_assert_ptr_eq(arg, &answer);
    answer.times++;
    answer.status = status;
    answer.len = len;
    ck_assert_int_eq(!data, status != 0);
    if (!data)
        return;
    ck_assert_int_eq(data[len], '\0');
    free(answer.data);
    answer.data = malloc(len + 1);
    ck_assert_ptr_nonnull(answer.data);
    memcpy(answer.data, data, len + 1);
}

/* A reply is good only while its completion runs: it is wiped then. */
static void reply(int status, const char *data, size_t len)
{
    char *copy = malloc(len + 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, data, len);
    copy[len] = '\0';
    ck_assert(asked.there);
    asked.there = false;
    asked.done(asked.arg, status, status ? NULL : copy, status ? 0 : len);
    memset(copy, 'x', len + 1);
    free(copy);
}

static void expect(enum xsd_sockmsg_type type, uint32_t tx, const char *body, size_t len)
{
    ck_assert(asked.there);
    ck_assert_uint_eq(asked.type, type);
    ck_assert_uint_eq(asked.tx, tx);
    ck_assert_uint_eq(asked.len, len);
    ck_assert_mem_eq(asked.body, body, len);
}

#define BODY(s) s, sizeof(s) - 1

START_TEST(bodies_are_as_the_protocol_says)
{
    store_read(&fake, 3, "/a", on_answer, &answer);
    expect(XS_READ, 3, BODY("/a\0"));
    reply(0, BODY("1"));
    store_write(&fake, 3, "/a", "value", on_answer, &answer);
    expect(XS_WRITE, 3, BODY("/a\0value"));
    reply(0, BODY("OK\0"));
    store_remove(&fake, 0, "/a", on_answer, &answer);
    expect(XS_RM, 0, BODY("/a\0"));
    reply(0, BODY("OK\0"));
    store_watch(&fake, "/a", "t", on_answer, &answer);
    expect(XS_WATCH, 0, BODY("/a\0t\0"));
    reply(0, BODY("OK\0"));
    store_unwatch(&fake, "/a", "t", on_answer, &answer);
    expect(XS_UNWATCH, 0, BODY("/a\0t\0"));
    reply(0, BODY("OK\0"));
    store_begin(&fake, on_answer, &answer);
    expect(XS_TRANSACTION_START, 0, BODY("\0"));
    reply(0, BODY("17\0"));
    store_end(&fake, 17, true, on_answer, &answer);
    expect(XS_TRANSACTION_END, 17, BODY("T\0"));
    reply(0, BODY("OK\0"));
    store_end(&fake, 17, false, on_answer, &answer);
    expect(XS_TRANSACTION_END, 17, BODY("F\0"));
    reply(0, BODY("OK\0"));
    store_is_introduced(&fake, 32751, on_answer, &answer);
    expect(XS_IS_DOMAIN_INTRODUCED, 0, BODY("32751\0"));
    reply(-EACCES, "", 0);
    ck_assert_uint_eq(answer.times, 9);
    ck_assert_int_eq(answer.status, -EACCES);
}
END_TEST

START_TEST(long_value_is_sent_whole)
{
    char value[4001];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    store_write(&fake, 0, "/a", value, on_answer, &answer);
    ck_assert_uint_eq(asked.len, 4003);
    ck_assert_mem_eq(asked.body + 3, value, 4000);
    reply(-EPERM, "", 0);
}
END_TEST

START_TEST(short_directory_is_one_reply)
{
    store_directory(&fake, 5, "/d", on_answer, &answer);
    expect(XS_DIRECTORY, 5, BODY("/d\0"));
    reply(0, BODY("a\0b\0"));
    ck_assert_uint_eq(answer.times, 1);
    ck_assert_uint_eq(answer.len, 4);
    ck_assert_mem_eq(answer.data, "a\0b", 4);
}
END_TEST

START_TEST(directory_that_cannot_be_read)
{
    store_directory(&fake, 0, "/d", on_answer, &answer);
    reply(-EACCES, "", 0);
    ck_assert_uint_eq(answer.times, 1);
    ck_assert_int_eq(answer.status, -EACCES);
    ck_assert(!asked.there);
}
END_TEST

static void begin_parts(void)
{
    store_directory(&fake, 5, "/d", on_answer, &answer);
    reply(-E2BIG, "", 0);
    expect(XS_DIRECTORY_PART, 5,
           BODY("/d\0"
                "0\0"));
}

START_TEST(long_directory_is_joined)
{
    begin_parts();
    reply(0, BODY("7\0one\0two\0"));
    expect(XS_DIRECTORY_PART, 5,
           BODY("/d\0"
                "8\0"));
    reply(0, BODY("7\0three\0"));
    expect(XS_DIRECTORY_PART, 5,
           BODY("/d\0"
                "14\0"));
    ck_assert_uint_eq(answer.times, 0);
    reply(0, BODY("7\0four\0\0"));
    ck_assert_uint_eq(answer.times, 1);
    ck_assert_int_eq(answer.status, 0);
    ck_assert_uint_eq(answer.len, 19);
    ck_assert_mem_eq(answer.data, "one\0two\0three\0four", 19);
}
END_TEST

START_TEST(end_may_come_alone)
{
    begin_parts();
    reply(0, BODY("7\0one\0"));
    reply(0, BODY("7\0\0"));
    ck_assert_int_eq(answer.status, 0);
    ck_assert_uint_eq(answer.len, 4);
    ck_assert_mem_eq(answer.data, "one", 4);
}
END_TEST

START_TEST(directory_became_empty)
{
    begin_parts();
    reply(0, BODY("7\0\0"));
    ck_assert_uint_eq(answer.times, 1);
    ck_assert_int_eq(answer.status, 0);
    ck_assert_uint_eq(answer.len, 0);
}
END_TEST

START_TEST(change_between_parts_starts_again)
{
    begin_parts();
    reply(0, BODY("7\0one\0two\0"));
    reply(0, BODY("8\0three\0\0"));
    expect(XS_DIRECTORY_PART, 5,
           BODY("/d\0"
                "0\0"));
    reply(0, BODY("9\0new\0"));
    expect(XS_DIRECTORY_PART, 5,
           BODY("/d\0"
                "4\0"));
    reply(0, BODY("9\0end\0\0"));
    ck_assert_uint_eq(answer.times, 1);
    ck_assert_uint_eq(answer.len, 8);
    ck_assert_mem_eq(answer.data, "new\0end", 8);
}
END_TEST

START_TEST(directory_that_never_rests_is_given_up)
{
    unsigned requests = 0;
    begin_parts();
    while (answer.times == 0) {
        char part[32];
        ck_assert_uint_lt(requests, 100);
        int n = snprintf(part, sizeof part, "%u%cname", requests++, '\0');
        reply(0, part, (size_t)n + 1);
    }
    ck_assert_int_eq(answer.status, -EAGAIN);
    ck_assert_uint_eq(requests, 34); /* 17 times a first part, and one that does not belong to it */
    ck_assert(!asked.there);
}
END_TEST

START_TEST(endless_directory_is_given_up)
{
    char part[4000] = "7";
    unsigned requests = 0;

    memset(part + 2, 'n', sizeof part - 3);
    part[sizeof part - 1] = '\0';
    begin_parts();
    while (answer.times == 0 && requests++ < 10000)
        reply(0, part, sizeof part);
    ck_assert_int_eq(answer.status, -E2BIG);
    ck_assert_uint_gt(requests, 4000);
    ck_assert_uint_lt(requests, 4300);
}
END_TEST

START_TEST(loss_between_parts)
{
    begin_parts();
    reply(0, BODY("7\0one\0"));
    reply(-ECONNRESET, "", 0);
    ck_assert_uint_eq(answer.times, 1);
    ck_assert_int_eq(answer.status, -ECONNRESET);
}
END_TEST

static const struct {
    const char *data;
    size_t len;
} malformed[] = {
    {BODY("")},
    {BODY("7")},                              /* no generation */
    {BODY("\0a\0")},                          /* an empty one */
    {BODY("1234567890123456789012345\0a\0")}, /* no 64-bit number */
    {BODY("7\0")},                            /* neither names nor the end */
    {BODY("7\0one")},                         /* a name is cut */
    {BODY("7\0one\0\0two\0")},                /* an end in the middle */
    {BODY("7\0\0\0")},
};

START_TEST(malformed_part)
{
    begin_parts();
    reply(0, malformed[_i].data, malformed[_i].len);
    ck_assert_uint_eq(answer.times, 1);
    ck_assert_int_eq(answer.status, -EPROTO);
    ck_assert(!asked.there);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("store");
    TCase *tc = tcase_create("store");

    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, bodies_are_as_the_protocol_says);
    tcase_add_test(tc, long_value_is_sent_whole);
    tcase_add_test(tc, short_directory_is_one_reply);
    tcase_add_test(tc, directory_that_cannot_be_read);
    tcase_add_test(tc, long_directory_is_joined);
    tcase_add_test(tc, end_may_come_alone);
    tcase_add_test(tc, directory_became_empty);
    tcase_add_test(tc, change_between_parts_starts_again);
    tcase_add_test(tc, directory_that_never_rests_is_given_up);
    tcase_add_test(tc, endless_directory_is_given_up);
    tcase_add_test(tc, loss_between_parts);
    tcase_add_loop_test(tc, malformed_part, 0, (int)(sizeof malformed / sizeof *malformed));
    suite_add_tcase(s, tc);
    return run_suite(s);
}
