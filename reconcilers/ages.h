/* SPDX-License-Identifier: MIT */
/* Ages: what of a device's memory outlives the daemon, and whether it is still the same device. One with a
 * marker is known by its incarnation, whatever has become of it meanwhile. One without is known by the values
 * that make it what it is, and by both ends, which must be as they were: it may have been made again while
 * nobody looked.
 *
 * Times are milliseconds of decide()'s clock. Pure; values only. */
#ifndef XENRECON_AGES_H
#define XENRECON_AGES_H

#include "reconcilers/decide.h"
#include "reconcilers/ends.h"

enum { AGES_SAID_MAX = 160 /* bytes of what a script has said last */ };

struct ages {
    struct device_key key;
    bool marked;
    uint64_t identity; /* the incarnation, or a hash of the values; 0: it cannot be told */
    struct ends ends;
    struct memory memory;         /* what is kept of it; without pointers */
    char said[AGES_SAID_MAX + 1]; /* by the script that failed last; empty: nothing */
};

/* False: there is nothing to be kept, or nobody can tell which device it is. */
bool ages_of(const struct view *v, const struct memory *m, struct ages *ret);
/* Can it be told which device it is? */
bool ages_known(const struct view *v);

/* Puts into the memory of a device that is about to be decided for the first time what was kept of it.
 * `in->memory` is not looked at. False: it is another device, and nothing was put in. */
bool ages_apply(const struct ages *a, const struct decision_input *in, struct memory *m);

#endif
