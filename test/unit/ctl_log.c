/* SPDX-License-Identifier: MIT */
/* What reaches stderr. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/log.h"
#include "test/lib/unit.h"

/* stderr goes to a file while a test runs; each runs in a process of its own. */
static FILE *file;

static void setup(void)
{
    file = tmpfile();
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
    unsetenv("JOURNAL_STREAM");
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
    suite_add_tcase(s, t);
    return run_suite(s);
}
