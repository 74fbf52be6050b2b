/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <linux/major.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "reconcilers/block/ioctl_number.h"
#include "reconcilers/block/keeper.h"
#include "reconcilers/block/vhost_user.h"

enum { FILE_BLOCK = 4096 /* what file systems like: told to guests as the physical sector of a file */ };

const char *disk_image_path(const char *image)
{
    static const char *const raw[] = {"raw:", "aio:", "phy:", "file:", "empty:"};
    if (*image == '/' || !*image)
        return image;
    for (size_t i = 0; i < sizeof raw / sizeof *raw; i++)
        if (strncmp(image, raw[i], strlen(raw[i])) == 0)
            return image + strlen(raw[i]);
    return strchr(image, ':') ? NULL : image;
}

#ifdef __GLIBC__
#define READ_NOWAIT(fd, v, offset)  preadv2(fd, v, 1, offset, RWF_NOWAIT)
#define WRITE_NOWAIT(fd, v, offset) pwritev2(fd, v, 1, offset, RWF_NOWAIT)
#else /* musl before 1.2.5 lacks these two, of whose offset the upper half is apart */
#define READ_NOWAIT(fd, v, offset)  syscall(SYS_preadv2, fd, v, 1L, (long)(offset), 0L, (long)RWF_NOWAIT)
#define WRITE_NOWAIT(fd, v, offset) syscall(SYS_pwritev2, fd, v, 1L, (long)(offset), 0L, (long)RWF_NOWAIT)
#endif

static int64_t size_now(const struct disk *d)
{
    struct stat st;
    uint64_t size;
    if (d->block)
        return ioctl(d->fd, IOCTL_NUMBER(BLKGETSIZE64), &size) ? -errno : (int64_t)size;
    return fstat(d->fd, &st) ? -errno : (int64_t)st.st_size;
}

bool disk_resized(struct disk *d)
{
    int64_t size = d->elsewhere ? (int64_t)d->size : d->fd < 0 ? 0 : size_now(d);
    if (size < 0)
        return false;
    if (d->limit && (uint64_t)size > d->limit && d->kept) {
        keeper_ask(d->changes);
        size = (int64_t)d->limit;
    }
    /* what does not fill a physical sector is out of the guest's reach */
    uint64_t sectors = (uint64_t)size / d->physical_size * (d->physical_size / SECTOR);
    if (sectors == d->geometry.sectors)
        return false;
    d->geometry.sectors = sectors;
    return true;
}

/* ---- opening ---- */

/* A number below /sys about the device; 0: not there. */
static uint64_t device_number(dev_t dev, const char *name)
{
    char path[128];
    uint64_t n = 0;
    snprintf(path, sizeof path, "/sys/dev/block/%u:%u/%s", major(dev), minor(dev), name);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    if (fscanf(f, "%" SCNu64, &n) != 1)
        n = 0;
    fclose(f);
    return n;
}

/* About its queue, which a partition has of its whole disk. */
static uint64_t queue_limit(dev_t dev, const char *name)
{
    char of_disk[64], of_whole[64];
    snprintf(of_disk, sizeof of_disk, "queue/%s", name);
    snprintf(of_whole, sizeof of_whole, "../queue/%s", name);
    uint64_t n = device_number(dev, of_disk);
    return n ? n : device_number(dev, of_whole);
}

static void look_at_block_device(struct disk *d, const struct stat *st)
{
    int logical = 0;
    unsigned physical = 0;
    d->block = true;
    if (ioctl(d->fd, BLKSSZGET, &logical) == 0 && logical > SECTOR)
        d->geometry.sector_size = (uint32_t)logical;
    d->physical_size = d->geometry.sector_size;
    if (ioctl(d->fd, BLKPBSZGET, &physical) == 0 && physical > d->physical_size)
        d->physical_size = physical;
    d->geometry.discard &= queue_limit(st->st_rdev, "discard_max_bytes") > 0;
    d->discard_granularity = (uint32_t)queue_limit(st->st_rdev, "discard_granularity");
    if (d->discard_granularity == 0)
        d->discard_granularity = d->geometry.sector_size;
    d->discard_alignment = (uint32_t)device_number(st->st_rdev, "discard_alignment");
}

/* Whoever makes a file longer opens it for writing and closes it again. That is told but to those who ask,
 * and of us, who keep it open, nothing is: no write costs anything. Without it there is SIGHUP. */
static void watch_file(struct disk *d, const char *path)
{
    d->changes = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (d->changes < 0 || inotify_add_watch(d->changes, path, IN_CLOSE_WRITE) >= 0)
        return;
    close(d->changes);
    d->changes = -1;
}

bool disk_take_changes(struct disk *d)
{
    char events[4096];
    int error = -EAGAIN;
    while (!d->kept && read(d->changes, events, sizeof events) > 0)
        ;
    while (d->kept && (error = keeper_read(d->changes, &d->limit)) == 0)
        ;
    if (error != -EAGAIN)
        d->kept = false;
    return error == -EAGAIN;
}

/* The smallest that can be read where a piece of that size may begin: RING_PAGE if none can. */
static uint32_t try_units(const struct disk *d)
{
    uint32_t unit = SECTOR;
    void *page = aligned_alloc(RING_PAGE, RING_PAGE);
    while (page && unit < RING_PAGE && pread(d->fd, page, unit, unit) < 0 && errno == EINVAL)
        unit *= 2;
    free(page);
    return unit;
}

/* Past the page cache nothing smaller, and nothing elsewhere, can be read or written than this. Before
 * Linux 6.1 nobody says it. */
static uint32_t direct_unit(const struct disk *d)
{
#ifdef STATX_DIOALIGN
    struct statx stx;
    if (statx(d->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) == 0 && stx.stx_mask & STATX_DIOALIGN)
        return stx.stx_dio_offset_align;
#endif
    return try_units(d);
}

static void look_at_file(struct disk *d, const struct stat *st)
{
    d->physical_size = st->st_size % FILE_BLOCK == 0 ? FILE_BLOCK : SECTOR;
    d->discard_granularity = FILE_BLOCK;
}

/* A loop device is the file behind it, where it shows all of that. */
static bool identify_loop(struct disk *d, const struct stat *st)
{
    struct loop_info64 loop;
    if (major(st->st_rdev) != LOOP_MAJOR || ioctl(d->fd, IOCTL_NUMBER(LOOP_GET_STATUS64), &loop))
        return false;
    snprintf(d->identity, sizeof d->identity, "file:%" PRIx64 ":%" PRIu64, (uint64_t)loop.lo_device,
             (uint64_t)loop.lo_inode);
    return loop.lo_offset == 0;
}

static void identify(struct disk *d, const struct stat *st)
{
    if (!d->block)
        snprintf(d->identity, sizeof d->identity, "file:%" PRIx64 ":%" PRIu64, (uint64_t)st->st_dev,
                 (uint64_t)st->st_ino);
    else if (!identify_loop(d, st))
        snprintf(d->identity, sizeof d->identity, "device:%x:%x", major(st->st_rdev), minor(st->st_rdev));
}

static int fail(char ret_why[256], const char *path, int error)
{
    snprintf(ret_why, 256, "%.200s: %s", path, strerror(error));
    return -error;
}

static int open_medium(struct disk *d, const struct disk_options *o, const char *path, char ret_why[256])
{
    struct stat st;
    int flags = (o->read_only ? O_RDONLY : O_RDWR) | (o->direct ? O_DIRECT : 0);
    /* O_NONBLOCK: a FIFO must not keep us here; it means nothing to files and disks */
    d->fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (d->fd < 0 || fstat(d->fd, &st))
        return fail(ret_why, path, errno);
    if (S_ISBLK(st.st_mode)) {
        look_at_block_device(d, &st);
    } else if (S_ISREG(st.st_mode)) {
        look_at_file(d, &st);
        watch_file(d, path);
    } else {
        snprintf(ret_why, 256, "%.200s is neither a file nor a block device", path);
        return -EINVAL;
    }
    identify(d, &st);
    int64_t size = size_now(d);
    if (size < 0)
        return fail(ret_why, path, (int)-size);
    uint32_t unit = o->direct ? direct_unit(d) : 0;
    if (unit > RING_PAGE) {
        snprintf(ret_why, 256, "%.160s: O_DIRECT wants pieces of %" PRIu32 " bytes, a guest has 4096 at most",
                 path, unit);
        return -EINVAL;
    }
    if (unit > d->geometry.sector_size)
        d->geometry.sector_size = unit;
    if (d->geometry.sector_size > d->physical_size)
        d->physical_size = d->geometry.sector_size;
    disk_resized(d);
    return 0;
}

int disk_open(const struct disk_options *o, struct disk *ret_disk, char ret_why[256])
{
    struct disk d = {
        .fd = -1, .changes = -1, .cdrom = o->cdrom, .direct = o->direct, .physical_size = SECTOR};
    const char *path = disk_image_path(o->image);
    int error = 0;
    d.geometry = (struct geometry){.sector_size = SECTOR, .read_only = o->read_only || o->cdrom};
    d.geometry.discard = o->discard && !d.geometry.read_only;
    if (!path) {
        snprintf(ret_why, 256, "%.100s: only raw images are served, not this format", o->image);
        return -EINVAL;
    }
    if (!*path && !o->cdrom) {
        snprintf(ret_why, 256, "a disk needs an image");
        return -EINVAL;
    }
    if (*path) {
        struct disk_options as = *o;
        as.read_only = d.geometry.read_only;
        error = open_medium(&d, &as, path, ret_why);
    }
    if (error) {
        disk_close(&d);
        return error;
    }
    *ret_disk = d;
    return 0;
}

struct disk disk_elsewhere(const struct disk_options *o, const struct vhost_user_disk *like)
{
    struct disk d = {.fd = -1,
                     .changes = -1,
                     .cdrom = o->cdrom,
                     .direct = o->direct,
                     .elsewhere = true,
                     .size = like->sectors * SECTOR,
                     .physical_size = like->physical_size,
                     .discard_granularity = like->physical_size,
                     .geometry = {.sector_size = like->block_size, .sectors = like->sectors}};
    d.geometry.read_only = o->read_only || o->cdrom || like->read_only;
    d.geometry.discard = o->discard && like->discard && !d.geometry.read_only;
    if (like->discard_alignment > d.discard_granularity / SECTOR)
        d.discard_granularity = like->discard_alignment * SECTOR;
    return d;
}

void disk_close(struct disk *d)
{
    if (d->fd >= 0)
        close(d->fd);
    if (d->changes >= 0)
        close(d->changes);
    d->fd = d->changes = -1;
}

int disk_limit(struct disk *d, const struct words *words)
{
    int64_t size = d->fd < 0 || d->block || d->geometry.read_only ? 0 : size_now(d);
    int keeper;
    if (size <= 0)
        return (int)size;
    int error = keeper_start(d->fd, d->changes, words, (uint64_t)size, &keeper);
    if (error)
        return error;
    if (d->changes >= 0)
        close(d->changes);
    d->changes = keeper;
    d->kept = true;
    d->limit = (uint64_t)size;
    return 0;
}

/* ---- without waiting ---- */

/* A file system that cannot promise not to wait is believed once and for all. */
static int64_t now_result(ssize_t n, bool *cannot)
{
    if (n >= 0)
        return n;
    if (errno == EOPNOTSUPP || errno == EINVAL)
        *cannot = true;
    return errno == EAGAIN || *cannot || errno == EINTR ? -EAGAIN : -errno;
}

int64_t disk_read_now(struct disk *d, void *to, size_t len, uint64_t offset)
{
    struct iovec v = {.iov_base = to, .iov_len = len};
    if (d->no_nowait_read || d->direct)
        return -EAGAIN;
    return now_result(READ_NOWAIT(d->fd, &v, (off_t)offset), &d->no_nowait_read);
}

int64_t disk_write_now(struct disk *d, const void *from, size_t len, uint64_t offset)
{
    struct iovec v = {.iov_base = (void *)(uintptr_t)from, .iov_len = len};
    if (d->no_nowait_write || d->direct)
        return -EAGAIN;
    return now_result(WRITE_NOWAIT(d->fd, &v, (off_t)offset), &d->no_nowait_write);
}

/* ---- whatever it takes ---- */

int disk_read(const struct disk *d, void *to, size_t len, uint64_t offset)
{
    char *at = to;
    while (len > 0) {
        ssize_t n = pread(d->fd, at, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) /* the end: somebody cut the file off */
            return n < 0 ? -errno : -EIO;
        at += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

int disk_write(const struct disk *d, const void *from, size_t len, uint64_t offset)
{
    const char *at = from;
    while (len > 0) {
        ssize_t n = pwrite(d->fd, at, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        at += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

int disk_flush(const struct disk *d)
{
    if (d->fd < 0 || d->geometry.read_only)
        return 0;
    while (fdatasync(d->fd))
        if (errno != EINTR)
            return -errno;
    return 0;
}

int disk_discard(const struct disk *d, uint64_t offset, uint64_t len)
{
    uint64_t range[2] = {offset, len};
    int bad;
    do {
        bad = d->block
                  ? ioctl(d->fd, BLKDISCARD, range)
                  : fallocate(d->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)len);
    } while (bad && errno == EINTR);
    return bad ? -errno : 0;
}
