/* SPDX-License-Identifier: MIT */
/* The requests of one ring: taken out of it and saved, done by an engine, answered in the order in which they
 * are done. What a worker before us left under way is done again, and what it had answered is put again.
 *
 * On the loop's thread, and knows nothing of the loop. Owns the slots and the data memory; all that it is
 * configured with is the caller's, and outlives it. */
#ifndef XENRECON_BLOCK_WORK_H
#define XENRECON_BLOCK_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "reconcilers/block/blkif.h"

struct disk;
struct engine;
struct guest;
struct journal;
struct work;

struct work_config {
    const struct disk *disk;
    struct engine *engine;
    struct guest *guest;
    struct journal *journal;
    void (*progressed)(void *arg); /* the engine has done something: batch() or answer() is due */
    void (*lost)(void *arg);       /* a flush has failed: the journal knows it already */
    void *arg;
};

struct work *work_new(const struct work_config *config);
void work_free(struct work *w); /* no ring, nothing under way */

/* Takes up a ring, and what is left of its requests. */
void work_begin(struct work *w, void *pages, unsigned n_pages, enum blkif_abi abi);
/* In good order: nothing is under way, and what waits is dropped. */
void work_end(struct work *w);

/* Takes what there is to take, and begins it: 1, or 0 if there was nothing; -EPROTO: the ring is broken. Then
 * answer(). */
int work_batch(struct work *w);
/* Answers what is done. True: the guest wants to be notified. */
bool work_answer(struct work *w);

/* Nothing more to do before the engine or the guest has done something; it is asked to notify us. */
bool work_sleeps(struct work *w);
unsigned work_under_way(const struct work *w);
/* How many requests were ever taken, of this ring. */
uint32_t work_taken(const struct work *w);
/* Gives unused memory back. True: some is in use still. */
bool work_trim(struct work *w);

#endif
