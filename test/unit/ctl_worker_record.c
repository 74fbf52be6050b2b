/* SPDX-License-Identifier: MIT */
/* The run directory and the workers' records: what comes back is what was kept, and what others could have
 * put there is not used. */
#include "controller/processes/worker_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/base/log.h"
#include "test/lib/unit.h"

static char top[32], run[64];
static struct run_dir dir;
static struct worker_record seen[8];
static int n_seen, n_held;

static const struct worker_record sample = {
    .key = {.type = "qdisk", .devid = "51712", .domid = 7},
    .incarnation = UINT64_MAX,
    .token = "0123456789abcdef0123456789abcdef",
    .pid = 4242,
    .started = 123456789012,
    .uid = 4000000000,
    .create = 1,
    .connect = 2,
    .close = 3,
    .retry_initial = 4,
    .retry_max = UINT32_MAX,
};

static void setup(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    umask(077);
    snprintf(top, sizeof top, "/tmp/xr-record.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(top));
    snprintf(run, sizeof run, "%s/run", top);
    n_seen = 0;
}

static void teardown(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", top);
    ck_assert_int_eq(system(command), 0);
}

static const char *path(const char *name)
{
    static char text[256];
    snprintf(text, sizeof text, "%s/%s", run, name);
    return text;
}

static bool there(const char *name)
{
    return access(path(name), F_OK) == 0;
}

static mode_t mode(const char *name)
{
    struct stat st;
    ck_assert_int_eq(lstat(path(name), &st), 0);
    return st.st_mode & 07777;
}

static void write_file(const char *name, const char *text, mode_t as)
{
    FILE *f = fopen(path(name), "we");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
    ck_assert_int_eq(chmod(path(name), as), 0);
}

static int see(void *arg, const struct worker_record *record)
{
    ck_assert_ptr_eq(arg, seen);
    seen[n_seen++] = *record;
    return 0;
}

static void open_dir(void)
{
    ck_assert_int_eq(run_dir_open(run, &dir), 0);
}

static int see_held(void *arg, const struct device_key *key)
{
    ck_assert_ptr_eq(arg, seen);
    ck_assert(device_key_equal(key, &sample.key));
    n_held++;
    return 0;
}

static void read_all(void)
{
    n_seen = n_held = 0;
    ck_assert_int_eq(worker_record_read(&dir, &(struct worker_record_reader){see, see_held, seen}), 0);
}

/* ---- the directory ---- */

START_TEST(test_made)
{
    int fd;
    open_dir();
    ck_assert_uint_eq(mode(""), 0711);
    ck_assert_uint_eq(mode("worker"), 0711);
    ck_assert_uint_eq(mode("workers"), 0700);
    ck_assert_str_eq(dir.socket, path("worker/socket"));
    for (int i = 0; i < 2; i++) { /* anew where there is one */
        ck_assert_int_eq(run_dir_listen(&dir, &fd), 0);
        ck_assert_uint_eq(mode("worker/socket"), 0666);
        close(fd);
    }
    run_dir_close(&dir);
    ck_assert_int_eq(chmod(path("workers"), 0755), 0); /* ours, but too wide */
    open_dir();
    ck_assert_uint_eq(mode("workers"), 0700);
    run_dir_close(&dir);
}
END_TEST

static const struct {
    const char *name, *how; /* a command */
} hostile[] = {
    {"a link", "mkdir other && ln -s other run"},
    {"a link to nowhere", "ln -s other run"},
    {"a file", "echo >run"},
    {"others may write", "mkdir run && chmod 777 run"},
    {"a group may write", "mkdir run && chmod 775 run"},
    {"sticky", "mkdir run && chmod 1777 run"},
    {"somebody else's", "mkdir run && chown 65534 run"},
    {"records a link", "mkdir run other && ln -s ../other run/workers"},
    {"records somebody else's", "mkdir -p run/workers && chown 65534 run/workers"},
    {"records others may write", "mkdir -p run/workers && chmod 777 run/workers"},
    {"socket's a link", "mkdir run other && ln -s ../other run/worker"},
    {"socket's somebody else's", "mkdir -p run/worker && chown 65534 run/worker"},
    {"socket's others may write", "mkdir -p run/worker && chmod 777 run/worker"},
};

START_TEST(test_hostile)
{
    char command[256];
    snprintf(command, sizeof command, "cd %s && umask 022 && %s", top, hostile[_i].how);
    ck_assert_int_eq(system(command), 0);
    ck_assert_msg(run_dir_open(run, &dir) == -EPERM, "%s", hostile[_i].name);
}
END_TEST

START_TEST(test_no_place)
{
    ck_assert_int_eq(run_dir_open("/nowhere/run", &dir), -ENOENT);
    char long_path[256];
    snprintf(long_path, sizeof long_path, "%s/%0100d", top, 7);
    ck_assert_int_eq(run_dir_open(long_path, &dir), -ENAMETOOLONG);
}
END_TEST

/* ---- records ---- */

START_TEST(test_kept)
{
    open_dir();
    for (int i = 0; i < 2; i++) /* replaced, the second time */
        ck_assert_int_eq(worker_record_save(&dir, &sample), 0);
    ck_assert_uint_eq(mode("workers/qdisk.7.51712"), 0600);
    read_all();
    ck_assert_int_eq(n_seen, 1);
    ck_assert(device_key_equal(&seen[0].key, &sample.key));
    ck_assert_str_eq(seen[0].token, sample.token);
    ck_assert_uint_eq(seen[0].incarnation, sample.incarnation);
    ck_assert_int_eq(seen[0].pid, sample.pid);
    ck_assert_uint_eq(seen[0].started, sample.started);
    ck_assert_uint_eq(seen[0].uid, sample.uid);
    ck_assert_uint_eq(seen[0].create, 1);
    ck_assert_uint_eq(seen[0].connect, 2);
    ck_assert_uint_eq(seen[0].close, 3);
    ck_assert_uint_eq(seen[0].retry_initial, 4);
    ck_assert_uint_eq(seen[0].retry_max, UINT32_MAX);
    worker_record_remove(&dir, &sample.key);
    read_all();
    ck_assert_int_eq(n_seen, 0);
    run_dir_close(&dir);
}
END_TEST

/* Each of these changes a good record; none of them is used, and none stays. */
static const char *const spoilt[] = {
    ": >%s",
    "echo >>%s",
    "sed -i s/worker/woker/ %s",
    "sed -i 1s/1/2/ %s",
    "sed -i /^pid/d %s",
    "sed -i '/^pid/s/.*/pid/' %s",
    "sed -i '/^pid/s/.*/pid -1/' %s",
    "sed -i '/^pid/s/.*/pid 1x/' %s",
    "sed -i '/^pid/s/.*/pid 4294967295/' %s",
    "sed -i '/^started/s/.*/started 99999999999999999999999/' %s",
    "sed -i '/^uid/s/.*/uid 4294967296/' %s",
    "sed -i '/^token/s/.$//' %s",
    "sed -i '/^device/s/7/8/' %s",
    "sed -i '/^device/s/7.*//' %s",
    "sed -i '$s/$/5/' %s && truncate -s -1 %s",
    "head -c 100 /dev/zero >>%s",
    "chmod 644 %s",
    "chown 65534 %s",
    "ln %s ../link",
    "mv %s file && ln -s file %s",
    "rm %s && mkfifo %s",
};

START_TEST(test_spoilt)
{
    char command[512] = "cd ";
    size_t len = 3 + (size_t)sprintf(command + 3, "%s/workers && ", run);
    open_dir();
    ck_assert_int_eq(worker_record_save(&dir, &sample), 0);
    for (const char *at = spoilt[_i]; *at; at++) {
        bool name = strncmp(at, "%s", 2) == 0;
        len += (size_t)sprintf(command + len, name ? "qdisk.7.51712" : "%c", *at);
        at += name;
    }
    ck_assert_int_eq(system(command), 0);
    read_all();
    ck_assert_msg(n_seen == 0, "%s", command);
    ck_assert(!there("workers/qdisk.7.51712"));
    run_dir_close(&dir);
}
END_TEST

static int hold_one(void *arg, const struct worker_record *record)
{
    *(int *)arg = dup(0);
    seen[n_seen++] = *record;
    return 0;
}

/* Where a record cannot be read just now, it is not taken for spoilt. */
START_TEST(test_no_files)
{
    struct worker_record another = sample;
    struct rlimit before, few;
    int held = -1;
    another.key.domid = 8;
    open_dir();
    ck_assert_int_eq(worker_record_save(&dir, &sample), 0);
    ck_assert_int_eq(worker_record_save(&dir, &another), 0);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    int next = dup(0);
    close(next);
    few = (struct rlimit){(rlim_t)next + 1, before.rlim_max}; /* for what is read, until the first is found */
    n_seen = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    int error = worker_record_read(&dir, &(struct worker_record_reader){hold_one, see_held, &held});
    int saved = worker_record_save(&dir, &sample);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(held, next);
    ck_assert_int_eq(error, -EMFILE);
    ck_assert_int_eq(saved, -EMFILE);
    ck_assert_int_eq(n_seen, 1);
    close(held);
    read_all();
    ck_assert_int_eq(n_seen, 2);
    run_dir_close(&dir);
}
END_TEST

/* What `each` cannot do ends it. */
static int refuse(void *arg, const struct worker_record *record)
{
    (void)arg, (void)record;
    return -ENFILE;
}

START_TEST(test_refused)
{
    open_dir();
    ck_assert_int_eq(worker_record_save(&dir, &sample), 0);
    ck_assert_int_eq(worker_record_read(&dir, &(struct worker_record_reader){refuse, see_held, NULL}),
                     -ENFILE);
    read_all();
    ck_assert_int_eq(n_seen, 1);
    run_dir_close(&dir);
}
END_TEST

START_TEST(test_leftovers)
{
    open_dir();
    ck_assert_int_eq(worker_record_save(&dir, &sample), 0);
    write_file("workers/qdisk.7.51712.state", "", 0600);
    write_file("workers/qdisk.7.51712.new", "", 0600);
    write_file("workers/qdisk.8.51712.state", "", 0600);
    write_file("workers/what.is.this.file", "", 0600);
    write_file("workers/what", "", 0600);
    read_all();
    ck_assert_int_eq(n_seen, 1);
    ck_assert(there("workers/qdisk.7.51712"));
    ck_assert(there("workers/qdisk.7.51712.state"));
    ck_assert(!there("workers/qdisk.7.51712.new"));
    ck_assert(!there("workers/qdisk.8.51712.state"));
    ck_assert(there("workers/what")); /* not ours to remove */
    ck_assert(there("workers/what.is.this.file"));
    worker_record_remove(&dir, &sample.key);
    ck_assert(!there("workers/qdisk.7.51712.state"));
    run_dir_close(&dir);
}
END_TEST

/* ---- state files ---- */

START_TEST(test_state)
{
    char text[8] = "";
    int old, same, fresh;
    open_dir();
    ck_assert_int_eq(worker_record_open_state(&dir, &sample.key, true, &old), 0);
    ck_assert_int_eq(write(old, "kept", 4), 4);
    ck_assert_uint_eq(mode("workers/qdisk.7.51712.state"), 0600);
    ck_assert_int_eq(worker_record_open_state(&dir, &sample.key, false, &same), -EBUSY);
    ck_assert_int_eq(worker_record_open_state(&dir, &sample.key, true, &same), -EBUSY);
    close(old);
    ck_assert_int_eq(worker_record_open_state(&dir, &sample.key, false, &same), 0);
    ck_assert_int_eq(read(same, text, 4), 4);
    ck_assert_str_eq(text, "kept");
    close(same);
    ck_assert_int_eq(worker_record_open_state(&dir, &sample.key, true, &fresh), 0);
    ck_assert_int_eq(read(fresh, text, 4), 0);
    close(fresh);
    ck_assert_int_eq(unlink(path("workers/qdisk.7.51712.state")), 0);
    ck_assert_int_eq(symlink("/etc/passwd", path("workers/qdisk.7.51712.state")), 0);
    ck_assert_int_eq(worker_record_open_state(&dir, &sample.key, false, &same), -ELOOP);
    run_dir_close(&dir);
}
END_TEST

/* By whoever has what was opened: not only while we have it ourselves. */
START_TEST(test_held)
{
    pid_t holder = -1;
    int state, end[2];
    open_dir();
    ck_assert(!worker_record_held(&dir, &sample.key, NULL));
    ck_assert_int_eq(worker_record_save(&dir, &sample), 0);
    ck_assert_int_eq(worker_record_open_state(&dir, &sample.key, true, &state), 0);
    ck_assert_int_eq(pipe(end), 0);
    pid_t child = fork();
    if (child == 0) {
        char c;
        dup2(end[0], 60);
        dup2(state, 61);
        for (int fd = 3; fd < 60; fd++)
            close(fd);
        dup2(61, _i ? 4 : 5); /* as it is given it, or where it has put it */
        close(61);
        _exit(read(60, &c, 1) != 0);
    }
    close(end[0]);
    close(state);
    for (int i = 0; i < 6000 && (!worker_record_held(&dir, &sample.key, &holder) || (_i && !holder)); i++)
        usleep(10000);
    ck_assert(worker_record_held(&dir, &sample.key, &holder));
    if (_i)
        ck_assert_int_eq(holder, child);
    read_all();
    ck_assert_int_eq(n_seen, 1);
    write_file("workers/qdisk.7.51712", "xenrecon-worker 2\n", 0600);
    read_all();
    ck_assert_int_eq(n_seen, 0);
    ck_assert_int_eq(n_held, 1);
    ck_assert(there("workers/qdisk.7.51712"));
    worker_record_remove(&dir, &sample.key);
    ck_assert(!there("workers/qdisk.7.51712"));
    ck_assert(there("workers/qdisk.7.51712.state"));
    read_all();
    ck_assert_int_eq(n_held, 1);
    close(end[1]);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert(!worker_record_held(&dir, &sample.key, NULL));
    read_all();
    ck_assert_int_eq(n_held, 0);
    ck_assert(!there("workers/qdisk.7.51712.state"));
    run_dir_close(&dir);
}
END_TEST

int main(void)
{
    if (geteuid() != 0) {
        puts("SKIP: needs root");
        return EXIT_SUCCESS;
    }
    Suite *s = suite_create("worker record");
    TCase *t = tcase_create("worker record");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_made);
    tcase_add_loop_test(t, test_hostile, 0, COUNT(hostile));
    tcase_add_test(t, test_no_place);
    tcase_add_test(t, test_kept);
    tcase_add_loop_test(t, test_spoilt, 0, COUNT(spoilt));
    tcase_add_test(t, test_no_files);
    tcase_add_test(t, test_refused);
    tcase_add_test(t, test_leftovers);
    tcase_add_test(t, test_state);
    tcase_add_loop_test(t, test_held, 0, 2);
    suite_add_tcase(s, t);
    return run_suite(s);
}
