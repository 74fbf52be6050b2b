/* SPDX-License-Identifier: MIT */
/* The devices that want to be looked at some time, the earliest first: a binary heap. It points to entries of
 * the device table, and knows each one's place in it. */
#ifndef XENRECON_WAITING_H
#define XENRECON_WAITING_H

#include <stddef.h>
#include <stdint.h>

struct device;
struct waiting {
    struct device **heap;
    size_t n, cap;
};

/* When it wants to be looked at, as its `due` and `held` say; 0: never. */
uint64_t device_time(const struct device *d);

/* After a change of its times: takes it in, moves it, or lets it go. */
void waiting_update(struct waiting *w, struct device *d);
struct device *waiting_first(const struct waiting *w); /* NULL: nobody waits */
void waiting_finish(struct waiting *w);

#endif
