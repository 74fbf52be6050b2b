/* SPDX-License-Identifier: MIT */
#include "controller/processes/worker_record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/base/backoff.h"
#include "controller/base/boot_id.h"
#include "controller/base/log.h"
#include "controller/processes/worker_process.h"
#include "schemas/printable.h"

enum {
    RECORD_SIZE = 1536, /* a record is shorter */
    FILE_NAME_SIZE = DEVICE_KEY_SIZE + 8,
};

static const char heading[] =
    "xenrecon-worker 1\n"; /* the number changes when older records cannot be read any more */

/* The fields that are numbers, in the file's order. */
#define NUMBERS(X)               \
    X(incarnation, UINT64_MAX)   \
    X(pid, INT32_MAX)            \
    X(started, UINT64_MAX)       \
    X(uid, UINT32_MAX)           \
    X(create, UINT32_MAX)        \
    X(connect, UINT32_MAX)       \
    X(close, UINT32_MAX)         \
    X(retry_initial, UINT32_MAX) \
    X(retry_max, UINT32_MAX)

/* ---- names ---- */

static void file_name(const struct device_key *key, const char *suffix, char ret_name[static FILE_NAME_SIZE])
{
    snprintf(ret_name, FILE_NAME_SIZE, "%s.%u.%s%s", key->type, key->domid, key->devid, suffix);
}

/* "<type>.<domid>.<devid><suffix>"; no type or devid has a dot in it. */
static bool parse_file_name(const char *name, struct device_key *ret_key, const char **ret_suffix)
{
    char text[FILE_NAME_SIZE];
    size_t len = 0;
    unsigned dots = 0;
    for (; len < sizeof text && name[len]; len++) {
        if (name[len] == '.' && ++dots > 2)
            break;
        text[len] = (char)(name[len] == '.' ? '/' : name[len]);
    }
    *ret_suffix = name + len;
    return device_key_parse(text, len, ret_key) == 0;
}

/* ---- writing ---- */

void worker_record_new_token(struct worker_record *record)
{
    snprintf(record->token, sizeof record->token, "%016llx%016llx", (unsigned long long)backoff_random(),
             (unsigned long long)backoff_random());
}

int worker_record_save(const struct run_dir *dir, const struct worker_record *record)
{
    char name[FILE_NAME_SIZE], key[DEVICE_KEY_SIZE], boot[BOOT_ID_SIZE], text[RECORD_SIZE];
    file_name(&record->key, "", name);
    device_key_format(&record->key, key);
    int error = boot_id(boot);
    if (error)
        return error;
    int len =
        snprintf(text, sizeof text, "%sdevice %s\ntoken %s\nboot %s\n", heading, key, record->token, boot);
#define X(name, max) \
    len += snprintf(text + len, sizeof text - (size_t)len, #name " %llu\n", (unsigned long long)record->name);
    NUMBERS(X)
#undef X
    if (record->failures || record->streak) /* a record without these can be read by an earlier version */
        len += snprintf(text + len, sizeof text - (size_t)len, "failures %u\nstreak %u\ndied %s\n",
                        record->failures, record->streak, record->died);
    return run_dir_replace(dir->records, name, text, (size_t)len);
}

bool worker_record_there(const struct run_dir *dir, const struct device_key *key)
{
    char name[FILE_NAME_SIZE];
    file_name(key, "", name);
    return run_dir_has(dir->records, name);
}

/* ---- reading ---- */

static int open_ours(const struct run_dir *dir, const char *name, mode_t type, int flags, int *ret_fd)
{
    return run_dir_open_file(dir->records, name, type, flags, ret_fd);
}

/* ---- the lock ---- */

static int lock(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno == EWOULDBLOCK ? -EBUSY : -errno;
}

/* Opens what there is. */
static int open_locked(const struct run_dir *dir, const char *name, int flags, int *ret_fd)
{
    int fd = -1, error = open_ours(dir, name, S_IFREG, O_RDWR | flags, &fd);
    if (error)
        return error;
    error = lock(fd);
    if (error)
        close(fd);
    else
        *ret_fd = fd;
    return error;
}

/* A process that was given this file, and has it still where it was given it. */
static pid_t find_holder(const struct stat *file)
{
    char path[64];
    struct stat st;
    const struct dirent *entry;
    pid_t holder = 0;
    DIR *proc = opendir("/proc");
    while (proc && !holder && (entry = readdir(proc))) {
        int pid = atoi(entry->d_name);
        snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, WORKER_STATE_FD);
        if (pid > 0 && pid != getpid() && stat(path, &st) == 0 && st.st_dev == file->st_dev &&
            st.st_ino == file->st_ino)
            holder = pid;
    }
    if (proc)
        closedir(proc);
    return holder;
}

bool worker_record_held(const struct run_dir *dir, const struct device_key *key, pid_t *ret_holder)
{
    char name[FILE_NAME_SIZE];
    struct stat st;
    int fd;
    file_name(key, ".state", name);
    int error = open_locked(dir, name, 0, &fd);
    if (!error)
        close(fd);
    if (error == -EBUSY && ret_holder)
        *ret_holder = fstatat(dir->records, name, &st, AT_SYMLINK_NOFOLLOW) ? 0 : find_holder(&st);
    return error == -EBUSY;
}

int worker_record_open_state(const struct run_dir *dir, const struct device_key *key, bool fresh, int *ret_fd)
{
    char name[FILE_NAME_SIZE];
    file_name(key, ".state", name);
    if (fresh && worker_record_held(dir, key, NULL))
        return -EBUSY;
    if (fresh && unlinkat(dir->records, name, 0) && errno != ENOENT)
        return -errno;
    return open_locked(dir, name, O_CREAT | (fresh ? O_EXCL : 0), ret_fd);
}

void worker_record_remove(const struct run_dir *dir, const struct device_key *key)
{
    static const char *const suffixes[] = {"", ".output", ".state"};
    bool held = worker_record_held(dir, key, NULL);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes - held; i++) {
        char name[FILE_NAME_SIZE];
        file_name(key, suffixes[i], name);
        if (unlinkat(dir->records, name, 0) && errno != ENOENT)
            log_error("cannot remove %s: %s", name, strerror(errno));
    }
}

/* ---- what is in a record ---- */

/* If the line at *at begins with the name and a space: its rest, NUL-terminated, and *at is moved behind the
 * line. Otherwise NULL. */
static const char *field(char **at, const char *name)
{
    size_t len = strlen(name);
    char *end = strchr(*at, '\n'), *value = *at + len + 1;
    if (!end || strncmp(*at, name, len) != 0 || (*at)[len] != ' ')
        return NULL;
    *end = '\0';
    *at = end + 1;
    return value;
}

static bool read_number(char **at, const char *name, uint64_t max, uint64_t *ret)
{
    const char *value = field(at, name);
    char *end;
    errno = 0;
    uint64_t n = value && *value >= '0' && *value <= '9' ? strtoull(value, &end, 10) : 0;
    if (!value || *value < '0' || *value > '9' || *end || errno || n > max)
        return false;
    *ret = n;
    return true;
}

static bool parse_history(char *text, struct worker_record *r)
{
    uint64_t failures, streak;
    const char *died;
    if (!read_number(&text, "failures", UINT32_MAX, &failures) ||
        !read_number(&text, "streak", UINT32_MAX, &streak) || !(died = field(&text, "died")) || *text)
        return false;
    r->failures = (uint32_t)failures;
    r->streak = (uint32_t)streak;
    printable_copy(r->died, sizeof r->died, died, strlen(died), false);
    return true;
}

static bool parse_record(char *text, const char *boot, struct worker_record *ret)
{
    struct worker_record r = {.pid = 0};
    uint64_t n;
    const char *value;
    if (strncmp(text, heading, strlen(heading)) != 0)
        return false;
    text += strlen(heading);
    if (!(value = field(&text, "device")) || device_key_parse(value, strlen(value), &r.key))
        return false;
    if (!(value = field(&text, "token")) || strlen(value) != TOKEN_DIGITS)
        return false;
    memcpy(r.token, value, TOKEN_DIGITS + 1);
    if (!(value = field(&text, "boot")))
        return false;
    bool this_boot = strcmp(boot, value) == 0;
#define X(name, max)                         \
    if (!read_number(&text, #name, max, &n)) \
        return false;                        \
    r.name = (__typeof__(r.name))n;
    NUMBERS(X)
#undef X
    if (*text && !parse_history(text, &r))
        return false;
    if (!this_boot) { /* it ended with its boot, and not by itself */
        r.pid = 0;
        r.failures = r.streak = 0;
    }
    *ret = r;
    return true;
}

static int read_record(const struct run_dir *dir, const char *name, const char *boot,
                       struct worker_record *ret)
{
    char text[RECORD_SIZE];
    int fd = -1, error = open_ours(dir, name, S_IFREG, O_RDONLY, &fd);
    if (error)
        return error;
    ssize_t n = read(fd, text, sizeof text - 1);
    error = errno;
    close(fd);
    if (n < 0)
        return -error;
    text[n] = '\0';
    return strlen(text) == (size_t)n && parse_record(text, boot, ret) ? 0 : -EINVAL;
}

/* Will the record never be of use again? Other errors may pass. */
static bool unusable(int error)
{
    return error == -EINVAL || error == -EPERM || error == -EACCES || error == -ELOOP || error == -ENXIO;
}

/* Does it lack its record, or was it not written to its end? */
static bool is_leftover(const struct run_dir *dir, const struct device_key *key, const char *suffix)
{
    char name[FILE_NAME_SIZE];
    file_name(key, "", name);
    return strcmp(suffix, ".new") == 0 ||
           ((strcmp(suffix, ".state") == 0 || strcmp(suffix, ".output") == 0) &&
            faccessat(dir->records, name, F_OK, AT_SYMLINK_NOFOLLOW) && errno == ENOENT);
}

/* A file that belongs to a record. */
static int look_at_part(const struct run_dir *dir, const char *name, const struct device_key *key,
                        const char *suffix, const struct worker_record_reader *reader)
{
    if (!is_leftover(dir, key, suffix))
        return 0;
    if (strcmp(suffix, ".state") == 0 && worker_record_held(dir, key, NULL))
        return reader->held(reader->arg, key);
    unlinkat(dir->records, name, 0);
    return 0;
}

static int look_at(const struct run_dir *dir, const char *name, const char *boot,
                   const struct worker_record_reader *reader)
{
    struct device_key key;
    struct worker_record record;
    const char *suffix;
    if (!parse_file_name(name, &key, &suffix))
        return 0; /* it may be a file of somebody else */
    if (*suffix)
        return look_at_part(dir, name, &key, suffix, reader);
    int error = read_record(dir, name, boot, &record);
    if (!error && !device_key_equal(&record.key, &key))
        error = -EINVAL;
    if (!error)
        return reader->each(reader->arg, &record);
    if (!unusable(error))
        return error;
    if (worker_record_held(dir, &key, NULL)) {
        log_error("the record %s of a worker that runs cannot be used: %s", name, strerror(-error));
        return reader->held(reader->arg, &key);
    }
    log_error("the record %s of a worker cannot be used, and is removed: %s", name, strerror(-error));
    unlinkat(dir->records, name, 0);
    return 0;
}

int worker_record_read(const struct run_dir *dir, const struct worker_record_reader *reader)
{
    char boot[BOOT_ID_SIZE];
    int error = boot_id(boot);
    if (error)
        return error;

    struct dirent **names;
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", dir->records);
    int n =
        scandir(path, &names, NULL, alphasort); /* sorted, so that a record comes before what belongs to it */
    if (n < 0)
        return -errno;
    for (int i = 0; i < n; i++) {
        if (!error)
            error = look_at(dir, names[i]->d_name, boot, reader);
        free(names[i]);
    }
    free(names);
    return error;
}

/* ---- what it prints ---- */

int worker_record_open_output(const struct run_dir *dir, const struct device_key *key, int *ret_read)
{
    char name[FILE_NAME_SIZE];
    file_name(key, ".output", name);
    return open_ours(dir, name, S_IFIFO, O_RDONLY, ret_read);
}

/* Always another: what the previous worker has left behind may still print to the old one. */
int worker_record_new_output(const struct run_dir *dir, const struct device_key *key, int *ret_read,
                             int *ret_worker)
{
    char name[FILE_NAME_SIZE];
    int reading = -1;
    file_name(key, ".output", name);
    if ((unlinkat(dir->records, name, 0) && errno != ENOENT) || mkfifoat(dir->records, name, 0600))
        return -errno;
    int error = worker_record_open_output(dir, key, &reading);
    if (error)
        return error;
    error = open_ours(dir, name, S_IFIFO, O_RDWR, ret_worker);
    if (error)
        close(reading);
    else
        *ret_read = reading;
    return error;
}
