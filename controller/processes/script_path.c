/* SPDX-License-Identifier: MIT */
#include "controller/processes/script_path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "schemas/arena.h"

enum { SCRIPT_NAME_MAX = 255 }; /* bytes, beneath the directory */

/* NULL, or what is wrong with the owner or the mode. `sticky_does`: the sticky bit is enough. */
static const char *not_ours_alone(const struct stat *st, bool sticky_does)
{
    if (st->st_uid != 0)
        return "does not belong to root";
    if (st->st_mode & (S_IWGRP | S_IWOTH) && !(sticky_does && st->st_mode & S_ISVTX))
        return "can be changed by others than root";
    return NULL;
}

static int open_beneath(int directory, const char *path, uint64_t flags, uint64_t resolve)
{
    struct open_how how = {.flags = flags | O_PATH | O_CLOEXEC, .resolve = resolve | RESOLVE_NO_SYMLINKS};
    long fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
    return fd < 0 ? -errno : (int)fd;
}

/* Checks every directory from this one up to the root. */
static const char *check_above(int directory)
{
    struct stat st, last = {0};
    const char *wrong = NULL;
    int fd = openat(directory, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (bool first = true; fd >= 0 && !wrong; first = false) {
        if (fstat(fd, &st))
            break;
        if (!first && st.st_ino == last.st_ino && st.st_dev == last.st_dev) {
            close(fd);
            return NULL;
        }
        wrong = not_ours_alone(&st, !first);
        last = st;
        int up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        close(fd);
        fd = up;
    }
    if (fd >= 0)
        close(fd);
    return wrong ? wrong : "cannot be looked at";
}

/* Checks each directory between the top one and the script, and the script. */
static const char *check_beneath(int top, const char *name)
{
    char path[SCRIPT_NAME_MAX + 1];
    struct stat st;
    const char *wrong = NULL;
    for (const char *slash = name; slash && !wrong;) {
        slash = strchr(slash, '/');
        snprintf(path, sizeof path, "%.*s", slash ? (int)(slash++ - name) : (int)sizeof path, name);
        int fd = open_beneath(top, path, 0, RESOLVE_BENEATH);
        if (fd < 0)
            return fd == -ENOENT  ? "is not there"
                   : fd == -ELOOP ? "is a symbolic link, or behind one"
                                  : "cannot be opened beneath the directory for scripts";
        if (fstat(fd, &st))
            wrong = "cannot be looked at";
        else if (slash ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode))
            wrong = "is no regular file";
        else
            wrong = not_ours_alone(&st, false);
        close(fd);
    }
    return wrong;
}

const char *script_path_check(struct arena *a, const char *directory, const char *name, char **ret_path)
{
    size_t n = strlen(directory);
    *ret_path = arena_strdup(a, name);
    if (strncmp(name, directory, n) == 0 && name[n] == '/')
        name += n + 1;
    if (*name == '/' || !*name || strlen(name) > SCRIPT_NAME_MAX)
        return "is not beneath the directory for scripts";
    int top = open_beneath(AT_FDCWD, directory, O_DIRECTORY, 0);
    if (top < 0)
        return "is in a directory that cannot be opened, or is behind a symbolic link";
    const char *wrong = check_above(top);
    if (wrong)
        wrong = arena_printf(a, "is in a directory that %s, or is in one like that", wrong);
    else
        wrong = check_beneath(top, name);
    close(top);
    *ret_path = arena_printf(a, "%s/%s", directory, name);
    return wrong;
}
