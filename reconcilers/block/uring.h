/* SPDX-License-Identifier: MIT */
/* A ring of io_uring for one file: reads, writes and data syncs, and nothing else, ever.
 *
 * What is done through a ring passes no filter of system calls. So it is made before the process is locked
 * in, and the kernel is told, for good, which operations it may be asked for, and on which file; after that
 * only io_uring_enter() is needed. Owns the ring. One thread, the loop's. Errors are negative errno. */
#ifndef XENRECON_BLOCK_URING_H
#define XENRECON_BLOCK_URING_H

#include <stdbool.h>

struct uv_loop_s;
struct io;
struct uring;

struct uring_config {
    struct uv_loop_s *loop;
    void (*done)(void *arg, struct io *io);
    void *arg;
};

/* An error: this kernel has none, or allows none, or cannot restrict it. */
int uring_open(int file, unsigned n_entries, struct uring **ret_uring);
/* When there is a loop. */
void uring_begin(struct uring *u, const struct uring_config *config);
void uring_close(struct uring *u); /* when nothing is in it; its handle is closed when the loop has turned */

int uring_fd(const struct uring *u);

/* Not a discard. What is left of it after `progress`. */
void uring_add(struct uring *u, struct io *io);
/* Hands the kernel what was added, and takes in what is done. `alone`: as in engine.h; it is waited for a
 * moment where that has been worth it, which saves a turn of the loop. */
void uring_start(struct uring *u, bool alone);

#endif
