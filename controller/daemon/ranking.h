/* SPDX-License-Identifier: MIT */
/* Who holds how much of what is bounded, and who the most: a heap, of which owners are entries by a member of
 * theirs. Who holds nothing is not in it. Owns its array, which is freed when nobody is left. One thread;
 * nothing here fails. */
#ifndef XENRECON_RANKING_H
#define XENRECON_RANKING_H

#include <stddef.h>

struct holder {
    size_t bytes;
    size_t place; /* in the heap, from 1; 0: not in it */
};

struct ranking {
    struct holder **heap;
    size_t n, cap;
};

/* What this one holds from now on. */
void ranking_set(struct ranking *r, struct holder *holder, size_t bytes);
/* Who holds the most; NULL: nobody holds anything. */
struct holder *ranking_first(const struct ranking *r);

#endif
