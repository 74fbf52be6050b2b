/* SPDX-License-Identifier: MIT */
/* A worker may not write to a file beyond its end, nor take that limit back: who takes it over would. But
 * files are made longer. So a process of its own, which nothing of the guest's reaches, is told when that may
 * have been, looks, and has the limit follow the file's size: the one thing it can do. It ends with the
 * worker. Errors are negative errno. */
#ifndef XENRECON_BLOCK_KEEPER_H
#define XENRECON_BLOCK_KEEPER_H

#include <stdint.h>

/* What a process was started with, which is what it is called. */
struct words {
    int n;
    char **list;
};

/* When all rights but those of a plain user were given up, and before there are threads. The limit holds when
 * it returns. `changes` may be -1. *ret_keeper is readable when there is something for keeper_read(). */
int keeper_start(int file, int changes, const struct words *words, uint64_t size, int *ret_keeper);

/* Has it look. */
void keeper_ask(int keeper);
/* What the file's end is, and the limit now. -EAGAIN: nothing new; any other: there is no keeper any more. */
int keeper_read(int keeper, uint64_t *ret_size);

#endif
