/* SPDX-License-Identifier: MIT */
/* One controller per store: the lock names its holder, goes with it, and is not led astray. */
#include "controller/daemon/store_lock.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/lib/unit.h"

static char store[] = "/tmp/xenrecon-test-store-XXXXXX";
static char file[128];

static void lock_file_path(void)
{
    struct stat st;
    ck_assert_int_eq(stat(store, &st), 0);
    char directory[64] = "/run/xenrecon";
    if (geteuid() != 0)
        snprintf(directory, sizeof directory, "/tmp/xenrecon-%lu", (unsigned long)geteuid());
    snprintf(file, sizeof file, "%s/store-%llx-%llu.lock", directory, (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
}

static void setup(void)
{
    int fd = mkstemp(store);
    ck_assert_int_ge(fd, 0);
    close(fd);
    lock_file_path();
    unlink(file);
}

static void teardown(void)
{
    unlink(file);
    unlink(store);
}

/* A process that has the lock and waits to be killed. */
static pid_t holder_start(void)
{
    int ready[2];
    char byte;

    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        int fd;
        pid_t other;
        if (store_lock(store, &fd, &other) != 0)
            _exit(1);
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

START_TEST(second_process_is_told_who_has_it)
{
    int fd = -7, status;
    pid_t holder = 0, first = holder_start();

    ck_assert_int_eq(store_lock(store, &fd, &holder), -EBUSY);
    ck_assert_int_eq(holder, first);
    ck_assert_int_eq(fd, -7);
    kill(first, SIGKILL);
    ck_assert_int_eq(waitpid(first, &status, 0), first);

    ck_assert_int_eq(access(file, F_OK), 0); /* the file stays, and is no obstacle */
    ck_assert_int_eq(store_lock(store, &fd, &holder), 0);
    ck_assert_int_ge(fd, 0);
    close(fd);
}
END_TEST

START_TEST(another_name_of_the_store_is_the_same_store)
{
    char name[64];
    int fd;
    pid_t holder = 0, first = holder_start();

    snprintf(name, sizeof name, "%s.link", store);
    ck_assert_int_eq(symlink(store, name), 0);
    int err = store_lock(name, &fd, &holder);
    unlink(name);
    kill(first, SIGKILL);
    waitpid(first, NULL, 0);
    ck_assert_int_eq(err, -EBUSY);
    ck_assert_int_eq(holder, first);
}
END_TEST

START_TEST(link_in_the_lock_s_place_is_refused)
{
    struct stat st;
    int fd;
    pid_t holder;

    int first = store_lock(store, &fd, &holder); /* makes the directory */
    ck_assert_int_eq(first, 0);
    close(fd);
    unlink(file);
    ck_assert_int_eq(symlink("/tmp/xenrecon-test-victim", file), 0);
    ck_assert_int_eq(store_lock(store, &fd, &holder), -ELOOP);
    ck_assert_int_eq(lstat("/tmp/xenrecon-test-victim", &st), -1);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
    int fd;
    pid_t holder;

    ck_assert_int_eq(store_lock(store, &fd, &holder), 0);
    close(fd);
    unlink(file);
    ck_assert_int_eq(mkfifo(file, 0600), 0);
    ck_assert_int_eq(store_lock(store, &fd, &holder), -EPERM);
}
END_TEST

START_TEST(lock_is_for_its_owner_only)
{
    struct stat st;
    int fd;
    pid_t holder;

    ck_assert_int_eq(store_lock(store, &fd, &holder), 0);
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close(fd);
}
END_TEST

/* As a user who is not root: the directory in /tmp that others could have prepared. */
static int lock_as_nobody(void)
{
    int status;
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        int fd;
        pid_t holder;
        if (setuid(65534) != 0)
            _exit(99);
        _exit(-store_lock("/", &fd, &holder));
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return -WEXITSTATUS(status);
}

START_TEST(directory_in_tmp_must_be_the_user_s_own)
{
    static const char directory[] = "/tmp/xenrecon-65534";

    if (geteuid() != 0)
        return; /* it takes root to be two users */
    if (access(directory, F_OK) == 0)
        return;                                  /* a real user's */
    ck_assert_int_eq(mkdir(directory, 0777), 0); /* root's */
    ck_assert_int_eq(chmod(directory, 0777), 0);
    int of_another = lock_as_nobody();
    ck_assert_int_eq(chown(directory, 65534, 65534), 0);
    int open_to_all = lock_as_nobody();
    ck_assert_int_eq(rmdir(directory), 0);

    ck_assert_int_eq(symlink("/tmp", directory), 0);
    int link = lock_as_nobody();
    ck_assert_int_eq(unlink(directory), 0);

    int good = lock_as_nobody(), again = lock_as_nobody();
    ck_assert_int_eq(system("rm -r /tmp/xenrecon-65534"), 0);
    ck_assert_int_eq(of_another, -EPERM);
    ck_assert_int_eq(open_to_all, -EPERM);
    ck_assert_int_eq(link, -ENOTDIR);
    ck_assert_int_eq(good, 0);
    ck_assert_int_eq(again, 0);
}
END_TEST

START_TEST(store_that_is_not_there)
{
    int fd;
    pid_t holder;
    ck_assert_int_eq(store_lock("/tmp/xenrecon-test-no-such-store", &fd, &holder), -ENOENT);
}
END_TEST

START_TEST(default_path_is_libxenstore_s)
{
    char buf[64], tiny[4];

    setenv("XENSTORED_RUNDIR", "/tmp", 1);
    setenv("XENSTORED_PATH", "/x/y", 1);
    ck_assert_str_eq(store_path_default(buf, sizeof buf), "/x/y");
    ck_assert_ptr_null(store_path_default(tiny, sizeof tiny));
    unsetenv("XENSTORED_PATH");
    if (access("/dev/xen/xenbus", F_OK) != 0)
        ck_assert_str_eq(store_path_default(buf, sizeof buf), "/tmp/socket");
    unsetenv("XENSTORED_RUNDIR");
    if (access("/dev/xen/xenbus", F_OK) != 0)
        ck_assert_str_eq(store_path_default(buf, sizeof buf), "/run/xenstored/socket");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("lock");
    TCase *tc = tcase_create("lock");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, second_process_is_told_who_has_it);
    tcase_add_test(tc, another_name_of_the_store_is_the_same_store);
    tcase_add_test(tc, link_in_the_lock_s_place_is_refused);
    tcase_add_test(tc, what_is_no_file_is_refused);
    tcase_add_test(tc, lock_is_for_its_owner_only);
    tcase_add_test(tc, directory_in_tmp_must_be_the_user_s_own);
    tcase_add_test(tc, store_that_is_not_there);
    tcase_add_test(tc, default_path_is_libxenstore_s);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
