/* SPDX-License-Identifier: MIT */
/* Threads that do work which waits, and a queue before them. All of them are there from the beginning, as no
 * more can be made once the process is locked in.
 *
 * pool_add() and done() on the loop's thread; work() on any of the pool's, several at a time. */
#ifndef XENRECON_BLOCK_POOL_H
#define XENRECON_BLOCK_POOL_H

#include <stdbool.h>

struct uv_loop_s;
struct io;
struct pool;

struct pool_config {
    struct uv_loop_s *loop;
    unsigned n_threads;
    bool batches;                           /* a thread takes all there is, not one at a time */
    void (*work)(void *arg, struct io *io); /* sets its error */
    void (*done)(void *arg, struct io *io);
    void *arg;
};

/* Fewer threads, where the system gives no more; none at all is an error. */
int pool_new(const struct pool_config *config, struct pool **ret_pool);
void pool_free(struct pool *p); /* when nothing is in it; its handle is closed when the loop has turned */

void pool_add(struct pool *p, struct io *io);
void pool_start(struct pool *p); /* wakes threads for what was added */

#endif
