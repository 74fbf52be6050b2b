/* SPDX-License-Identifier: MIT */
#include "controller/base/policy_dirs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/base/subordinate_ids.h"
#include "schemas/mem.h"

enum { FILE_MAX = 256 * 1024 };

/* Sets *ret_why for an error of the system, and returns the error. */
static int refuse(struct diagnostic *ret_why, const char *path, int error)
{
    diagnostic_set(ret_why, path, 0, 0, NULL, 0, "%s", strerror(-error));
    return error;
}

/* Returns NULL, or why this file is not trusted. */
static const char *distrusted(const struct stat *st)
{
    struct stat exe = {.st_uid = 0,
                       .st_gid = 0}; /* an owner of this program needs no policy to have commands run */
    (void)!stat("/proc/self/exe", &exe);
    if (st->st_uid != 0 && st->st_uid != geteuid() && st->st_uid != exe.st_uid)
        return "belongs to somebody who could have other commands run with it";
    bool ours = st->st_gid == 0 || st->st_gid == getegid() || st->st_gid == exe.st_gid;
    if (st->st_mode & S_IWOTH || (st->st_mode & S_IWGRP && !ours))
        return "can be changed by others, who could have other commands run with it";
    return NULL;
}

/* Checks what was opened: the path may lead elsewhere by now. */
static int check_trust(int fd, const char *path, struct diagnostic *ret_why)
{
    struct stat st;
    if (fstat(fd, &st))
        return refuse(ret_why, path, -errno);
    const char *why = distrusted(&st);
    if (why)
        diagnostic_set(ret_why, path, 0, 0, NULL, 0, "%s", why);
    return why ? -EPERM : 0;
}

static bool is_policy_name(const char *name)
{
    size_t len = strlen(name);
    return name[0] != '.' && len > 5 && strcmp(name + len - 5, ".yaml") == 0;
}

static void add_file(struct policy_files *files, const char *dir, const char *name)
{
    const char *path = arena_printf(&files->arena, "%s/%s", dir, name);
    xgrow(&files->list, &files->cap, files->n + 1, sizeof *files->list);
    files->list[files->n] = (struct policy_file){arena_strdup(&files->arena, name), path, files->n};
    files->n++;
}

static int add_files(struct policy_files *files, DIR *d, const char *dir, struct diagnostic *ret_why)
{
    for (;;) {
        errno = 0;
        const struct dirent *e = readdir(d);
        if (!e)
            return errno ? refuse(ret_why, dir, -errno) : 0;
        if (is_policy_name(e->d_name))
            add_file(files, dir, e->d_name);
    }
}

static int add_folder(struct policy_files *files, const char *dir, bool must_exist, bool obeyed,
                      struct diagnostic *ret_why)
{
    DIR *d = opendir(dir);
    if (!d)
        return errno == ENOENT && !must_exist ? 0 : refuse(ret_why, dir, -errno);
    int status = obeyed ? check_trust(dirfd(d), dir, ret_why) : 0;
    if (!status)
        status = add_files(files, d, dir, ret_why);
    closedir(d);
    return status;
}

/* Finds <root>/deploy/policies, where this program is <root>/build<anything>/xenrecon. */
static bool find_build_tree(char *buf, size_t size)
{
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n <= 0)
        return false;
    exe[n] = '\0';
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(exe, '/');
        if (!slash || (up == 1 && strncmp(slash, "/build", 6) != 0))
            return false;
        *slash = '\0';
    }
    return (size_t)snprintf(buf, size, "%s/deploy/policies", exe) < size && access(buf, F_OK) == 0;
}

static int add_default_folders(struct policy_files *files, bool obeyed, struct diagnostic *ret_why)
{
    char beside[PATH_MAX];
    const char *shipped = find_build_tree(beside, sizeof beside) ? beside : XENRECON_DATADIR "/policies";
    int status = add_folder(files, shipped, false, obeyed, ret_why);
    return status ? status : add_folder(files, XENRECON_SYSCONFDIR "/policies.d", false, obeyed, ret_why);
}

static int by_name(const void *a, const void *b)
{
    const struct policy_file *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->found > y->found) - (x->found < y->found);
}

/* Sorts them by name, and keeps the one that was found last of each name. */
static void settle(struct policy_files *files)
{
    size_t n = 0;
    if (files->n)
        qsort(files->list, files->n, sizeof *files->list, by_name);
    for (size_t i = 0; i < files->n; i++)
        if (i + 1 == files->n || strcmp(files->list[i].name, files->list[i + 1].name) != 0)
            files->list[n++] = files->list[i];
    files->n = n;
}

int policy_dirs_find(const char *const *dirs, size_t n_dirs, bool obeyed, struct policy_files *ret_files,
                     struct diagnostic *ret_why)
{
    struct policy_files files = {0};
    int status = n_dirs ? 0 : add_default_folders(&files, obeyed, ret_why);
    for (size_t i = 0; i < n_dirs && status == 0; i++)
        status = add_folder(&files, dirs[i], true, obeyed, ret_why);
    if (status) {
        policy_dirs_free_files(&files);
        return status;
    }
    settle(&files);
    *ret_files = files;
    return 0;
}

void policy_dirs_free_files(struct policy_files *files)
{
    free(files->list);
    arena_free(&files->arena);
    *files = (struct policy_files){0};
}

static int read_all(int fd, char *text, size_t size, size_t *ret_len)
{
    size_t len = 0;
    for (;;) {
        ssize_t n = read(fd, text + len, size - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        len += (size_t)n;
        if (len == size)
            return -EFBIG;
        if (n == 0)
            break;
    }
    *ret_len = len;
    return 0;
}

/* Reads a whole file; the caller frees it. A FIFO does not block it, and no device is read. */
static int read_file(const char *path, bool obeyed, char **ret_text, size_t *ret_len,
                     struct diagnostic *ret_why)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return refuse(ret_why, path, -errno);
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        diagnostic_set(ret_why, path, 0, 0, NULL, 0, "is not a regular file");
        close(fd);
        return -EINVAL;
    }
    int status = obeyed ? check_trust(fd, path, ret_why) : 0;
    if (status) {
        close(fd);
        return status;
    }
    char *text = xcalloc(1, FILE_MAX + 1);
    status = read_all(fd, text, FILE_MAX + 1, ret_len);
    close(fd);
    if (status) {
        free(text);
        return refuse(ret_why, path, status);
    }
    *ret_text = text;
    return 0;
}

int policy_dirs_check_users(const struct policy *p, struct diagnostic *ret_why)
{
    static const char *const files[] = {"/etc/subuid", "/etc/subgid"};
    for (size_t i = 0; p->worker.uid_base && i < sizeof files / sizeof *files; i++)
        if (subordinate_ids_overlap(files[i], p->source, p->worker.uid_base, ret_why))
            return -EINVAL;
    return 0;
}

int policy_dirs_load_file(const char *path, bool obeyed, struct policy **ret_policy,
                          struct mistakes *mistakes)
{
    struct diagnostic why;
    char *text = NULL;
    size_t len = 0;
    int status = read_file(path, obeyed, &text, &len, &why);
    if (status) {
        mistakes_add(mistakes, &why);
        return status;
    }
    struct policy *p;
    status = policy_parse_all(path, text, len, &p, mistakes);
    free(text);
    if (status)
        return status;
    status = obeyed ? policy_dirs_check_users(p, &why) : 0;
    if (status) {
        mistakes_add(mistakes, &why);
        policy_free(p);
    } else {
        *ret_policy = p;
    }
    return status;
}

int policy_dirs_add(struct policy_set *set, struct policy *p, struct diagnostic *ret_why)
{
    const struct policy *other = policy_set_find(set, p->type);
    if (other) {
        diagnostic_set(ret_why, p->source, 0, 0, NULL, 0, "type `%s` is declared in %s already", p->type,
                       other->source);
        policy_free(p);
        return -EEXIST;
    }
    policy_set_add(set, p);
    return 0;
}

int policy_dirs_load(const char *const *dirs, size_t n_dirs, bool obeyed, struct policy_set *ret_set,
                     struct diagnostic *ret_why)
{
    struct policy_files files;
    struct policy_set set = {0};
    int status = policy_dirs_find(dirs, n_dirs, obeyed, &files, ret_why);
    if (status)
        return status;
    for (size_t i = 0; i < files.n && status == 0; i++) {
        struct mistakes mistakes = {0};
        struct policy *p;
        status = policy_dirs_load_file(files.list[i].path, obeyed, &p, &mistakes);
        if (status)
            *ret_why = mistakes.first;
        else
            status = policy_dirs_add(&set, p, ret_why);
    }
    policy_dirs_free_files(&files);
    if (status) {
        policy_set_clear(&set);
        return status;
    }
    *ret_set = set;
    return 0;
}
