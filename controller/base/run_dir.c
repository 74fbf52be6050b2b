/* SPDX-License-Identifier: MIT */
#include "controller/base/run_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "controller/base/log.h"
#include "controller/base/write_whole.h"

enum { BACKLOG = 128 };

/* Returns NULL, or what is wrong with a directory. */
static const char *check(int fd, mode_t mode)
{
    struct stat st;
    if (fstat(fd, &st))
        return strerror(errno);
    if (st.st_uid != geteuid())
        return "it does not belong to us";
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return "it can be changed by others";
    /* it is ours, but may have been made under another umask, or with a mode that lists it to others */
    mode_t want = mode & 0111 & ~0700u ? (st.st_mode & 07777) | mode : mode;
    return (st.st_mode & 07777) == want || fchmod(fd, want) == 0 ? NULL : strerror(errno);
}

static int open_one(int at, const char *name, mode_t mode, int *ret_fd)
{
    if (mkdirat(at, name, mode) && errno != EEXIST) {
        int error = -errno;
        log_error("cannot make the directory %s: %s", name, strerror(-error));
        return error;
    }
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        int error = errno == ELOOP || errno == ENOTDIR ? -EPERM : -errno;
        log_error("cannot use %s: %s", name,
                  error == -EPERM ? "it is no directory, or a symbolic link" : strerror(-error));
        return error;
    }
    const char *wrong = check(fd, mode);
    if (wrong) {
        log_error("cannot use the directory %s: %s", name, wrong);
        close(fd);
        return -EPERM;
    }
    *ret_fd = fd;
    return 0;
}

static int find_socket(const char *path, char **ret_socket)
{
    char *real = realpath(path, NULL), *socket = NULL;
    int error = real ? 0 : -errno;
    if (real && asprintf(&socket, "%s/worker/socket", real) < 0)
        abort(); /* as for any memory */
    free(real);
    if (socket && strlen(socket) >= sizeof((struct sockaddr_un *)NULL)->sun_path) {
        error = -ENAMETOOLONG;
        free(socket);
    }
    if (error)
        log_error("cannot have a socket in %s: %s", path, strerror(-error));
    else
        *ret_socket = socket;
    return error;
}

int run_dir_open_top(const char *path, int *ret_fd)
{
    return open_one(AT_FDCWD, path, 0711, ret_fd);
}

int run_dir_open(const char *path, struct run_dir *ret_dir)
{
    struct run_dir dir = {.worker = -1, .records = -1, .formats = -1};
    int top = -1;
    int error = run_dir_open_top(path, &top);
    if (!error)
        error = open_one(top, "worker", 0711, &dir.worker);
    if (!error)
        error = open_one(top, "workers", 0700, &dir.records);
    if (!error)
        error = open_one(top, "formats", 0711, &dir.formats);
    if (!error)
        error = find_socket(path, &dir.socket);
    if (top >= 0)
        close(top);
    if (error)
        run_dir_close(&dir);
    else
        *ret_dir = dir;
    return error;
}

void run_dir_close(struct run_dir *dir)
{
    if (dir->worker >= 0)
        close(dir->worker);
    if (dir->records >= 0)
        close(dir->records);
    if (dir->formats >= 0)
        close(dir->formats);
    free(dir->socket);
    *dir = (struct run_dir){.worker = -1, .records = -1, .formats = -1};
}

/* Is it what the path leads to, and can a file be made in it? */
static bool is_there(const char *path, const char *name, int fd)
{
    char part[PATH_MAX];
    struct stat named, opened;
    snprintf(part, sizeof part, "%s/%s", path, name);
    return lstat(part, &named) == 0 && fstat(fd, &opened) == 0 && named.st_dev == opened.st_dev &&
           named.st_ino == opened.st_ino;
}

int run_dir_mend(const char *path, struct run_dir *dir)
{
    struct run_dir again;
    if (is_there(path, "worker", dir->worker) && is_there(path, "workers", dir->records) &&
        is_there(path, "formats", dir->formats))
        return 0;
    int error = run_dir_open(path, &again);
    if (error)
        return error;
    run_dir_close(dir);
    *dir = again;
    return 1;
}

int run_dir_open_file(int directory, const char *name, mode_t type, int flags, int *ret_fd)
{
    struct stat st;
    int fd = openat(directory, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int error =
        fstat(fd, &st) ? -errno
        : (st.st_mode & S_IFMT) != type || st.st_uid != geteuid() || st.st_mode & 0077 || st.st_nlink != 1
            ? -EPERM
            : 0;
    if (error)
        close(fd);
    else
        *ret_fd = fd;
    return error;
}

int run_dir_replace(int directory, const char *name, const char *text, size_t len)
{
    char next[NAME_MAX + 1];
    int n = snprintf(next, sizeof next, "%s.new", name);
    if (n < 0 || n >= (int)sizeof next)
        return -ENAMETOOLONG;
    if (unlinkat(directory, next, 0) && errno != ENOENT)
        return -errno;
    int fd = openat(directory, next, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int error = write_whole(fd, text, len);
    close(fd);
    if (!error && renameat(directory, next, directory, name))
        error = -errno;
    if (error)
        unlinkat(directory, next, 0);
    return error;
}

bool run_dir_has(int directory, const char *name)
{
    return faccessat(directory, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

/* As what is made in the file system is of a group, so is a socket: unlike chown(), this needs no capability
 * that the service does without. */
static int bind_of_group(int fd, const struct sockaddr_un *address, gid_t group)
{
    int ours = setfsgid(group); /* -1 changes nothing */
    int status = bind(fd, (const struct sockaddr *)address, sizeof *address);
    int error = errno;
    setfsgid((gid_t)ours);
    errno = error;
    return status;
}

int run_dir_bind(int directory, const char *name, mode_t mode, gid_t group, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    /* in the directory that was checked, wherever its path leads by now */
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", directory, name);
    if (fd < 0 || (unlinkat(directory, name, 0) && errno != ENOENT) || bind_of_group(fd, &address, group) ||
        fchmodat(directory, name, mode, 0) || listen(fd, BACKLOG)) {
        int error = -errno;
        if (fd >= 0)
            close(fd);
        return error;
    }
    *ret_fd = fd;
    return 0;
}

char *run_dir_formats_path(const struct run_dir *dir, const char *name)
{
    char *path = NULL;
    int top = (int)(strlen(dir->socket) - strlen("/worker/socket"));
    if (asprintf(&path, "%.*s/formats/%s", top, dir->socket, name) < 0)
        abort(); /* as for any memory */
    return path;
}

int run_dir_listen(const struct run_dir *dir, int *ret_fd)
{
    int error = run_dir_bind(dir->worker, "socket", 0666, (gid_t)-1, ret_fd);
    if (error)
        log_error("cannot listen on %s: %s", dir->socket, strerror(-error));
    return error;
}
