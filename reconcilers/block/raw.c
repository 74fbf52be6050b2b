/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/raw.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "reconcilers/block/blkif.h"
#include "reconcilers/block/disk.h"
#include "reconcilers/block/engine.h"
#include "reconcilers/block/pool.h"
#include "reconcilers/block/uring.h"
#include "schemas/mem.h"

enum {
    ENTRIES = RING_SLOTS_MAX, /* a request is one io at a time */
    HELPERS = 2,
    QUICK_NS = 100 * 1000, /* a write to the page cache, and a nanosecond for each byte of it … */
    QUICK_ENOUGH = 64,     /* … so many times in a row */
};

struct raw {
    struct engine engine;
    struct disk *disk;
    struct uring *uring;           /* NULL: the helpers do its work */
    struct pool *helpers, *writer; /* NULL: not needed */
    unsigned quick;                /* buffered writes that took no time, in a row */
};

static struct raw *raw_of(struct engine *e)
{
    return (struct raw *)(void *)((char *)e - offsetof(struct raw, engine));
}

/* ---- buffered writes ----
 *
 * Into the page cache a write takes less time than a thread takes to be woken for it; but one that has to
 * wait, for storage that cannot keep up, would hold up all of the disk. What happens is a matter of the
 * storage, and known only afterwards. So they begin on the writer's thread, are done at once when those
 * before them were quick, and go back to the thread with the first that is not. */

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/* On either thread. */
static void write_timed(const struct disk *d, struct io *io)
{
    uint64_t from = io->progress, start = now_ns();
    io->error = disk_write(d, io->data + from, io->length - from, io->offset + from);
    io->quick = now_ns() - start < QUICK_NS + io->length;
}

static void note_time(struct raw *r, const struct io *io)
{
    r->quick = io->quick ? r->quick + (r->quick < QUICK_ENOUGH) : 0;
}

static void on_done(void *arg, struct io *io)
{
    struct raw *r = arg;
    if (io->kind == IO_WRITE)
        note_time(r, io);
    r->engine.done(r->engine.arg, io);
}

/* On a thread. */
static void work(void *arg, struct io *io)
{
    const struct raw *r = arg;
    uint64_t from = io->progress;
    switch (io->kind) {
    case IO_READ:
        io->error = disk_read(r->disk, io->data + from, io->length - from, io->offset + from);
        return;
    case IO_WRITE:
        write_timed(r->disk, io);
        return;
    case IO_FLUSH:
        io->error = disk_flush(r->disk);
        return;
    case IO_DISCARD:
        io->error = disk_discard(r->disk, io->offset, io->length);
        return;
    }
}

/* True: it is done. */
static bool at_once(struct raw *r, struct io *io)
{
    int64_t n = -EAGAIN;
    if (io->kind == IO_READ)
        n = disk_read_now(r->disk, io->data, io->length, io->offset);
    else if (io->kind == IO_WRITE)
        n = disk_write_now(r->disk, io->data, io->length, io->offset);
    if (n < 0 && n != -EAGAIN)
        io->error = (int)n;
    else if (n > 0)
        io->progress = (uint64_t)n;
    return io->error || (n > 0 && io->progress == io->length);
}

static bool submit(struct engine *e, struct io *io)
{
    struct raw *r = raw_of(e);
    if (at_once(r, io))
        return true;
    if (io->kind == IO_WRITE && r->writer && r->quick >= QUICK_ENOUGH) {
        write_timed(r->disk, io);
        note_time(r, io);
        return true;
    }
    if (io->kind == IO_WRITE && r->writer)
        pool_add(r->writer, io);
    else if (io->kind != IO_DISCARD && r->uring)
        uring_add(r->uring, io);
    else
        pool_add(r->helpers, io);
    return false;
}

static void start(struct engine *e)
{
    struct raw *r = raw_of(e);
    if (r->writer)
        pool_start(r->writer);
    if (r->helpers)
        pool_start(r->helpers);
    if (r->uring)
        uring_start(r->uring, e->alone);
}

/* ---- life ---- */

struct raw *raw_open(struct disk *disk)
{
    struct raw *r = xcalloc(1, sizeof *r);
    r->engine = (struct engine){.submit = submit, .start = start};
    r->disk = disk;
    if (disk->fd >= 0)
        uring_open(disk->fd, ENTRIES, &r->uring);
    return r;
}

int raw_begin(struct raw *r, struct uv_loop_s *loop)
{
    const struct geometry *g = &r->disk->geometry;
    struct pool_config pool = {.loop = loop, .work = work, .done = on_done, .arg = r};
    struct uring_config uring = {.loop = loop, .done = on_done, .arg = r};
    int error = 0;
    if (r->disk->fd < 0)
        return 0;
    if (r->uring)
        uring_begin(r->uring, &uring);
    pool.n_threads = r->uring ? HELPERS : ENTRIES;
    if (!r->uring || g->discard)
        error = pool_new(&pool, &r->helpers);
    pool.n_threads = 1;
    pool.batches = true;
    if (!error && !r->disk->direct && !g->read_only)
        error = pool_new(&pool, &r->writer);
    return error;
}

void raw_close(struct raw *r)
{
    if (!r)
        return;
    pool_free(r->helpers);
    pool_free(r->writer);
    uring_close(r->uring);
    free(r);
}

struct engine *raw_engine(struct raw *r)
{
    return &r->engine;
}

int raw_ring(const struct raw *r)
{
    return r->uring ? uring_fd(r->uring) : -1;
}
