/* SPDX-License-Identifier: MIT */
/* The engine of a raw file or block device. What the page cache has is had at once; what has to wait goes
 * through io_uring, or where the kernel has none for us, to threads. Buffered writes, which io_uring would do
 * one after another on threads of its own, are gathered for one thread of ours, unless they are quick;
 * discards, for which it has no operation, go to two.
 *
 * Made in two steps, as all threads must be there, and the ring restricted, before the process is locked in.
 */
#ifndef XENRECON_BLOCK_RAW_H
#define XENRECON_BLOCK_RAW_H

struct uv_loop_s;
struct disk;
struct engine;
struct raw;

/* The disk is the caller's, and outlives it. Before the loop is made. `threads`: without io_uring. */
struct raw *raw_open(struct disk *disk);
/* 0, or a negative errno: there can be no threads. */
int raw_begin(struct raw *r, struct uv_loop_s *loop);
void raw_close(struct raw *r); /* nothing is under way; gone when the loop has turned */

struct engine *raw_engine(struct raw *r);
int raw_ring(const struct raw *r); /* the descriptor that io_uring_enter() is needed for; -1: none */

#endif
