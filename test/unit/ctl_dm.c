/* SPDX-License-Identifier: MIT */
/* xenrecon-dm: the command line that libxl writes, and what is said over QMP, byte by byte. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/dm/qmp.h"
#include "test/lib/unit.h"

enum { WORDS_MAX = 16 };

static int parse(const char *line, struct dm_options *ret_options, const char **ret_error)
{
    static char text[512];
    char *argv[WORDS_MAX + 1] = {(char[]){"xenrecon-dm"}}, *save;
    int argc = 1;
    snprintf(text, sizeof text, "%s", line);
    for (char *w = strtok_r(text, " ", &save); w && argc < WORDS_MAX; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    return dm_options_parse(argc, argv, ret_options, ret_error);
}

/* ---- options ---- */

#define GUEST "-xen-domid 7 -machine xenpv "

static const struct {
    const char *line, *error; /* a part of it; NULL: none */
} lines[] = {
    {GUEST, NULL},
    {"--xen-domid 7 -M xenpv,accel=xen", NULL},
    {"-xen-domid 7 -machine type=xenpv -machine accel=xen", NULL},
    {"-machine none,accel=xen", NULL},
    {GUEST "-name -S -unheard-of word -xen-domid-restrict -runas nobody", NULL},
    {GUEST "-chardev pty,id=libxl-channel0 -chardev socket,id=x,host=h,port=1,server=on", NULL},
    {"", "-machine is missing"},
    {"-xen-domid 7", "-machine is missing"},
    {"-machine xenpv", "-xen-domid is missing"},
    {"-xen-domid 7 -M xenfv", "emulates nothing"},
    {"-xen-domid 7 -machine pc,accel=xen", "emulates nothing"},
    {"-machine xenpv -xen-domid seven", "no domain's number"},
    {"-machine xenpv -xen-domid 32752", "no domain's number"},
    {GUEST "-chardev", "argument is missing"},
    {GUEST "-chardev socket,id=a,fd=x,server", "fd is no number"},
    {GUEST "-mon chardev=a,mode=control", "no socket of that name"},
    {GUEST "-chardev socket,id=a,path=/x -mon chardev=a,mode=control", "no socket of that name"},
};

START_TEST(test_line)
{
    struct dm_options o;
    const char *error = NULL;
    int r = parse(lines[_i].line, &o, &error);
    ck_assert_int_eq(r, lines[_i].error ? -EINVAL : 0);
    ck_assert(lines[_i].error ? error && strstr(error, lines[_i].error) : !error);
    dm_options_free(&o);
}
END_TEST

START_TEST(test_sockets)
{
    struct dm_options o;
    const char *error;
    ck_assert_int_eq(parse(GUEST
                           "-S -mon chardev=a,mode=control -chardev socket,id=a,path=/r,,un/x,server,nowait "
                           "-chardev socket,id=b,server=on,fd=9",
                           &o, &error),
                     0);
    ck_assert(o.paused && o.has_domid && !o.probe);
    ck_assert_uint_eq(o.domid, 7);
    ck_assert_uint_eq(o.n_sockets, 2);
    ck_assert_str_eq(o.sockets[0].path, "/r,un/x");
    ck_assert(o.sockets[0].control && !o.sockets[1].control);
    ck_assert(!o.sockets[1].path && o.sockets[1].fd == 9);
    dm_options_free(&o);
}
END_TEST

/* ---- QMP ---- */

static struct dm_options options;
static struct qmp_machine machine;
static struct qmp_session session;

static void setup(void)
{
    const char *error;
    ck_assert_int_eq(parse(GUEST, &options, &error), 0);
    machine = (struct qmp_machine){.options = &options, .running = true, .started = true};
    qmp_session_init(&session, &machine);
}

static void teardown(void)
{
    qmp_session_finish(&session);
    dm_options_free(&options);
}

/* All answers to these bytes, which come `step` at a time; false: it was hung up. */
static bool feed(const char *data, size_t len, size_t step, char *ret_answers, size_t size)
{
    bool broken = false;
    *ret_answers = '\0';
    for (size_t at = 0; at < len && !broken;) {
        char *answer;
        at += qmp_feed(&session, data + at, step < len - at ? step : len - at, &answer, &broken);
        size_t len_so_far = strlen(ret_answers);
        snprintf(ret_answers + len_so_far, size - len_so_far, "%s", answer ? answer : "");
        free(answer);
    }
    return !broken;
}

#define HELLO "{\"execute\":\"qmp_capabilities\"}"

START_TEST(test_any_pieces)
{
    static const char said[] =
        HELLO "\r\n {\"execute\": \"stop\", \"id\": [\"}\\\"]\", {}]}{\"execute\":\"x\"}";
    static const char want[] = "{\"return\":{}}\r\n"
                               "{\"return\":{},\"id\":[\"}\\\"]\",{}]}\r\n"
                               "{\"error\":{\"class\":\"CommandNotFound\"";
    char answers[1024];
    ck_assert(feed(said, strlen(said), (size_t)_i + 1, answers, sizeof answers));
    ck_assert_msg(strncmp(answers, want, strlen(want)) == 0, "%s", answers);
    ck_assert(!machine.running);
}
END_TEST

START_TEST(test_too_long)
{
    char *said = malloc(QMP_MESSAGE_MAX + 1), answers[1024];
    memset(said, '[', QMP_MESSAGE_MAX + 1);
    said[0] = '{';
    ck_assert(!feed(said, QMP_MESSAGE_MAX + 1, 4096, answers, sizeof answers));
    ck_assert(strstr(answers, "too long"));
    free(said);
}
END_TEST

/* Whatever bytes: an answer, or a hang-up, and a machine that goes on unless it was told otherwise. */
START_TEST(test_damaged)
{
    static const char good[] =
        HELLO "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"\\u00e9\"},\"id\":-1.5e3}";
    char said[sizeof good], answers[4096];
    unsigned seed = (unsigned)_i;
    for (int round = 0; round < 200; round++) {
        memcpy(said, good, sizeof good);
        for (int i = 0; i < 3; i++)
            said[(size_t)rand_r(&seed) % (sizeof good - 1)] = (char)rand_r(&seed);
        feed(said, sizeof good - 1, 1 + (size_t)rand_r(&seed) % 9, answers, sizeof answers);
        ck_assert(machine.running && !machine.quit);
        qmp_session_finish(&session);
        qmp_session_init(&session, &machine);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("device model");
    TCase *t = tcase_create("options");
    tcase_add_loop_test(t, test_line, 0, COUNT(lines));
    tcase_add_test(t, test_sockets);
    suite_add_tcase(s, t);
    t = tcase_create("QMP");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, test_any_pieces, 0, 40);
    tcase_add_test(t, test_too_long);
    tcase_add_loop_test(t, test_damaged, 0, 20);
    suite_add_tcase(s, t);
    return run_suite(s);
}
