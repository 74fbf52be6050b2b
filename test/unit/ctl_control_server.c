/* SPDX-License-Identifier: MIT */
/* The control socket's bounds: who is dropped, that nothing is left of them, and who may ask what. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "controller/daemon/control_server.h"
#include "schemas/json.h"
#include "test/lib/ticks.h"
#include "test/lib/unit.h"

enum { PATIENCE = 1000, TICK = 50 /* milliseconds */, SOON = 25 /* ticks: it is looked at every second */ };

static uv_loop_t loop;
static struct ticks ticks;
static struct control_server *control;
static char dir[32], path[64];
static unsigned begun, ended, lines;
static bool asked_by_reader;

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

static struct control_answer ask(void *arg, const json_t *request, bool reader)
{
    (void)arg;
    asked_by_reader = reader;
    begun++;
    if (strcmp(jget_text(request, "request"), "refuse") == 0)
        return control_server_error("refused", "no: %d", 7);
    return (struct control_answer){next, end, NULL};
}

static void setup(void)
{
    snprintf(dir, sizeof dir, "/tmp/xr.XXXXXX");
    signal(SIGPIPE, SIG_IGN); /* as the daemon has it */
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/control", dir);
    uv_loop_init(&loop);
    control = control_server_new(
        &(struct control_server_config){.loop = &loop, .run_dir = dir, .ask = ask, .patience = PATIENCE});
    ck_assert_int_eq(control_server_listen(control, false), 0);
    ticks_start(&ticks, &loop, TICK);
    begun = ended = lines = 0;
}

static void teardown(void)
{
    ticks_stop(&ticks);
    control_server_close(control);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    unlink(path);
    rmdir(dir);
}

static int client_at(const char *at, const char *says)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", at);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq((int)write(fd, says, strlen(says)), (int)strlen(says));
    return fd;
}

static int client(const char *says)
{
    return client_at(path, says);
}

/* Until so many ticks have come. */
static void turn(unsigned n)
{
    (void)WITHIN(&ticks, n, false);
}

/* Until what was written to the other end is read, and what that leads to is done. */
static void settle(void)
{
    for (int i = 0; i < 100; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
}

/* Reads until there were so many bytes, or the other end is closed; how many there were. */
static size_t read_all(int fd, char *buf, size_t size)
{
    size_t len = 0;
    for (unsigned end = ticks.n + SOON; len < size && ticks.n < end;) {
        ssize_t n = read(fd, buf + len, size - len);
        if (n == 0)
            break;
        if (n > 0)
            len += (size_t)n;
        else
            uv_run(&loop, UV_RUN_ONCE);
    }
    return len;
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

#define REFUSED "{\"error\":{\"code\":\"refused\",\"message\":\"no: 7\"}}\n"

/* What is not read is not made: an answer without end waits in a buffer's worth of lines. */
START_TEST(test_slow_reader)
{
    int fd = client(ASK);
    settle();
    unsigned made = lines;
    ck_assert_uint_eq(begun, 1);
    ck_assert_uint_gt(made, 0);
    ck_assert_uint_lt(made, 50000);
    settle();
    ck_assert_uint_eq(lines, made);
    ck_assert(WITHIN(&ticks, 2 * SOON, ended == 1));
    ck_assert_uint_eq(lines, made);
    ck_assert(!open_still(fd));
    close(fd);
}
END_TEST

START_TEST(test_who_reads_may_stay)
{
    int fd = client(ASK);
    char buf[65536];
    for (uint64_t end = uv_now(&loop) + (uint64_t)3 * PATIENCE; uv_now(&loop) < end;) {
        ck_assert_uint_gt(read_all(fd, buf, sizeof buf), 0);
        turn(1);
    }
    ck_assert_uint_eq(ended, 0);
    close(fd);
    ck_assert(WITHIN(&ticks, SOON, ended == 1));
}
END_TEST

START_TEST(test_who_asks_nothing)
{
    int fd = client("{\"protocol\"");
    settle();
    ck_assert(open_still(fd));
    ck_assert(WITHIN(&ticks, 2 * SOON, !open_still(fd)));
    ck_assert_uint_eq(begun, 0);
    close(fd);
}
END_TEST

/* Several requests that came at once are answered one after the other, and a half one waits for its rest. */
START_TEST(test_pipelined)
{
    char buf[3 * sizeof REFUSED] = "";
    int fd = client(REFUSE REFUSE "{\"protocol\":1,");
    settle();
    ck_assert_int_eq((int)read(fd, buf, sizeof buf - 1), 2 * strlen(REFUSED));
    ck_assert_str_eq(buf, REFUSED REFUSED);
    ck_assert_int_gt((int)write(fd, "\"request\":\"refuse\"}\n", 20), 0);
    settle();
    ck_assert_int_eq((int)read(fd, buf, sizeof buf), strlen(REFUSED));
    ck_assert_uint_eq(begun, 3);
    close(fd);
}
END_TEST

/* More of them than are read at once: the next is read while the answer to one before it is written, but that
 * is not yet over. */
START_TEST(test_burst)
{
    enum { MANY = 200 };
    static char says[MANY * sizeof REFUSE], buf[MANY * sizeof REFUSED];
    for (size_t i = 0; i < MANY; i++)
        memcpy(says + i * (sizeof REFUSE - 1), REFUSE, sizeof REFUSE);
    int fd = client(says);
    ck_assert(WITHIN(&ticks, SOON, begun == MANY));
    settle();
    ck_assert_int_eq((int)read(fd, buf, sizeof buf), MANY * strlen(REFUSED));
    close(fd);
}
END_TEST

/* Closed while an answer is under way. */
START_TEST(test_close)
{
    int fd = client(ASK);
    settle();
    close(fd);
    fd = client(ASK);
    settle();
    ck_assert_uint_eq(begun, 2);
    close(fd);
}
END_TEST

/* Readers have a socket of their own, and cannot keep root out, however many of them there are. */
START_TEST(test_readers)
{
    char reader[sizeof path];
    struct stat st;
    int fds[CONTROL_READERS_MAX + 4];
    unsigned n = sizeof fds / sizeof *fds, closed = 0;
    const gid_t group = getuid() ? getgid() : 1;
    control_server_close(control);
    settle();
    control = control_server_new(&(struct control_server_config){
        .loop = &loop, .run_dir = dir, .readers = &group, .ask = ask, .patience = PATIENCE});
    ck_assert_int_eq(control_server_listen(control, true), 0);
    snprintf(reader, sizeof reader, "%s/reader", dir);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert_int_eq(stat(reader, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0660);
    ck_assert_uint_eq(st.st_gid, group);
    for (unsigned i = 0; i < n; i++)
        fds[i] = client_at(reader, "");
    settle();
    for (unsigned i = 0; i < n; i++) {
        char byte;
        closed += read(fds[i], &byte, 1) == 0;
    }
    ck_assert_uint_eq(closed, n - CONTROL_READERS_MAX);
    int ours = client(REFUSE);
    settle();
    ck_assert_uint_eq(begun, 1);
    ck_assert(!asked_by_reader);
    for (unsigned i = 0; i < n; i++)
        close(fds[i]);
    settle();
    int one = client_at(reader, REFUSE);
    settle();
    ck_assert_uint_eq(begun, 2);
    ck_assert(asked_by_reader);
    close(one);
    close(ours);
    ck_assert_int_eq(unlink(reader), 0);
    ck_assert_int_eq(control_server_mend(control), 1);
    close(client_at(reader, ""));
    ck_assert_int_eq(control_server_mend(control), 0);
    unlink(reader);
}
END_TEST

START_TEST(test_place)
{
    uv_loop_t other;
    uv_loop_init(&other);
    struct control_server *second =
        control_server_new(&(struct control_server_config){.loop = &other, .run_dir = dir, .ask = ask});
    ck_assert_int_eq(control_server_listen(second, false), -EADDRINUSE);
    ck_assert_int_eq(control_server_listen(second, true), 0);
    ck_assert_int_eq(control_server_listen(second, true), 0);
    int fd = client(REFUSE);
    settle();
    ck_assert_uint_eq(begun, 0);
    uv_run(&other, UV_RUN_NOWAIT);
    uv_run(&other, UV_RUN_NOWAIT);
    ck_assert_uint_eq(begun, 1);
    close(fd);
    control_server_close(second);
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
    tcase_add_test(t, test_readers);
    tcase_add_test(t, test_place);
    suite_add_tcase(s, t);
    return run_suite(s);
}
