/* SPDX-License-Identifier: MIT */
/* A disk that takes its time and fails when it is told to: a FUSE file system of two files.
 *
 *   slowdisk IMAGE FOLDER      mounted on FOLDER, in the background; ends with `fusermount3 -u FOLDER`
 *   FOLDER/disk                what is in IMAGE; nothing of it is ever cached
 *   FOLDER/knobs               `echo read-us=2000 >knobs` turns some, `cat knobs` shows all
 *
 *   read-us, write-us, sync-us what one of them takes, in microseconds
 *   odd-every, odd-us          every so manyth read takes that instead; 0: none does
 *   hold-writes, hold-syncs    1: they wait until it is 0 again
 *   bad-writes, bad-syncs      so many of the next ones fail with EIO, and do nothing
 *   reads, writes, syncs       how many came; at-once: the most that were under way together; held: that wait
 * now
 *
 * A loop device on FOLDER/disk (with --direct-io=on, or it does one at a time) is a block device with all
 * that. */
#define FUSE_USE_VERSION 312
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum knob {
    READ_US,
    WRITE_US,
    SYNC_US,
    ODD_EVERY,
    ODD_US,
    HOLD_WRITES,
    HOLD_SYNCS,
    BAD_WRITES,
    BAD_SYNCS,
    READS,
    WRITES,
    SYNCS,
    AT_ONCE,
    HELD,
    KNOBS
};
static const char *const names[KNOBS] = {"read-us",     "write-us",   "sync-us",    "odd-every", "odd-us",
                                         "hold-writes", "hold-syncs", "bad-writes", "bad-syncs", "reads",
                                         "writes",      "syncs",      "at-once",    "held"};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t turned; /* a knob was */
    long knobs[KNOBS];
    long under_way;
    int image;
} slow = {.lock = PTHREAD_MUTEX_INITIALIZER, .turned = PTHREAD_COND_INITIALIZER};

/* ---- one of the disk's operations ---- */

/* Counts it in, and has it take its time. True: it is to fail. */
static bool enter(enum knob count, enum knob time, enum knob bad)
{
    long *k = slow.knobs, us;
    bool fails;

    pthread_mutex_lock(&slow.lock);
    k[count]++;
    if (++slow.under_way > k[AT_ONCE])
        k[AT_ONCE] = slow.under_way;
    us = k[time];
    if (count == READS && k[ODD_EVERY] && k[count] % k[ODD_EVERY] == 0)
        us = k[ODD_US];
    fails = bad != KNOBS && k[bad] > 0;
    if (fails)
        k[bad]--;
    k[HELD]++;
    while ((count == WRITES && k[HOLD_WRITES]) || (count == SYNCS && k[HOLD_SYNCS]))
        pthread_cond_wait(&slow.turned, &slow.lock);
    k[HELD]--;
    pthread_mutex_unlock(&slow.lock);
    if (us > 0)
        nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
    return fails;
}

/* What FUSE wants to be told. */
static int leave(bool failed, ssize_t result)
{
    int error = failed ? EIO : errno;

    pthread_mutex_lock(&slow.lock);
    slow.under_way--;
    pthread_mutex_unlock(&slow.lock);
    return failed || result < 0 ? -error : (int)result;
}

/* ---- the knobs ---- */

static size_t show_knobs(char *to, size_t size)
{
    size_t n = 0;

    pthread_mutex_lock(&slow.lock);
    for (int i = 0; i < KNOBS && n < size; i++)
        n += (size_t)snprintf(to + n, size - n, "%s=%ld\n", names[i], slow.knobs[i]);
    pthread_mutex_unlock(&slow.lock);
    return n < size ? n : size;
}

static bool turn(const char *word)
{
    for (int i = 0; i < KNOBS; i++) {
        size_t n = strlen(names[i]);

        if (strncmp(word, names[i], n) != 0 || word[n] != '=')
            continue;
        slow.knobs[i] = atol(word + n + 1);
        return true;
    }
    return false;
}

static int turn_knobs(const char *from, size_t size)
{
    char text[512] = "";
    char *rest = text;
    bool good = size < sizeof(text);

    memcpy(text, from, good ? size : 0);
    pthread_mutex_lock(&slow.lock);
    for (char *word; good && (word = strsep(&rest, " \n")) != NULL;)
        good = !*word || turn(word);
    pthread_cond_broadcast(&slow.turned);
    pthread_mutex_unlock(&slow.lock);
    return good ? (int)size : -EINVAL;
}

/* ---- the files ---- */

static bool is_knobs(const char *path)
{
    return strcmp(path, "/knobs") == 0;
}

static int on_getattr(const char *path, struct stat *st, struct fuse_file_info *info)
{
    (void)info;
    if (strcmp(path, "/disk") == 0)
        return fstat(slow.image, st) == 0 ? 0 : -errno;
    if (strcmp(path, "/") != 0 && !is_knobs(path))
        return -ENOENT;
    st->st_mode = is_knobs(path) ? S_IFREG | 0666 : S_IFDIR | 0755;
    st->st_nlink = 1;
    return 0;
}

static int on_open(const char *path, struct fuse_file_info *info)
{
    (void)path;
    info->direct_io = 1;
    return 0;
}

static int on_truncate(const char *path, off_t size, struct fuse_file_info *info)
{
    (void)info;
    if (is_knobs(path)) /* by who writes to it in a shell */
        return 0;
    return ftruncate(slow.image, size) == 0 ? 0 : -errno;
}

static int on_read(const char *path, char *to, size_t size, off_t at, struct fuse_file_info *info)
{
    char text[512];

    (void)info;
    if (is_knobs(path)) {
        size_t n = show_knobs(text, sizeof(text));

        if ((size_t)at >= n)
            return 0;
        n -= (size_t)at;
        memcpy(to, text + at, n < size ? n : size);
        return (int)(n < size ? n : size);
    }
    enter(READS, READ_US, KNOBS);
    return leave(false, pread(slow.image, to, size, at));
}

static int on_write(const char *path, const char *from, size_t size, off_t at, struct fuse_file_info *info)
{
    bool fails;

    (void)info;
    if (is_knobs(path))
        return turn_knobs(from, size);
    fails = enter(WRITES, WRITE_US, BAD_WRITES);
    return leave(fails, fails ? 0 : pwrite(slow.image, from, size, at));
}

static int on_fsync(const char *path, int only_data, struct fuse_file_info *info)
{
    (void)path, (void)only_data, (void)info;
    return leave(enter(SYNCS, SYNC_US, BAD_SYNCS), 0);
}

static void *on_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
    connection->max_background = 1024; /* the kernel has but 12 of what is asked for in the background */
    connection->congestion_threshold = 1024;
    connection->max_readahead = 0;
    config->attr_timeout = 0; /* it may grow */
    return NULL;
}

int main(int argc, char **argv)
{
    static const struct fuse_operations operations = {.getattr = on_getattr,
                                                      .open = on_open,
                                                      .truncate = on_truncate,
                                                      .read = on_read,
                                                      .write = on_write,
                                                      .fsync = on_fsync,
                                                      .init = on_init};
    static char option[] = "-o", options[] = "allow_other,max_threads=300,max_idle_threads=300";
    char *arguments[] = {argv[0], argv[argc - 1], option, options, NULL};

    if (argc != 3)
        errx(64, "usage: slowdisk IMAGE FOLDER");
    slow.image = open(argv[1], O_RDWR | O_CLOEXEC);
    if (slow.image < 0)
        err(1, "%s", argv[1]);
    return fuse_main(4, arguments, &operations, NULL);
}
