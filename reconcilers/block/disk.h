/* SPDX-License-Identifier: MIT */
/* What a disk is kept on: a raw file, a block device, or nothing (a CD-ROM drive without a medium).
 *
 * Owns the descriptor. Offsets and lengths are bytes; ranges were checked by request_check(). Everything but
 * open, resize and close may be called on any thread, several at a time. Errors are negative errno. */
#ifndef XENRECON_BLOCK_DISK_H
#define XENRECON_BLOCK_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reconcilers/block/request.h"

struct vhost_user_disk;

struct disk_options {
    const char
        *image; /* as libxl's `params`: PATH, or one of raw: aio: phy: file: and PATH; no path: no medium */
    bool read_only, cdrom;
    bool discard;        /* wanted, where the storage can */
    bool direct;         /* past the page cache */
    const char *network; /* the socket of what opens images that are somewhere else; NULL: nothing does */
};

struct disk {
    int fd;        /* -1: no medium */
    int changes;   /* readable: the file may be longer; -1: nobody says */
    bool kept;     /* it is the keeper who says so */
    uint64_t size; /* of what is kept elsewhere, as its keeper says, in bytes */
    bool block, cdrom, direct;
    bool elsewhere; /* kept by another process (vhost.h), which says how large it is; no descriptor */
    bool no_nowait_read, no_nowait_write; /* tried, and the file system cannot */
    struct geometry geometry;
    char identity[64];      /* a name that is the same for all that have this image open; empty: no medium */
    uint64_t limit;         /* the file cannot be written to beyond this; bytes; 0: there is none */
    uint32_t physical_size; /* of a sector; bytes */
    uint32_t discard_granularity, discard_alignment; /* bytes */
};

/* What follows the format in `params`, or NULL when it is one that we do not read. */
const char *disk_image_path(const char *image);

/* On an error, ret_why says in words what is wrong. */
int disk_open(const struct disk_options *options, struct disk *ret_disk, char ret_why[256]);
void disk_close(struct disk *d);

/* One that another process keeps, which has opened it as the options want. */
struct disk disk_elsewhere(const struct disk_options *options, const struct vhost_user_disk *like);

struct words;

/* A file can be written to no further than it is long, however long that is one day (keeper.h). Nothing for a
 * device, or what is only read. */
int disk_limit(struct disk *d, const struct words *words);

/* Looks how big it is now. True: not as big as before, and the geometry says so. What lies beyond the limit
 * is asked for, and there when `changes` has been readable. */
bool disk_resized(struct disk *d);

/* Whatever can be had without waiting: bytes (maybe fewer), or -EAGAIN. */
int64_t disk_read_now(struct disk *d, void *to, size_t len, uint64_t offset);
int64_t disk_write_now(struct disk *d, const void *from, size_t len, uint64_t offset);

/* Reads away what made `changes` readable. False: it never will be again. */
bool disk_take_changes(struct disk *d);

/* All of it, whatever it takes: 0, or an error. */
int disk_read(const struct disk *d, void *to, size_t len, uint64_t offset);
int disk_write(const struct disk *d, const void *from, size_t len, uint64_t offset);
int disk_flush(const struct disk *d);
int disk_discard(const struct disk *d, uint64_t offset, uint64_t len);

#endif
