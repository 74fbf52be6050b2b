/* SPDX-License-Identifier: MIT */
/* Memory for the data of requests under way: whole pages, each piece in one stretch. Pieces end in any order;
 * a new one goes to the lowest place where it fits, so that a quiet disk keeps using the same few pages.
 *
 * Bounded: what does not fit waits. One thread. */
#ifndef XENRECON_BLOCK_SPACE_H
#define XENRECON_BLOCK_SPACE_H

#include <stdbool.h>
#include <stddef.h>

struct space {
    char *base;
    bool shared;         /* it is somebody else's, and others see it, too */
    unsigned char *used; /* 1 for each page that is in use */
    size_t n_pages;
    size_t first_free; /* pages before it are in use … */
    size_t touched;    /* … and pages from this one on were not written to since they were given back */
};

/* A multiple of a page. In `base`, a mapping that is shared, and the caller's; NULL: address space of its
 * own. */
void space_init(struct space *s, void *base, size_t size);
void space_finish(struct space *s);

/* NULL: it does not fit now. Not for a length of 0. */
void *space_take(struct space *s, size_t len);
void space_return(struct space *s, void *piece, size_t len);

/* Gives the system back what is behind the last page in use. True: some is in use still. */
bool space_trim(struct space *s);

#endif
