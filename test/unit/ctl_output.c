/* SPDX-License-Identifier: MIT */
/* What processes print: lines, the end that is kept, and how much is read and logged. */
#include "controller/processes/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "controller/base/log.h"
#include "test/lib/unit.h"

/* ---- the end of it ---- */

static struct tail tail;
static char seen[8192];

static void see(void *arg, const char *line)
{
    size_t len = strlen(seen);
    (void)arg;
    snprintf(seen + len, sizeof seen - len, "%s|", line);
}

static const char *lines(size_t max, size_t size)
{
    char buf[64];
    seen[0] = '\0';
    tail_lines(&tail, max, buf, size, see, NULL);
    return seen;
}

static void add(const char *text)
{
    tail_add(&tail, text, strlen(text));
}

START_TEST(its_lines)
{
    char buf[64];
    ck_assert_str_eq(lines(9, 64), "");
    ck_assert(!tail_last(&tail, buf, sizeof buf));
    add("\n\n");
    ck_assert(!tail_last(&tail, buf, sizeof buf));
    ck_assert_str_eq(lines(9, 64), "");
    add("one\r\ntwo\n\nthr");
    add("ee\n\n");
    ck_assert_str_eq(lines(9, 64), "one|two|three|");
    ck_assert_str_eq(lines(3, 64), "one|two|three|");
    ck_assert_str_eq(lines(2, 64), "two|three|");
    ck_assert_str_eq(lines(1, 64), "three|");
    ck_assert_str_eq(lines(0, 64), "");
    ck_assert_str_eq(lines(9, 4), "one|two|thr|");
    ck_assert(tail_last(&tail, buf, sizeof buf));
    ck_assert_str_eq(buf, "three");
    add("four");
    ck_assert_str_eq(lines(2, 64), "three|four|");
    add("\x1b[2J");
    ck_assert(tail_last(&tail, buf, sizeof buf));
    ck_assert_str_eq(buf, "four\\x1b[2J");
    tail_clear(&tail);
}
END_TEST

/* However it comes, the last TAIL_MAX bytes are kept. */
START_TEST(its_end)
{
    static const size_t sizes[] = {1, 7, 100, TAIL_MAX - 1, TAIL_MAX, TAIL_MAX + 1, (size_t)3 * TAIL_MAX};
    static char text[5 * TAIL_MAX];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i % 23);
    for (size_t at = 0; at < sizeof text; at += sizes[_i])
        tail_add(&tail, text + at, sizes[_i] < sizeof text - at ? sizes[_i] : sizeof text - at);
    ck_assert_uint_eq(tail.len, TAIL_MAX);
    ck_assert_uint_eq(tail.total, sizeof text);
    ck_assert_mem_eq(tail.text, text + sizeof text - TAIL_MAX, TAIL_MAX);
    tail_clear(&tail);
}
END_TEST

/* ---- the pipe ---- */

static uv_loop_t loop;
static struct output *output;
static int printing;
static unsigned ends;
static FILE *logged;

static void on_end(void *arg)
{
    ck_assert_ptr_eq(arg, &loop);
    ends++;
}

static void begin(bool quiet)
{
    int reading;
    ck_assert_int_eq(output_pipe(&reading, &printing), 0);
    output = output_new(&(struct output_config){.loop = &loop,
                                                .name = "qdisk/7/1: worker 12",
                                                .quiet = quiet,
                                                .tail = &tail,
                                                .ended = on_end,
                                                .arg = &loop},
                        reading);
}

static void setup(void)
{
    logged = tmpfile();
    ck_assert_ptr_nonnull(logged);
    ck_assert_int_eq(dup2(fileno(logged), STDERR_FILENO), STDERR_FILENO);
    uv_loop_init(&loop);
}

static void teardown(void)
{
    output_close(output);
    if (printing >= 0)
        close(printing);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    tail_clear(&tail);
}

static void print(const char *text)
{
    ck_assert_int_eq(write(printing, text, strlen(text)), (ssize_t)strlen(text));
}

static void until(uint64_t total)
{
    while (tail.total < total)
        uv_run(&loop, UV_RUN_ONCE);
}

/* How many lines of the log have this text; the last of them is left in `seen`. */
static unsigned in_log(const char *text)
{
    char line[2048];
    unsigned n = 0;
    rewind(logged);
    while (fgets(line, sizeof line, logged))
        if (strstr(line, text)) {
            n++;
            snprintf(seen, sizeof seen, "%s", line);
        }
    return n;
}

START_TEST(lines_are_logged)
{
    begin(false);
    print("one\ntw");
    until(6);
    print("o\r\n\nx\a");
    until(12);
    ck_assert_uint_eq(in_log("qdisk/7/1: worker 12: "), 2);
    ck_assert_str_eq(seen, "xenrecon: qdisk/7/1: worker 12: two\n");
    output_drain(output); /* it has ended: so has the line */
    ck_assert_uint_eq(in_log("qdisk/7/1: worker 12: x\\x07\n"), 1);
}
END_TEST

START_TEST(a_long_line_is_cut)
{
    char text[3 * OUTPUT_LINE];
    memset(text, 'y', sizeof text);
    text[sizeof text - 1] = '\0';
    begin(false);
    print(text);
    print(text);
    print("\nshort\n");
    until(2 * strlen(text) + 7);
    ck_assert_uint_eq(in_log("yy"), 1);
    ck_assert_uint_eq(in_log(": short\n"), 1);
}
END_TEST

/* Until then nothing, and of a line that was begun before not its rest. */
START_TEST(quiet_until_it_is_to_speak)
{
    begin(true);
    print("before\nthe beginning");
    until(20);
    output_speak(output);
    print(" and the end\nafter\n");
    until(39);
    ck_assert_uint_eq(in_log("worker 12"), 1);
    ck_assert_str_eq(seen, "xenrecon: qdisk/7/1: worker 12: after\n");
}
END_TEST

START_TEST(beyond_a_number_lines_are_counted)
{
    begin(false);
    for (int i = 0; i < OUTPUT_LINES + 23; i++)
        print("again\n");
    until((uint64_t)6 * (OUTPUT_LINES + 23));
    ck_assert_uint_eq(in_log("again"), OUTPUT_LINES);
    ck_assert_uint_eq(in_log("more"), 0);
    output_close(output);
    output = NULL;
    ck_assert_uint_eq(in_log("qdisk/7/1: worker 12: 23 more lines were not logged\n"), 1);
}
END_TEST

/* As much as the pipe takes, for ever: in a second it is read no faster than it may be, and the loop turns.
 */
START_TEST(who_floods_is_read_slowly)
{
    char text[4096];
    unsigned turns = 0;
    uint64_t begun = uv_hrtime();
    memset(text, 'z', sizeof text);
    begin(_i);
    fcntl(printing, F_SETFL, O_RDWR | O_NONBLOCK);
    while (uv_hrtime() - begun < 1500 * 1000000ULL && tail.total < (uint64_t)8 * OUTPUT_RATE) {
        while (write(printing, text, sizeof text) > 0)
            ;
        uv_run(&loop, UV_RUN_NOWAIT);
        turns++;
    }
    ck_assert_uint_gt(turns, 20);
    uint64_t seconds = (uv_hrtime() - begun) / 1000000000 + 1;
    if (_i)
        ck_assert_uint_ge(tail.total, (uintmax_t)8 * OUTPUT_RATE);
    else
        ck_assert_uint_le(tail.total, (seconds + 1) * (OUTPUT_RATE + 16 * 1024));
}
END_TEST

/* It does not die of us, and we see when it is gone. */
START_TEST(both_ends_are_its_own)
{
    begin(false);
    int other = dup(printing);
    print("x\n");
    until(2);
    close(printing);
    printing = other;
    print("y\n");
    until(4);
    ck_assert_uint_eq(ends, 0);
    close(printing);
    printing = -1;
    while (!ends)
        uv_run(&loop, UV_RUN_ONCE);
    uv_run(&loop, UV_RUN_NOWAIT);
    ck_assert_uint_eq(ends, 1);
    output_drain(output);
    output_close(output);
    output = NULL;
    begin(false);
    output_close(output);
    output = NULL;
    uv_run(&loop, UV_RUN_NOWAIT);
    print("nobody reads it, and SIGPIPE does not come\n");
}
END_TEST

static void on_other(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    *(bool *)poll->data = true;
    uv_poll_stop(poll);
}

/* Who is watched under the number that its descriptor had, is watched still when it is closed. */
START_TEST(its_number_is_nobody_elses)
{
    uv_poll_t poll;
    bool seen_it = false;
    int others[2];
    begin(false);
    close(printing);
    printing = -1;
    while (!ends)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_int_eq(pipe(others), 0);
    poll.data = &seen_it;
    uv_poll_init(&loop, &poll, others[0]);
    uv_poll_start(&poll, UV_READABLE, on_other);
    uv_run(&loop, UV_RUN_NOWAIT);
    output_close(output);
    output = NULL;
    uv_run(&loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(write(others[1], "x", 1), 1);
    uv_run(&loop, UV_RUN_NOWAIT);
    ck_assert(seen_it);
    uv_close((uv_handle_t *)&poll, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
    close(others[0]);
    close(others[1]);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("output");
    TCase *t = tcase_create("tail"), *p = tcase_create("pipe");
    tcase_add_test(t, its_lines);
    tcase_add_loop_test(t, its_end, 0, 7);
    tcase_add_checked_fixture(p, setup, teardown);
    tcase_add_test(p, lines_are_logged);
    tcase_add_test(p, a_long_line_is_cut);
    tcase_add_test(p, quiet_until_it_is_to_speak);
    tcase_add_test(p, beyond_a_number_lines_are_counted);
    tcase_add_loop_test(p, who_floods_is_read_slowly, 0, 2);
    tcase_add_test(p, both_ends_are_its_own);
    tcase_add_test(p, its_number_is_nobody_elses);
    suite_add_tcase(s, t);
    suite_add_tcase(s, p);
    return run_suite(s);
}
