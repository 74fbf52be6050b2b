/* SPDX-License-Identifier: MIT */
/* The control socket's bounds in time: who is dropped, and that nothing is left of them. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "controller/control.h"
#include "schemas/json.h"
#include "test/lib/unit.h"

enum { PATIENCE = 1000 };

static uv_loop_t loop;
static struct control *control;
static char dir[32], path[64];
static unsigned begun, ended, lines;

/* Lines without end. */
static json_t *next(void *state)
{
    (void)state;
    lines++;
    json_t *line = jobject();
    jput(line, "line", jtext("some words, so that it is not too short"));
    return line;
}

static void end(void *state)
{
    (void)state;
    ended++;
}

static struct control_answer ask(void *arg, const json_t *request)
{
    (void)arg;
    begun++;
    if (strcmp(jget_text(request, "request"), "refuse") == 0)
        return control_error("refused", "no: %d", 7);
    return (struct control_answer){next, end, NULL};
}

static void setup(void)
{
    snprintf(dir, sizeof dir, "/tmp/xr.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/control", dir);
    uv_loop_init(&loop);
    control = control_new(
        &(struct control_config){.loop = &loop, .run_dir = dir, .ask = ask, .patience = PATIENCE});
    ck_assert_int_eq(control_listen(control, false), 0);
    begun = ended = lines = 0;
}

static void teardown(void)
{
    control_close(control);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    unlink(path);
    rmdir(dir);
}

static int client(const char *says)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq((int)write(fd, says, strlen(says)), (int)strlen(says));
    return fd;
}

static void on_timer(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

static void turn(uint64_t ms)
{
    uv_timer_t timer;
    uv_timer_init(&loop, &timer);
    uv_timer_start(&timer, on_timer, ms, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
}

/* Is the other end still there, once everything was read? */
static bool open_still(int fd)
{
    char buf[65536];
    ssize_t n;
    while ((n = read(fd, buf, sizeof buf)) > 0)
        ;
    return n < 0;
}

#define ASK    "{\"protocol\":1,\"request\":\"all\"}\n"
#define REFUSE "{\"protocol\":1,\"request\":\"refuse\"}\n"

/* What is not read is not made: an answer without end waits in a buffer's worth of lines. */
START_TEST(test_slow_reader)
{
    int fd = client(ASK);
    turn(50);
    unsigned made = lines;
    ck_assert_uint_eq(begun, 1);
    ck_assert_uint_gt(made, 0);
    ck_assert_uint_lt(made, 50000);
    turn(30);
    ck_assert_uint_eq(lines, made);
    turn(2500); /* it is looked at every second */
    ck_assert_uint_eq(ended, 1);
    ck_assert(!open_still(fd));
    close(fd);
}
END_TEST

START_TEST(test_who_reads_may_stay)
{
    int fd = client(ASK);
    char buf[65536];
    for (int i = 0; i < 80; i++) {
        turn(40);
        ck_assert_int_gt((int)read(fd, buf, sizeof buf), 0);
    }
    ck_assert_uint_eq(ended, 0);
    close(fd);
    turn(40);
    ck_assert_uint_eq(ended, 1);
}
END_TEST

START_TEST(test_who_asks_nothing)
{
    int fd = client("{\"protocol\"");
    turn(50);
    ck_assert(open_still(fd));
    turn(2500);
    ck_assert(!open_still(fd));
    ck_assert_uint_eq(begun, 0);
    close(fd);
}
END_TEST

/* Several requests that came at once are answered one after the other, and a half one waits for its rest. */
START_TEST(test_pipelined)
{
    char buf[512];
    int fd = client(REFUSE REFUSE "{\"protocol\":1,");
    turn(30);
    ssize_t n = read(fd, buf, sizeof buf - 1);
    ck_assert_int_gt(n, 0);
    buf[n] = '\0';
    ck_assert_str_eq(buf, "{\"error\":{\"code\":\"refused\",\"message\":\"no: 7\"}}\n"
                          "{\"error\":{\"code\":\"refused\",\"message\":\"no: 7\"}}\n");
    ck_assert_int_gt((int)write(fd, "\"request\":\"refuse\"}\n", 20), 0);
    turn(30);
    ck_assert_int_eq((int)read(fd, buf, sizeof buf), (int)n / 2);
    ck_assert_uint_eq(begun, 3);
    close(fd);
}
END_TEST

/* More of them than are read at once: the next is read while the answer to one before it is written, but that
 * is not yet over. */
START_TEST(test_burst)
{
    enum { MANY = 200 };
    static char says[MANY * sizeof REFUSE], buf[MANY * 64];
    for (size_t i = 0; i < MANY; i++)
        memcpy(says + i * (sizeof REFUSE - 1), REFUSE, sizeof REFUSE);
    int fd = client(says);
    turn(300);
    ck_assert_uint_eq(begun, MANY);
    ssize_t n = read(fd, buf, sizeof buf);
    size_t each = strlen("{\"error\":{\"code\":\"refused\",\"message\":\"no: 7\"}}\n");
    ck_assert_uint_eq((size_t)n, MANY * each);
    close(fd);
}
END_TEST

/* Closed while an answer is under way. */
START_TEST(test_close)
{
    int fd = client(ASK);
    turn(20);
    close(fd);
    fd = client(ASK);
    turn(20);
    ck_assert_uint_eq(begun, 2);
    close(fd);
}
END_TEST

START_TEST(test_place)
{
    uv_loop_t other;
    uv_loop_init(&other);
    struct control *second =
        control_new(&(struct control_config){.loop = &other, .run_dir = dir, .ask = ask});
    ck_assert_int_eq(control_listen(second, false), -EADDRINUSE);
    ck_assert_int_eq(control_listen(second, true), 0);
    ck_assert_int_eq(control_listen(second, true), 0);
    int fd = client(REFUSE);
    turn(20);
    ck_assert_uint_eq(begun, 0);
    uv_run(&other, UV_RUN_NOWAIT);
    uv_run(&other, UV_RUN_NOWAIT);
    ck_assert_uint_eq(begun, 1);
    close(fd);
    control_close(second);
    uv_run(&other, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&other), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("control");
    TCase *t = tcase_create("control");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_slow_reader);
    tcase_add_test(t, test_who_reads_may_stay);
    tcase_add_test(t, test_who_asks_nothing);
    tcase_add_test(t, test_pipelined);
    tcase_add_test(t, test_burst);
    tcase_add_test(t, test_close);
    tcase_add_test(t, test_place);
    suite_add_tcase(s, t);
    return run_suite(s);
}
