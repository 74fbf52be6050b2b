/* SPDX-License-Identifier: MIT */
/* What does a disk's work: reads, writes, flushes, discards, many at a time, which end in any order. There
 * may be several kinds; serve.h knows none of them.
 *
 * On the loop's thread, on which done() is called as well, from the loop or from engine_start(). Who submits
 * owns the io and its data, and leaves both alone until it is done. Ranges were checked before. Errors are
 * negative errno. */
#ifndef XENRECON_BLOCK_ENGINE_H
#define XENRECON_BLOCK_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reconcilers/block/blkif.h"

enum {
    /* A full ring of one page with requests of the greatest size, or one of eight with an eighth of it */
    ENGINE_DATA_SIZE = 32 * INDIRECT_SEGMENTS_MAX * RING_PAGE + 32 * RING_PAGE,
};

enum io_kind {
    IO_READ,
    IO_WRITE,
    IO_FLUSH, /* all that was done before it was submitted is safe when it is done */
    IO_DISCARD,
};

struct io {
    enum io_kind kind;
    char *data;
    uint64_t offset, length; /* bytes on the disk */
    int error;               /* when it is done */
    /* of the engine */
    uint64_t progress; /* bytes that are done */
    bool quick;        /* it took no time */
    struct io *next;
};

struct engine {
    /* True: it is done already, and done() is not called for it. */
    bool (*submit)(struct engine *e, struct io *io);
    /* What was submitted goes out: only now, so that many go together. */
    void (*start)(struct engine *e);
    /* Nothing was asked for in a while. NULL: it does not want to know. */
    void (*rest)(struct engine *e);
    /* Where all data has to lie, ENGINE_DATA_SIZE bytes that others see as well; NULL: anywhere. */
    char *data;
    /* Set by who submits. */
    void (*done)(void *arg, struct io *io);
    void *arg;
    /* Likewise: what was submitted last is alone, and as far as can be told nothing more is asked for before
     * it is done. */
    bool alone;
};

static inline bool engine_submit(struct engine *e, struct io *io)
{
    io->error = 0;
    io->progress = 0;
    return e->submit(e, io);
}

static inline void engine_start(struct engine *e)
{
    e->start(e);
}

static inline void engine_rest(struct engine *e)
{
    if (e->rest)
        e->rest(e);
}

#endif
