/* SPDX-License-Identifier: MIT */
/* Which flushes of a guest's become one of the disk's: none when nothing was written since the last one, one
 * for all that are asked for while another is under way.
 *
 * And none ever again once one has failed. The kernel tells of a failed write-back once, and takes the pages
 * for clean; the next fdatasync() would say that all is well, and the guest's journal commit over the hole.
 *
 * One thread. Owns nothing: those that wait are the caller's. */
#ifndef XENRECON_BLOCK_FLUSHES_H
#define XENRECON_BLOCK_FLUSHES_H

#include <stdbool.h>

struct flush_waiter {
    struct flush_waiter *next;
};

struct flushes {
    bool dirty;     /* something was done since the last flush began, or nobody knows */
    bool under_way; /* one of the disk's */
    bool lost;
    struct flush_waiter *covered; /* by the one under way … */
    struct flush_waiter *waiting; /* … and by the next */
};

/* `dirty`: what was done before us, if anything, may not be safe. */
void flushes_init(struct flushes *f, bool dirty, bool lost);

/* A write or a discard has been done. */
void flushes_written(struct flushes *f);

enum flush_step { FLUSH_DONE, FLUSH_FAILED, FLUSH_WAITS, FLUSH_BEGINS };
/* DONE and FAILED: at once, and the waiter is not kept. BEGINS: likewise WAITS, and the caller begins one of
 * the disk's, and tells how it ended. */
enum flush_step flushes_ask(struct flushes *f, struct flush_waiter *waiter);

/* The disk's flush has ended, with an error or not. Returns those that it was for; *ret_again: begin another.
 */
struct flush_waiter *flushes_ended(struct flushes *f, bool failed, bool *ret_again);

#endif
