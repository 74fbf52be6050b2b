/* SPDX-License-Identifier: MIT */
/* A heap of which copies can be made, and brought back: so that a whole world, the engine in it, is as it was
 * at an earlier moment. The linker leads what our objects allocate here (--wrap); libraries are not
 * concerned. One thread. */
#ifndef XENRECON_SIM_HEAP_H
#define XENRECON_SIM_HEAP_H

#include <stdbool.h>
#include <stddef.h>

/* From now on memory comes from it, or not any more. What comes from it goes back to it in any case. */
void sim_heap_use(bool use);
void sim_heap_reset(void);  /* nothing is in it */
size_t sim_heap_live(void); /* pieces that were not freed yet */

struct sim_image {
    char *bytes;
    size_t len, cap;
};
void sim_heap_save(struct sim_image *to);
void sim_heap_restore(const struct sim_image *from);

#endif
