/* SPDX-License-Identifier: MIT */
/* What reaches stderr. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "controller/base/log.h"
#include "schemas/device.h"
#include "test/lib/unit.h"

/* stderr goes to a file while a test runs; each runs in a process of its own. */
static FILE *file;

static void setup(void)
{
    file = tmpfile();
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
    unsetenv("JOURNAL_STREAM");
    log_set_journal(NULL);
}

static void assert_logged(const char *want)
{
    char buf[8192];
    ssize_t n = pread(fileno(file), buf, sizeof buf - 1, 0);
    ck_assert_int_ge(n, 0);
    buf[n] = '\0';
    ck_assert_str_eq(buf, want);
}

static void log_all(void)
{
    log_error("e%d", 1);
    log_warning("w%d", 2);
    log_info("i%d", 3);
    log_debug("d%d", 4);
}

static const struct {
    enum log_level level;
    const char *want;
} levels[] = {
    {LOG_LEVEL_ERROR, "xenrecon: e1\n"},
    {LOG_LEVEL_WARNING, "xenrecon: e1\nxenrecon: w2\n"},
    {LOG_LEVEL_INFO, "xenrecon: e1\nxenrecon: w2\nxenrecon: i3\n"},
    {LOG_LEVEL_DEBUG, "xenrecon: e1\nxenrecon: w2\nxenrecon: i3\nxenrecon: d4\n"},
};

START_TEST(test_levels)
{
    log_set_level(levels[_i].level);
    log_all();
    assert_logged(levels[_i].want);
}
END_TEST

START_TEST(test_default_level)
{
    log_all();
    assert_logged("xenrecon: e1\nxenrecon: w2\nxenrecon: i3\n");
}
END_TEST

START_TEST(test_journal)
{
    struct stat st;
    char stream[64];
    ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
    snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + 1);
    setenv("JOURNAL_STREAM", stream, 1);
    log_set_level(LOG_LEVEL_DEBUG);
    log_error("of another stream");
    snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_all();
    assert_logged("xenrecon: of another stream\n"
                  "<3>xenrecon: e1\n<4>xenrecon: w2\n<6>xenrecon: i3\n<7>xenrecon: d4\n");
}
END_TEST

START_TEST(test_escapes)
{
    log_error("%s", "a\nxenrecon: forged\x1b[31m\xff");
    assert_logged("xenrecon: a\\x0axenrecon: forged\\x1b[31m\\xff\n");
}
END_TEST

START_TEST(test_one_line_however_long)
{
    char text[5000], buf[8192];
    memset(text, '\x1b', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_error("%s", text);
    ssize_t n = pread(fileno(file), buf, sizeof buf, 0);
    ck_assert_int_gt(n, 500);
    ck_assert_int_lt(n, 1100);
    ck_assert_ptr_eq(memchr(buf, '\n', (size_t)n), buf + n - 1);
    ck_assert_mem_eq(buf + n - 5, "\\x1b\n", 5);
}
END_TEST

START_TEST(test_diagnostic)
{
    static const char text[] = "type: x\nownr: kernel\n";
    struct diagnostic d;
    diagnostic_set(&d, "x.yaml", 2, 1, text, sizeof text - 1, "unknown key");
    log_diagnostic(&d);
    assert_logged("xenrecon: x.yaml:2:1: unknown key\n"
                  "xenrecon:     2 | ownr: kernel\n"
                  "xenrecon:       | ^\n");
}
END_TEST

/* ---- what it is about ---- */

static void log_of_device(void)
{
    static const struct log_about about = {.row = "connect", .action = "connect", .finding = "leak"};
    log_about(LOG_LEVEL_WARNING, &about, "%s: connect: it \"said\" \xff", "qdisk/7/51712");
}

START_TEST(test_journal_fields)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat st;
    char stream[64], buf[4096];
    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/journal.%d", (int)getpid());
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
    snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_set_journal(address.sun_path);
    log_of_device();
    ssize_t n = recv(fd, buf, sizeof buf - 1, MSG_DONTWAIT);
    ck_assert_int_gt(n, 0);
    buf[n] = '\0';
    ck_assert_str_eq(buf, "PRIORITY=4\nSYSLOG_IDENTIFIER=xenrecon\n"
                          "MESSAGE=qdisk/7/51712: connect: it \"said\" \\xff\nXENRECON_DEVICE=qdisk/7/51712\n"
                          "XENRECON_ROW=connect\nXENRECON_ACTION=connect\nXENRECON_FINDING=leak\n");
    assert_logged("");
    close(fd);
    unlink(address.sun_path);
    log_error("nobody listens");
    assert_logged("<3>xenrecon: nobody listens\n");
}
END_TEST

START_TEST(test_json)
{
    char buf[4096];
    log_set_format(LOG_FORMAT_JSON);
    log_of_device();
    ssize_t n = pread(fileno(file), buf, sizeof buf - 1, 0);
    ck_assert_int_gt(n, 0);
    buf[n] = '\0';
    ck_assert_mem_eq(buf, "{\"time\":\"20", 11);
    ck_assert_str_eq(
        strstr(buf, "\"level\""),
        "\"level\":\"warning\",\"message\":\"qdisk/7/51712: connect: it \\\"said\\\" \\\\xff\","
        "\"device\":\"qdisk/7/51712\",\"row\":\"connect\",\"action\":\"connect\",\"finding\":\"leak\"}\n");
}
END_TEST

/* ---- how much ---- */

static uint64_t now = 1;

static uint64_t clock_of_test(void)
{
    return now;
}

static int count_lines(const char *what)
{
    static char buf[1 << 20];
    int n = 0;
    ssize_t len = pread(fileno(file), buf, sizeof buf - 1, 0);
    ck_assert_int_ge(len, 0);
    buf[len] = '\0';
    for (const char *at = buf; (at = strstr(at, what)); at++)
        n++;
    return n;
}

START_TEST(test_limit)
{
    log_set_clock(clock_of_test);
    for (int i = 0; i < LOG_BURST + 25; i++)
        log_info("qdisk/7/1: again");
    log_info("qdisk/7/2: another");
    log_info("of no device");
    ck_assert_int_eq(count_lines("again\n"), LOG_BURST);
    ck_assert_int_eq(count_lines("another\n"), 1);
    ck_assert_int_eq(count_lines("suppressed"), 0);
    ck_assert_uint_eq(log_suppressed(), 25);
    now += LOG_WINDOW;
    log_info("of no device");
    ck_assert_int_eq(count_lines("xenrecon: qdisk/7/1: 25 more messages were suppressed\n"), 1);
    log_info("qdisk/7/1: again");
    ck_assert_int_eq(count_lines("again\n"), LOG_BURST + 1);
    for (int i = 0; i < LOG_BURST; i++)
        log_info("qdisk/7/1: again");
    log_flush();
    ck_assert_int_eq(count_lines("xenrecon: qdisk/7/1: 1 more message was suppressed\n"), 1);
    log_flush();
    ck_assert_int_eq(count_lines("suppressed"), 2);
    ck_assert_uint_eq(log_suppressed(), 26);
}
END_TEST

/* Two devices whose keys hash alike, in any table of up to 4096 places. */
static void find_alike(unsigned *ret_a, unsigned *ret_b)
{
    static unsigned seen[4096];
    for (unsigned i = 1;; i++) {
        struct device_key key = {.type = "qdisk", .domid = 7};
        snprintf(key.devid, sizeof key.devid, "%u", i);
        unsigned *at = &seen[device_key_hash(&key) % COUNT(seen)];
        if (*at) {
            *ret_a = *at;
            *ret_b = i;
            return;
        }
        *at = i;
    }
}

/* The limit of a device is its own, whatever other devices are called. */
START_TEST(test_alike)
{
    unsigned a, b;
    find_alike(&a, &b);
    log_set_clock(clock_of_test);
    log_make_room(7, 1000);
    for (int i = 0; i < 500; i++) {
        log_info("qdisk/7/%u: one", a);
        log_info("qdisk/7/%u: other", b);
    }
    ck_assert_int_eq(count_lines("one\n"), LOG_BURST);
    ck_assert_int_eq(count_lines("other\n"), LOG_BURST);
    log_flush();
    ck_assert_int_eq(count_lines(": 400 more messages were suppressed\n"), 2);
}
END_TEST

/* However many devices a guest has, and whatever types they are of: it costs its own lines only. */
START_TEST(test_guest)
{
    static const int devices[] = {3, 10, 200, 5000};
    static const char *const types[] = {"qdisk", "vif", "9pfs"};
    int n = devices[_i], lines = n < 100 ? 100 * n : 3 * n;
    log_set_clock(clock_of_test);
    for (int i = 0; i < lines; i++) {
        log_info("%s/7/%d: noise", types[i % n % 3], i % n);
        if (i % 100 == 0)
            log_error("qdisk/8/1: of another guest");
        if (i % 150 == 0)
            log_error("of no device");
    }
    ck_assert_int_eq(count_lines("noise\n"), LOG_GUEST_BURST);
    ck_assert_int_eq(count_lines("another guest\n"),
                     (lines + 99) / 100 < LOG_BURST ? (lines + 99) / 100 : LOG_BURST);
    ck_assert_int_eq(count_lines("no device\n"), (lines + 149) / 150);
    ck_assert_int_eq(count_lines("suppressed"), 0);
    log_info("domain 7: too much of it");
    ck_assert_int_eq(count_lines("too much"), 0);
    now += LOG_WINDOW;
    log_info("domain 7: better");
    char want[128];
    snprintf(want, sizeof want, "xenrecon: domain 7: %d more messages were suppressed\n",
             lines - LOG_GUEST_BURST + 1);
    ck_assert_int_eq(count_lines(want), 1);
    ck_assert_int_eq(count_lines("better\n"), 1);
}
END_TEST

/* What its workers and scripts say leaves room for what is said of them. */
START_TEST(test_quoted)
{
    static const struct log_about quoted = {.quoted = true};
    log_set_clock(clock_of_test);
    for (int i = 0; i < 500; i++)
        log_about(LOG_LEVEL_INFO, &quoted, "qdisk/7/%d: chatter", i % 10);
    for (int i = 0; i < LOG_GUEST_BURST - LOG_QUOTED; i++)
        log_error("qdisk/7/%d: its worker died", i % 10);
    log_error("qdisk/7/1: too much");
    ck_assert_int_eq(count_lines("chatter\n"), LOG_QUOTED);
    ck_assert_int_eq(count_lines("died\n"), LOG_GUEST_BURST - LOG_QUOTED);
    ck_assert_int_eq(count_lines("too much\n"), 0);
    log_flush();
    ck_assert_int_eq(count_lines("xenrecon: domain 7: 401 more messages were suppressed\n"), 1);
}
END_TEST

/* What is not a guest's is not limited, though it looks like it. */
START_TEST(test_no_guest)
{
    static const char *const texts[] = {"domain x: a\n",   "domain 99999: a\n", "domain 7 has a\n",
                                        "domains 7: a\n",  "qdisk/7: a\n",      "qdisk/7/1 a\n",
                                        "a qdisk/7/1: a\n"};
    log_set_clock(clock_of_test);
    for (int i = 0; i < 2 * LOG_GUEST_BURST; i++)
        log_info("%.*s", (int)strlen(texts[_i]) - 1, texts[_i]);
    ck_assert_int_eq(count_lines(texts[_i]), (intmax_t)2 * LOG_GUEST_BURST);
}
END_TEST

/* Nothing is lost in a burst of many devices that a toolstack attaches. */
START_TEST(test_many_devices)
{
    log_set_clock(clock_of_test);
    for (int i = 0; i < 1000; i++) {
        log_make_room(7, 1);
        log_info("qdisk/7/%d: created", i);
    }
    ck_assert_int_eq(count_lines("created\n"), 1000);
    now += LOG_WINDOW;
    for (int i = 0; i < 1000; i++)
        log_info("qdisk/7/%d: later", i);
    ck_assert_int_eq(count_lines("later\n"), LOG_GUEST_BURST); /* it was for then */
}
END_TEST

/* What was begun may take longer than a window; but who says nothing in one is done. */
START_TEST(test_slow_burst)
{
    log_set_clock(clock_of_test);
    for (int i = 0; i < 1000; i++)
        log_make_room(7, LOG_ROOM);
    for (int i = 0; i < 1000; i++) {
        log_info("qdisk/7/%d: created", i);
        now += i % 100 ? 0 : LOG_WINDOW;
        log_info("qdisk/7/%d: connected", i);
    }
    ck_assert_int_eq(count_lines("created\n"), 1000);
    ck_assert_int_eq(count_lines("connected\n"), 1000);
    now += (uint64_t)2 * LOG_WINDOW;
    log_info("qdisk/8/0: later");
    now += LOG_WINDOW;
    for (int i = 0; i < 1000; i++)
        log_info("qdisk/7/%d: later", i);
    ck_assert_int_le(count_lines("later\n"), LOG_GUEST_BURST + 1);
}
END_TEST

static uint64_t alarm_after;

static void on_alarm(void *arg, uint64_t after)
{
    *(int *)arg += 1;
    alarm_after = after;
}

/* What was suppressed is said though nobody says anything any more. */
START_TEST(test_alarm)
{
    int alarms = 0;
    log_set_clock(clock_of_test);
    log_set_alarm(on_alarm, &alarms);
    for (int i = 0; i < LOG_BURST; i++)
        log_info("qdisk/7/1: again");
    ck_assert_int_eq(alarms, 0);
    now += 1000;
    for (int i = 0; i < LOG_BURST + 3; i++) {
        log_info("qdisk/7/1: again");
        log_info("qdisk/8/1: again");
    }
    ck_assert_int_eq(alarms, 1);
    ck_assert_uint_eq(alarm_after, LOG_WINDOW);
    ck_assert_uint_eq(log_tell(), LOG_WINDOW - 1000);
    now += LOG_WINDOW - 1000;
    ck_assert_uint_eq(log_tell(), 1000);
    ck_assert_int_eq(count_lines("xenrecon: qdisk/7/1: 103 more messages were suppressed\n"), 1);
    ck_assert_int_eq(count_lines("suppressed\n"), 1);
    now += 1000;
    ck_assert_uint_eq(log_tell(), 0);
    ck_assert_int_eq(count_lines("xenrecon: qdisk/8/1: 3 more messages were suppressed\n"), 1);
    ck_assert_int_eq(alarms, 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("log");
    TCase *t = tcase_create("log");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_loop_test(t, test_levels, 0, COUNT(levels));
    tcase_add_test(t, test_default_level);
    tcase_add_test(t, test_journal);
    tcase_add_test(t, test_escapes);
    tcase_add_test(t, test_one_line_however_long);
    tcase_add_test(t, test_diagnostic);
    tcase_add_test(t, test_journal_fields);
    tcase_add_test(t, test_json);
    tcase_add_test(t, test_limit);
    tcase_add_test(t, test_alike);
    tcase_add_loop_test(t, test_guest, 0, 4);
    tcase_add_test(t, test_quoted);
    tcase_add_loop_test(t, test_no_guest, 0, 7);
    tcase_add_test(t, test_many_devices);
    tcase_add_test(t, test_slow_burst);
    tcase_add_test(t, test_alarm);
    suite_add_tcase(s, t);
    return run_suite(s);
}
