/* SPDX-License-Identifier: MIT */
/* Serves one guest's ring from one disk: takes requests in batches, has the engine do them, answers them in
 * the order in which they are done, notifies when the guest wants to be.
 *
 * On the loop's thread. Owns slots and data memory; the disk, its engine, the guest's handles and the journal
 * are the caller's, and outlive it. What a guest does wrong
 * hurts it alone: a bad request is refused, a ring whose index cannot be is given up, events that bring
 * nothing are looked at ever later. */
#ifndef XENRECON_BLOCK_SERVE_H
#define XENRECON_BLOCK_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "reconcilers/block/blkif.h"

struct uv_loop_s;
struct disk;
struct engine;
struct guest;
struct journal;
struct serve;

struct serve_config {
    struct uv_loop_s *loop;
    struct disk *disk;
    struct engine *engine;
    struct guest *guest;
    struct journal *journal;
    /* None of these is called from inside a call to serve_*(). */
    void (*ended)(void *arg);   /* after serve_disconnect(): nothing is mapped, nothing under way */
    void (*broken)(void *arg);  /* the guest broke its ring: likewise, without having been asked */
    void (*resized)(void *arg); /* the disk has another size */
    void (*lost)(void *arg);    /* a flush has failed for the first time; the journal knows it already */
    void *arg;
};

struct serve *serve_new(const struct serve_config *config);
void serve_free(struct serve *s); /* not connected; its handles are closed when the loop has turned */

struct serve_ring {
    enum blkif_abi abi;
    unsigned n_pages;
    uint32_t refs[RING_PAGES_MAX];
    uint32_t port;
};
/* Maps, binds and goes on where the ring was left; what a dead worker had under way is done again. 0, or an
 * error, and *ret_what is what failed. */
int serve_connect(struct serve *s, const struct serve_ring *ring, const char **ret_what);

/* Takes no more requests; those under way are answered, then ended() is called. */
void serve_disconnect(struct serve *s);

/* Looks at the disk's size now; resized() comes if it is new. */
void serve_look_at_size(struct serve *s);

#endif
