/* SPDX-License-Identifier: MIT */
/* The client that waits, whose other end is a store played by a process of our own. */
#include "controller/store/xs_blocking.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/store/xs_wire.h"
#include "test/lib/unit.h"

static char directory[] = "/tmp/xenrecon-test-XXXXXX";
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static pid_t server;
static struct xs_blocking *blocking;
static struct store *store;

static struct answer {
    unsigned times;
    bool done;
    int status;
    char data[64];
    size_t len;
} answers[8];
static unsigned n_lost, n_events;
static char event_path[64];

/* The store: /exit is its end, /absent is not there, other values are their paths. */
static bool serve(int fd, const struct xsd_sockmsg *h, const char *body)
{
    struct xs_buffer out = {0};
    const char *text = "OK";
    size_t len = 3;
    enum xsd_sockmsg_type type = (enum xsd_sockmsg_type)h->type;

    if (strcmp(body, "/exit") == 0)
        return false;
    if (strcmp(body, "/absent") == 0) {
        type = XS_ERROR;
        text = "ENOENT";
        len = 7;
    } else if (type == XS_READ) {
        text = body;
        len = strlen(body);
    } else if (type == XS_DIRECTORY) {
        text = "one\0two";
        len = 8;
    } else if (type == XS_TRANSACTION_START) {
        text = "23";
    } else if (type == XS_IS_DOMAIN_INTRODUCED) {
        text = strcmp(body, "7") == 0 ? "T" : "F";
        len = 2;
    } else if (type == XS_TRANSACTION_END && (h->tx_id != 23 || strcmp(body, "T") != 0)) {
        type = XS_ERROR;
        text = "EINVAL";
        len = 7;
    }
    xs_wire_append(&out, type, h->req_id, h->tx_id, text, len);
    if (type == XS_WATCH)
        xs_wire_append(&out, XS_WATCH_EVENT, 0, 0, "/w\0t", 5);
    bool ok = write(fd, out.data, out.len) == (ssize_t)out.len;
    xs_buffer_free(&out);
    return ok;
}

static void serve_all(int listener)
{
    static char body[XENSTORE_PAYLOAD_MAX + 1];
    struct xsd_sockmsg h;
    int fd = accept(listener, NULL, NULL);

    close(listener);
    while (recv(fd, &h, sizeof h, MSG_WAITALL) == sizeof h) {
        if (h.len && recv(fd, body, h.len, MSG_WAITALL) != (ssize_t)h.len)
            break;
        body[h.len] = '\0';
        if (!serve(fd, &h, body))
            break;
    }
    _exit(0);
}

static void on_event(void *arg, const char *path, const char *token)
{
    ck_assert_ptr_eq(arg, &answers);
    ck_assert_str_eq(token, "t");
    snprintf(event_path, sizeof event_path, "%s", path);
    n_events++;
}

static void on_lost(void *arg, const char *why)
{
    ck_assert_ptr_eq(arg, &answers);
    ck_assert_uint_gt(strlen(why), 0);
    n_lost++;
}

static void setup(void)
{
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", directory);
    ck_assert_int_eq(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    server = fork();
    ck_assert_int_ge(server, 0);
    if (server == 0)
        serve_all(listener);
    close(listener);
    setenv("XENSTORED_PATH", address.sun_path, 1);
    ck_assert_int_eq(xs_blocking_open(&blocking), 0);
    store = xs_blocking_store(blocking);
    store->event = on_event;
    store->lost = on_lost;
    store->arg = &answers;
}

static void teardown(void)
{
    xs_blocking_close(blocking);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    unlink(address.sun_path);
    rmdir(directory);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        ck_assert_uint_le(answers[i].times, 1);
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

START_TEST(requests_and_answers)
{
    store_read(store, 0, "/value", on_answer, &answers[0]);
    ck_assert_uint_eq(answers[0].times, 0);
    store_read(store, 0, "/absent", on_answer, &answers[1]);
    store_directory(store, 0, "/d", on_answer, &answers[2]);
    store_begin(store, on_answer, &answers[3]);
    store_write(store, 23, "/v", "x", on_answer, &answers[4]);
    store_end(store, 23, true, on_answer, &answers[5]);
    store_is_introduced(store, 7, on_answer, &answers[6]);
    store_is_introduced(store, 8, on_answer, &answers[7]);
    ck_assert_int_eq(xs_blocking_run(blocking, &answers[7].done), 0);
    ck_assert_str_eq(answers[0].data, "/value");
    ck_assert_uint_eq(answers[0].len, 6);
    ck_assert_int_eq(answers[1].status, -ENOENT);
    ck_assert_uint_eq(answers[2].len, 8);
    ck_assert_mem_eq(answers[2].data, "one\0two", 8);
    ck_assert_str_eq(answers[3].data, "23");
    ck_assert_int_eq(answers[4].status, 0);
    ck_assert_int_eq(answers[5].status, 0);
    ck_assert_str_eq(answers[6].data, "T");
    ck_assert_str_eq(answers[7].data, "F");
    ck_assert(!xs_blocking_step(blocking));
}
END_TEST

START_TEST(abort_is_not_commit)
{
    store_end(store, 23, false, on_answer, &answers[0]);
    ck_assert_int_eq(xs_blocking_run(blocking, &answers[0].done), 0);
    ck_assert_int_eq(answers[0].status, -EINVAL); /* as this store says then */
}
END_TEST

START_TEST(nothing_left_that_could_end_it)
{
    bool never = false;
    store_read(store, 0, "/value", on_answer, &answers[0]);
    ck_assert_int_eq(xs_blocking_run(blocking, &never), -EDEADLK);
    ck_assert_uint_eq(answers[0].times, 1);
}
END_TEST

START_TEST(loss_answers_what_is_outstanding)
{
    store_read(store, 0, "/exit", on_answer, &answers[0]);
    store_read(store, 0, "/value", on_answer, &answers[1]);
    ck_assert_int_eq(xs_blocking_run(blocking, &answers[1].done), 0);
    ck_assert_int_eq(answers[0].status, -ECONNRESET);
    ck_assert_int_eq(answers[1].status, -ECONNRESET);
    ck_assert_uint_eq(n_lost, 1);
    store_read(store, 0, "/value", on_answer, &answers[2]);
    ck_assert_uint_eq(answers[2].times, 0);
    ck_assert_int_eq(xs_blocking_run(blocking, &answers[2].done), 0);
    ck_assert_int_eq(answers[2].status, -ECONNRESET);
    ck_assert_uint_eq(n_lost, 1);
}
END_TEST

START_TEST(events_come_in_steps)
{
    store_watch(store, "/w", "t", on_answer, &answers[0]);
    ck_assert_int_eq(xs_blocking_run(blocking, &answers[0].done), 0);
    ck_assert_int_eq(answers[0].status, 0);
    for (int i = 0; i < 60000 && !n_events; i++) {
        if (!xs_blocking_step(blocking))
            usleep(1000);
    }
    ck_assert_uint_eq(n_events, 1);
    ck_assert_str_eq(event_path, "/w");
}
END_TEST

START_TEST(what_cannot_be_asked)
{
    static char value[XENSTORE_PAYLOAD_MAX + 1];
    memset(value, 'v', sizeof value - 1);
    store_write(store, 0, "/v", value, on_answer, &answers[0]);
    ck_assert_int_eq(xs_blocking_run(blocking, &answers[0].done), 0);
    ck_assert_int_eq(answers[0].status, -E2BIG);
}
END_TEST

START_TEST(close_answers_what_is_outstanding)
{
    store_read(store, 0, "/value", on_answer, &answers[0]);
    store_directory(store, 0, "/d", on_answer, &answers[1]);
    xs_blocking_close(blocking);
    blocking = NULL;
    ck_assert_int_eq(answers[0].status, -ECANCELED);
    ck_assert_int_eq(answers[1].status, -ECANCELED);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xs_blocking");
    TCase *tc = tcase_create("xs_blocking");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, requests_and_answers);
    tcase_add_test(tc, abort_is_not_commit);
    tcase_add_test(tc, nothing_left_that_could_end_it);
    tcase_add_test(tc, loss_answers_what_is_outstanding);
    tcase_add_test(tc, events_come_in_steps);
    tcase_add_test(tc, what_cannot_be_asked);
    tcase_add_test(tc, close_answers_what_is_outstanding);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
