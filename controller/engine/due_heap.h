/* SPDX-License-Identifier: MIT */
/* The devices that are to be reconciled at some time, the earliest first: a binary heap. It points to entries
 * of the device table, which know their place in it. Owns its array only. One thread. Times are milliseconds
 * of the engine's clock. */
#ifndef XENRECON_DUE_HEAP_H
#define XENRECON_DUE_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct device;
struct due_heap {
    struct device **heap;
    size_t n, cap;
};

/* The earlier of the device's `due` and `held`; 0: neither is set. */
uint64_t due_heap_time(const struct device *d);

/* To be called after `due` or `held` has changed: adds the device, moves it, or takes it out. */
void due_heap_update(struct due_heap *h, struct device *d);
struct device *due_heap_first(const struct due_heap *h); /* NULL: it is empty */
void due_heap_finish(struct due_heap *h);

#endif
