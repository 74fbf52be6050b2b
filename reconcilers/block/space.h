/* SPDX-License-Identifier: MIT */
/* Memory for the data of requests under way. As they end in the order in which they began, it is handed out
 * around a ring: whole pages, each piece in one stretch. When nothing is under way it begins at the front
 * again, so that a quiet disk keeps using the same few pages.
 *
 * Bounded: what does not fit waits in the guest's ring. Owns its mapping. One thread. */
#ifndef XENRECON_BLOCK_SPACE_H
#define XENRECON_BLOCK_SPACE_H

#include <stdbool.h>
#include <stddef.h>

struct space {
    char *base;
    size_t size;
    size_t next; /* offset of the next piece */
    size_t used;
    bool touched; /* since it was given back */
};

void space_init(struct space *s, size_t size); /* address space only; a multiple of a page */
void space_finish(struct space *s);

/* NULL: it does not fit now. *held grows by what the piece takes, which is more than its length. */
void *space_take(struct space *s, size_t len, size_t *held);
void space_undo(struct space *s, size_t held);   /* the last that were taken */
void space_return(struct space *s, size_t held); /* the first that were taken */

/* Gives the pages back to the system when none are in use. */
void space_trim(struct space *s);

#endif
