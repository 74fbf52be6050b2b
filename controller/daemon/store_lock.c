/* SPDX-License-Identifier: MIT */
#include "controller/daemon/store_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/base/log.h"

enum {
    LOCK_ATTEMPTS = 16 /* the holder may end while we ask for its pid */
};

/* A directory that only we may change. root's is below /run. Others' is in /tmp, where anybody could have
 * made it before us. */
static int open_directory(void)
{
    char path[64] = "/run/xenrecon";
    struct stat st;
    uid_t uid = geteuid();

    if (uid != 0)
        snprintf(path, sizeof path, "/tmp/xenrecon-%lu", (unsigned long)uid);
    if (mkdir(path, uid ? 0700 : 0755) < 0 && errno != EEXIST)
        return -errno;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int err = fstat(fd, &st) < 0                                       ? -errno
              : st.st_uid != uid || (st.st_mode & (uid ? 0077 : 0022)) ? -EPERM
                                                                       : 0;
    if (err) {
        close(fd);
        return err;
    }
    return fd;
}

/* Not readable for others: a read lock of theirs would keep us out. */
static int open_file(const struct stat *store)
{
    char name[64];
    struct stat st;
    int directory = open_directory();

    if (directory < 0)
        return directory;
    snprintf(name, sizeof name, "store-%llx-%llu.lock", (unsigned long long)store->st_dev,
             (unsigned long long)store->st_ino);
    int fd = openat(directory, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    int err = fd < 0 ? -errno : 0;
    close(directory);
    if (err)
        return err;
    err = fstat(fd, &st) < 0 ? -errno : !S_ISREG(st.st_mode) || st.st_uid != geteuid() ? -EPERM : 0;
    if (err) {
        close(fd);
        return err;
    }
    return fd;
}

static int take(int fd, pid_t *ret_holder)
{
    for (int i = 0; i < LOCK_ATTEMPTS; i++) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        if (fcntl(fd, F_SETLK, &lock) == 0)
            return 0;
        if (errno != EAGAIN && errno != EACCES)
            return -errno;
        if (fcntl(fd, F_GETLK, &lock) < 0)
            return -errno;
        if (lock.l_type != F_UNLCK) {
            *ret_holder = lock.l_pid;
            return -EBUSY;
        }
    }
    return -EAGAIN;
}

int store_lock(const char *store_path, int *ret_fd, pid_t *ret_holder)
{
    struct stat st;

    if (stat(store_path, &st) < 0)
        return -errno;
    int fd = open_file(&st);
    if (fd < 0)
        return fd;
    int err = take(fd, ret_holder);
    if (err) {
        close(fd);
        return err;
    }
    *ret_fd = fd;
    return 0;
}

int store_lock_renew(int *fd)
{
    char path[108 + 64];
    pid_t holder = 0;
    int lock = -1;
    if (*fd >= 0)
        close(*fd); /* first: a new lock on the same file would go with the old descriptor */
    *fd = -1;
    int error = store_path_default(path, sizeof path) ? store_lock(path, &lock, &holder) : -ENAMETOOLONG;
    if (error == -EBUSY)
        log_error(
            "another xenrecon looks after this store, process %d: end it first, or look on with --dry-run",
            (int)holder);
    else if (error)
        log_error("cannot take the lock for the store %s: %s", path, strerror(-error));
    else
        *fd = lock;
    return error;
}
