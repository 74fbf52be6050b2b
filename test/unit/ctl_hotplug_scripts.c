/* SPDX-License-Identifier: MIT */
/* Hotplug scripts: which may be run, what they get, how they end. Each test has a folder of its own; files
 * must be root's, so that there is nothing to see for others. */
#include "controller/processes/hotplug_scripts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "controller/base/log.h"
#include "schemas/mem.h"
#include "test/lib/unit.h"

enum {
    JOBS_MAX = 32,
    PATH_SIZE = 256,
    LONG = 120 * 1000 /* milliseconds: much more than any script takes */
};

static char dir[] = "/tmp/xr-script.XXXXXX";
static uv_loop_t loop;
static struct hotplug_scripts *scripts;
static struct done {
    char key[64], said[512];
    int error;
} done[JOBS_MAX];
static int n_done;

static void on_done(void *arg, const char *key, int error, const char *said)
{
    struct done *d = &done[n_done++];
    ck_assert_ptr_eq(arg, &loop);
    snprintf(d->key, sizeof d->key, "%s", key);
    snprintf(d->said, sizeof d->said, "%s", said);
    d->error = error;
}

static void setup(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    umask(022);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    uv_loop_init(&loop);
    scripts = hotplug_scripts_new(&loop, on_done, &loop);
}

static void teardown(void)
{
    char command[PATH_SIZE];
    hotplug_scripts_close(scripts);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
}

static const char *in_dir(const char *name)
{
    static char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void write_script(const char *name, const char *body)
{
    FILE *f = fopen(in_dir(name), "we");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "#!/bin/sh\ncd %s\n%s\n", dir, body);
    fclose(f);
    ck_assert_int_eq(chmod(in_dir(name), 0755), 0);
}

static void run(const char *key, const char *name, uint32_t timeout, uint32_t parallel)
{
    const char *const argv[] = {name, "add", "type_if=vif", NULL};
    const char *const env[] = {"XENBUS_TYPE=vbd", "vif=", NULL};
    struct script_request r = {key, dir, argv, env, timeout, parallel};
    hotplug_scripts_run(scripts, &r);
}

static void until(int n)
{
    while (n_done < n && uv_run(&loop, UV_RUN_ONCE))
        ;
    ck_assert_int_eq(n_done, n);
}

static const struct done *run_one(const char *name)
{
    n_done = 0;
    run("vbd/7/0", name, LONG, 4);
    ck_assert_int_eq(n_done, 0); /* never from within */
    until(1);
    return &done[0];
}

static const char *content(const char *name)
{
    static char text[4096];
    FILE *f = fopen(in_dir(name), "re");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    text[n] = '\0';
    if (f)
        fclose(f);
    return text;
}

static bool ran(void)
{
    return access(in_dir("ran"), F_OK) == 0;
}

/* ---- what it gets ---- */

START_TEST(words_and_environment)
{
    setenv("LD_PRELOAD_X", "x", 1);
    setenv("XENSTORED_PATH", "/s", 1);
    unsetenv("XENSTORED_RUNDIR");
    write_script("block", "echo \"$0 $*\" >ran; env | grep -v -e PWD= -e ^_= | sort >env; pwd >&2");
    ck_assert_int_eq(run_one("block")->error, 0);
    ck_assert_str_eq(done[0].key, "vbd/7/0");
    char want[512];
    snprintf(want, sizeof want, "%s/block add type_if=vif\n", dir);
    ck_assert_str_eq(content("ran"), want);
    ck_assert_str_eq(content("env"), "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
                                     "XENBUS_TYPE=vbd\nXENSTORED_PATH=/s\nvif=\n");
    ck_assert_int_eq(run_one(in_dir("block"))->error, 0); /* by its whole path, too */
}
END_TEST

START_TEST(process)
{
    int leak = open("/dev/null", O_RDONLY); /* not close-on-exec */
    char want[64];
    signal(SIGPIPE, SIG_IGN);
    write_script("block",
                 "(exec ls /proc/self/fd >fds); readlink /proc/$$/fd/0 >in; echo $$ >pid;"
                 "cut -d ' ' -f 5 /proc/$$/stat >group; sed -n 's/^SigIgn:.//p' /proc/$$/status >ignored");
    ck_assert_int_eq(run_one("block")->error, 0);
    ck_assert_str_eq(content("fds"), "0\n1\n2\n3\n"); /* 3: of ls itself */
    ck_assert_str_eq(content("in"), "/dev/null\n");
    snprintf(want, sizeof want, "%s", content("pid"));
    ck_assert_str_eq(content("group"), want);
    /* what we ignore ourselves; who started us may have ignored signals beyond these, which libuv leaves
     * alone */
    ck_assert_uint_eq(strtoull(content("ignored"), NULL, 16) & 0x7fffffff, 0);
    close(leak);
}
END_TEST

/* ---- how it ends ---- */

static const struct {
    const char *body;
    int error;
    const char *said; /* after the script's path; NULL: nothing */
} ends[] = {
    {"exit 0", 0, NULL},
    {"echo all is well", 0, NULL},
    {"exit 3", -EIO, " add exited with status 3"},
    {"echo first; echo no such bridge >&2; exit 1", -EIO, " add exited with status 1: no such bridge"},
    {"printf 'a\\033[2J\\n\\n'; exit 1", -EIO, " add exited with status 1: a\\x1b[2J"},
    {"printf 'a\\000b'; exit 1", -EIO, " add exited with status 1: a?b"},
    {"yes 0123456789 | head -n 100000; echo the end; exit 1", -EIO, " add exited with status 1: the end"},
    {"kill -40 $$", -EIO, " add was ended by signal 40"},
    {"kill -9 $$", -EIO, " add was ended by signal 9, SIGKILL"},
    {"sleep 100 & echo gone; exit 0", 0, NULL}, /* one that stays behind is not waited for */
};

START_TEST(ended)
{
    char want[512] = "";
    write_script("block", ends[_i].body);
    run_one("block");
    if (ends[_i].said)
        snprintf(want, sizeof want, "%s/block%s", dir, ends[_i].said);
    ck_assert_int_eq(done[0].error, ends[_i].error);
    ck_assert_str_eq(done[0].said, want);
}
END_TEST

START_TEST(long_words_are_cut)
{
    write_script("block", "yes 0123456789 | head -n 100 | tr -d '\\n'; exit 1");
    run_one("block");
    ck_assert_uint_eq(strlen(done[0].said), 255);
}
END_TEST

START_TEST(no_zombie)
{
    char path[64];
    write_script("block", "echo $$ >pid");
    run_one("block");
    snprintf(path, sizeof path, "/proc/%d", atoi(content("pid")));
    ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

static bool alive(const char *file)
{
    char path[64], line[128] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", atoi(content(file)));
    FILE *f = fopen(path, "re");
    if (f && !fgets(line, sizeof line, f))
        line[0] = '\0';
    if (f)
        fclose(f);
    return line[0] && !strstr(line, ") Z "); /* somebody else reaps it */
}

/* With its whole group, also when it does not listen. */
START_TEST(deadline)
{
    static const char *const bodies[] = {
        "echo waiting; sleep 100 & echo $! >child; wait",
        "trap '' TERM; sleep 100 & echo $! >child; echo waiting; while :; do wait; done",
        "(trap '' TERM; sleep 100) & echo $! >child; echo waiting; wait"};
    enum { TIMEOUT = 2000 }; /* milliseconds, in which each of them begins to wait also on a busy machine */
    char want[512];
    write_script("block", bodies[_i]);
    n_done = 0;
    run("vbd/7/0", "block", TIMEOUT, 4);
    uint64_t began = uv_now(&loop);
    until(1);
    ck_assert_int_eq(done[0].error, -ETIMEDOUT);
    snprintf(want, sizeof want, "%s/block add did not end within 2.0 s: waiting", dir);
    ck_assert_str_eq(done[0].said, want);
    /* Those that listen are not waited for until they are killed, and nobody is for a child */
    ck_assert_uint_lt(uv_now(&loop) - began, TIMEOUT + (_i == 1 ? 30000 : 2000));
    for (int i = 0; i < 6000 && alive("child"); i++)
        usleep(10000);
    ck_assert(!alive("child"));
}
END_TEST

/* It ended in time, and only we were late. */
START_TEST(we_did_not_run)
{
    write_script("block", "echo in time");
    n_done = 0;
    run("vbd/7/0", "block", 500, 4);
    for (uint64_t begun = uv_hrtime(); uv_hrtime() - begun < (_i ? 3000 : 1300) * 1000000ULL;)
        usleep(10000); /* SIGCHLD interrupts it */
    until(1);
    ck_assert_int_eq(done[0].error, 0);
}
END_TEST

/* ---- what is not run ---- */

static void other_owner(void)
{
    ck_assert_int_eq(chown(in_dir("block"), 65534, 0), 0);
}
static void group_writes(void)
{
    ck_assert_int_eq(chmod(in_dir("block"), 0775), 0);
}
static void others_write(void)
{
    ck_assert_int_eq(chmod(in_dir("block"), 0757), 0);
}
static void not_executable(void)
{
    ck_assert_int_eq(chmod(in_dir("block"), 0644), 0);
}
static void link_to_another(void)
{
    write_script("other", "touch ran");
    unlink(in_dir("block"));
    ck_assert_int_eq(symlink("other", in_dir("block")), 0);
}
static void directory(void)
{
    unlink(in_dir("block"));
    ck_assert_int_eq(mkdir(in_dir("block"), 0755), 0);
}
static void fifo(void)
{
    unlink(in_dir("block"));
    ck_assert_int_eq(mkfifo(in_dir("block"), 0755), 0);
}
static void directory_of_others(void)
{
    ck_assert_int_eq(chmod(dir, 0777), 0);
}
static void sticky_directory(void)
{
    ck_assert_int_eq(chmod(dir, 01777), 0);
}
static void directory_of_another(void)
{
    ck_assert_int_eq(chown(dir, 65534, 0), 0);
}
static void sub_of_others(void)
{
    ck_assert_int_eq(mkdir(in_dir("sub"), 0755), 0);
    write_script("sub/block", "touch ran");
    ck_assert_int_eq(chmod(in_dir("sub"), 0777), 0);
}
static void linked_sub(void)
{
    ck_assert_int_eq(symlink(".", in_dir("sub")), 0);
}
static void nothing(void)
{
}

static const struct {
    const char *name; /* @: the directory */
    void (*spoil)(void);
    const char *said;
} refusals[] = {
    {"block", other_owner, "does not belong to root"},
    {"block", group_writes, "can be changed by others than root"},
    {"block", others_write, "can be changed by others than root"},
    {"block", not_executable, "cannot be run: permission denied"},
    {"block", link_to_another, "is a symbolic link, or behind one"},
    {"block", directory, "is no regular file"},
    {"block", fifo, "is no regular file"},
    {"block", directory_of_others, "is in a directory that can be changed by others than root"},
    {"block", sticky_directory, "is in a directory that can be changed by others than root"},
    {"block", directory_of_another, "is in a directory that does not belong to root"},
    {"sub/block", sub_of_others, "can be changed by others than root"},
    {"sub/block", linked_sub, "is a symbolic link, or behind one"},
    {"none", nothing, "is not there"},
    {"", nothing, "is not beneath the directory for scripts"},
    {"/bin/true", nothing, "is not beneath the directory for scripts"},
    {"../../bin/true", nothing, "cannot be opened beneath the directory for scripts"},
    {"@x/block", nothing, "is not beneath the directory for scripts"},
    {"@/../../bin/true", nothing, "cannot be opened beneath the directory for scripts"},
};

START_TEST(refused)
{
    char name[PATH_SIZE];
    const char *word = refusals[_i].name;
    write_script("block", "touch ran");
    refusals[_i].spoil();
    snprintf(name, sizeof name, "%s%s", *word == '@' ? dir : "", *word == '@' ? word + 1 : word);
    run_one(name);
    ck_assert_int_lt(done[0].error, 0);
    ck_assert_msg(strcasestr(done[0].said, refusals[_i].said) != NULL, "%s", done[0].said);
    ck_assert(!ran());
}
END_TEST

START_TEST(linked_directory)
{
    char other[PATH_SIZE];
    const char *const argv[] = {"block", "add", NULL}, *const env[] = {NULL};
    ck_assert_int_eq(mkdir(in_dir("real"), 0755), 0);
    write_script("real/block", "touch ran");
    ck_assert_int_eq(symlink("real", in_dir("scripts")), 0);
    snprintf(other, sizeof other, "%s", in_dir("scripts"));
    struct script_request r = {"vbd/7/0", other, argv, env, 1000, 1};
    hotplug_scripts_run(scripts, &r);
    until(1);
    ck_assert_int_eq(done[0].error, -EPERM);
    ck_assert(!ran());
}
END_TEST

/* ---- several ---- */

/* Each notes how many there are while it runs. */
START_TEST(parallel)
{
    char key[32];
    int most = 0;
    write_script("block", "mkdir running.$$; ls -d running.* | wc -l >>counts; sleep 0.05; rmdir running.$$");
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "vbd/7/%d", i);
        run(key, "block", LONG, 2);
    }
    until(20);
    for (const char *c = content("counts"); *c; c = strchr(c, '\n') + 1)
        most = atoi(c) > most ? atoi(c) : most;
    ck_assert_int_eq(most, 2);
    for (int i = 0; i < 20; i++)
        ck_assert_msg(done[i].error == 0, "%s: %s", done[i].key, done[i].said);
}
END_TEST

/* A type that is slow does not hold up another; scripts of one device come one after the other. */
START_TEST(turns)
{
    write_script("slow", "until [ -e go ]; do sleep 0.02; done; echo slow >>order");
    write_script("fast", "echo fast >>order");
    write_script("first", "until [ -e go ]; do sleep 0.02; done; echo first >>order");
    write_script("second", "echo second >>order");
    run("vbd/7/0", "slow", LONG, 1);
    run("vbd/7/1", "fast", LONG, 1);
    run("vif/7/0", "fast", LONG, 1);
    run("vbd/8/0", "first", LONG, 8);
    run("vbd/8/0", "second", LONG, 8);
    until(1);
    ck_assert_str_eq(done[0].key, "vif/7/0");
    write_script("go", "");
    until(5);
    const char *first = strstr(content("order"), "first"), *slow = strstr(content("order"), "slow");
    ck_assert(first && first < strstr(content("order"), "second"));
    ck_assert(slow && strstr(slow, "fast"));
}
END_TEST

/* At our end, what waits is not begun, and what runs goes on. */
START_TEST(closing)
{
    write_script("block", "echo $$ >pid; echo before; sleep 0.3; echo after || exit; touch survived");
    run("vbd/7/0", "block", LONG, 1);
    run("vbd/7/1", "block", LONG, 1);
    while (!*content("pid"))
        uv_run(&loop, UV_RUN_NOWAIT);
    hotplug_scripts_close(scripts);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(n_done, 0);
    for (int i = 0; i < 6000 && access(in_dir("survived"), F_OK); i++)
        usleep(10000);
    ck_assert_int_eq(access(in_dir("survived"), F_OK), 0);
    scripts = hotplug_scripts_new(&loop, on_done, &loop); /* for teardown() */
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hotplug scripts");
    TCase *t = tcase_create("scripts");
    tcase_add_checked_fixture(t, setup, teardown);
    if (geteuid() == 0) {
        tcase_add_test(t, words_and_environment);
        tcase_add_test(t, process);
        tcase_add_loop_test(t, ended, 0, COUNT(ends));
        tcase_add_test(t, long_words_are_cut);
        tcase_add_test(t, no_zombie);
        tcase_add_loop_test(t, deadline, 0, 3);
        tcase_add_loop_test(t, we_did_not_run, 0, 2);
        tcase_add_loop_test(t, refused, 0, COUNT(refusals));
        tcase_add_test(t, linked_directory);
        tcase_add_test(t, parallel);
        tcase_add_test(t, turns);
        tcase_add_test(t, closing);
    }
    suite_add_tcase(s, t);
    return run_suite(s);
}
