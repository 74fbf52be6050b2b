/* SPDX-License-Identifier: MIT */
/* An engine in front of another that may forget what it has done: all that was written and not flushed is in
 * its process, say as the tables of an image that grew, and goes when that is killed. The guest, which does
 * not die of it, must find what it has written. So what is written is kept here until it is flushed, in the
 * state file, and done again for whoever comes after.
 *
 * A disk at rest keeps nothing. In two halves: one takes what is written, the other is there until a flush
 * has ended that began after it was full. Where the guest does not flush by itself, we do when a half is
 * full; writes wait while both are.
 *
 * The memory is a file's, mapped by the caller; nothing in it is believed before it was checked. On the
 * loop's thread. Errors are negative errno. */
#ifndef XENRECON_BLOCK_UNFLUSHED_H
#define XENRECON_BLOCK_UNFLUSHED_H

#include <stddef.h>
#include <stdint.h>

#include "reconcilers/block/engine.h"

enum { UNFLUSHED_HALF = (4 << 20) - 16 };

struct unflushed_half { /* whole pages */
    uint64_t length;    /* of what is in it; written last */
    uint64_t unused;
    char data[UNFLUSHED_HALF];
};

/* In the file. */
struct unflushed_log {
    uint64_t magic;
    uint64_t image;  /* a hash of its name */
    uint64_t newer;  /* which half takes what is written */
    uint64_t failed; /* the errno of the flush that did; 0: none has */
    uint64_t unused[508];
    struct unflushed_half halves[2];
};

struct unflushed;

/* Makes a log of whatever is in the file, about this image. What was in it of this image is done again, by
 * apply(), oldest first, and flushed; the data lies in engine->data. An error of its is returned. */
int unflushed_open(struct unflushed_log *log, const char *image, struct engine *engine,
                   int (*apply)(void *arg, struct io *io), void *arg);

struct unflushed *unflushed_new(struct unflushed_log *log, struct engine *engine);
void unflushed_free(struct unflushed *u); /* NULL is fine */
struct engine *unflushed_engine(struct unflushed *u);

#endif
