/* SPDX-License-Identifier: MIT */
/* A dump as a store. */
#include "controller/store/dump_store.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "test/lib/unit.h"

static struct dump *dump;
static struct dump_store *dumped;
static struct store *store;

static struct answer {
    unsigned times;
    bool done;
    int status;
    char data[64];
    size_t len;
} answers[32];

static void setup(void)
{
    static const char text[] = "/local = \"\"\n"
                               "/local/a = \"b\\000c\"\n"
                               "/local/cut = \"0123\\...\"\n"
                               "/local/d = \"\"\n"
                               "/local/d/one = \"1\"\n"
                               "/local/d/two = \"2\"\n"
                               "/local/gone:\n\n"
                               "/vm = \"\"\n";
    struct diagnostic why = {.line = 0};
    ck_assert_int_eq(dump_parse("x", BYTES(text), &dump, &why), 0);
    dumped = dump_store_new(dump);
    store = dump_store_store(dumped);
    memset(answers, 0, sizeof answers);
}

static void teardown(void)
{
    dump_store_free(dumped);
    dump_free(dump);
}

static void on_answer(void *arg, int status, const char *data, size_t len)
{
    struct answer *a = arg;
    a->times++;
    a->done = true;
    a->status = status;
    a->len = len;
    ck_assert_int_eq(!data, status != 0);
    ck_assert_uint_lt(len, sizeof a->data);
    if (data)
        memcpy(a->data, data, len + 1);
}

static const struct {
    enum xsd_sockmsg_type type;
    const char *body;
    size_t body_len;
    int status;
    const char *data;
    size_t len;
} requests[] = {
    {XS_READ, BYTES("/local/a\0"), 0, BYTES("b\0c")},
    {XS_READ, BYTES("/local\0"), 0, BYTES("")},
    {XS_READ, BYTES("/local/b\0"), -ENOENT, NULL, 0},
    {XS_READ, BYTES("/local/a/b\0"), -ENOENT, NULL, 0},
    {XS_READ, BYTES("/local/cut\0"), -EIO, NULL, 0},
    {XS_READ, BYTES("/local/gone\0"), -EIO, NULL, 0},
    {XS_READ, BYTES("/local/gone/x\0"), -EIO, NULL, 0},
    {XS_READ, BYTES("domid\0"), -EIO, NULL, 0},
    {XS_DIRECTORY, BYTES("/local/d\0"), 0, BYTES("one\0two\0")},
    {XS_DIRECTORY, BYTES("/local/a\0"), 0, BYTES("")},
    {XS_DIRECTORY, BYTES("/local/cut\0"), 0, BYTES("")},
    {XS_DIRECTORY, BYTES("/local/b\0"), -ENOENT, NULL, 0},
    {XS_DIRECTORY, BYTES("/local/gone\0"), -EIO, NULL, 0},
    {XS_READ, "/local/a", 8, -EINVAL, NULL, 0}, /* not terminated */
    {XS_READ, "", 0, -EINVAL, NULL, 0},
    {XS_WRITE, BYTES("/local/a\0x"), -EROFS, NULL, 0},
    {XS_MKDIR, BYTES("/local/x\0"), -EROFS, NULL, 0},
    {XS_RM, BYTES("/local/a\0"), -EROFS, NULL, 0},
    {XS_SET_PERMS, BYTES("/local/a\0n0\0"), -EROFS, NULL, 0},
    {XS_TRANSACTION_START, BYTES("\0"), -EROFS, NULL, 0},
    {XS_TRANSACTION_END, BYTES("T\0"), -EROFS, NULL, 0},
    {XS_WATCH, BYTES("/local\0t\0"), -ENOSYS, NULL, 0},
    {XS_IS_DOMAIN_INTRODUCED, BYTES("7\0"), -ENOSYS, NULL, 0},
};

START_TEST(test_request)
{
    struct answer *a = &answers[0];
    store->ops->request(store, requests[_i].type, 0, requests[_i].body, requests[_i].body_len, on_answer, a);
    ck_assert_uint_eq(a->times, 0); /* never from inside the request */
    ck_assert_int_eq(dump_store_run(dumped, &a->done), 0);
    ck_assert_uint_eq(a->times, 1);
    ck_assert_int_eq(a->status, requests[_i].status);
    ck_assert_uint_eq(a->len, requests[_i].len);
    if (requests[_i].data)
        ck_assert_mem_eq(a->data, requests[_i].data, a->len + 1);
    ck_assert(!dump_store_step(dumped));
}
END_TEST

START_TEST(test_in_order_one_a_step)
{
    for (int i = 0; i < 3; i++)
        store_read(store, 0, i == 1 ? "/local/b" : "/local/a", on_answer, &answers[i]);
    for (int i = 0; i < 3; i++) {
        ck_assert(dump_store_step(dumped));
        ck_assert_uint_eq(answers[i].times, 1);
        ck_assert_uint_eq(answers[i + 1].times, 0);
    }
    ck_assert_int_eq(answers[1].status, -ENOENT);
    bool never = false;
    ck_assert_int_eq(dump_store_run(dumped, &never), -EDEADLK);
}
END_TEST

/* Only of what has a line, and each line once. */
START_TEST(test_misses)
{
    static const char *const paths[] = {"/local/cut", "/local/a", "/local/gone", "/local/cut",
                                        "/local/gone/x"};
    for (int i = 0; i < COUNT(paths); i++)
        store_read(store, 0, paths[i], on_answer, &answers[i]);
    while (dump_store_step(dumped))
        ;
    size_t n;
    const struct dump_store_miss *misses = dump_store_misses(dumped, &n);
    ck_assert_uint_eq(n, 2);
    ck_assert_uint_eq(misses[0].line, 3);
    ck_assert_str_eq(misses[0].path, "/local/cut");
    ck_assert_uint_eq(misses[1].line, 7);
}
END_TEST

START_TEST(test_free_answers_what_is_outstanding)
{
    store_read(store, 0, "/local/a", on_answer, &answers[0]);
    store_directory(store, 0, "/local", on_answer, &answers[1]);
    dump_store_free(dumped);
    dumped = NULL;
    ck_assert_int_eq(answers[0].status, -ECANCELED);
    ck_assert_int_eq(answers[1].status, -ECANCELED);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dump_store");
    TCase *t = tcase_create("dump_store");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, test_request, 0, COUNT(requests));
    tcase_add_test(t, test_in_order_one_a_step);
    tcase_add_test(t, test_misses);
    tcase_add_test(t, test_free_answers_what_is_outstanding);
    suite_add_tcase(s, t);
    return run_suite(s);
}
