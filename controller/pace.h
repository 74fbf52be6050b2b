/* SPDX-License-Identifier: MIT */
/* How fast to read from the store. Guests can cause watch events as fast as the store makes them; reading
 * each at once would cost us nearly as much as it costs the store. So a reader that gets events and nothing
 * it asked for pauses between reads, and a burst of them then comes in one read. Pure; times are
 * milliseconds. */
#ifndef XENRECON_PACE_H
#define XENRECON_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    PACE_WINDOW = 100, /* in such a time */
    PACE_READS = 50,   /* so many reads of mere events are free */
    PACE_SHORT = 2,    /* the pause then, and always while an answer is outstanding */
    PACE_LONG = 10,    /* where it goes when the flood lasts */
};

/* Zeroes to begin. */
struct pace {
    uint64_t window; /* when it began */
    uint64_t last;   /* the last read that counted */
    unsigned reads;  /* of mere events in the window */
    unsigned events; /* since `last`, those that came with answers, too */
    unsigned pauses; /* on end; 0: not in a flood */
};

/* After each read: how many events it brought, and whether answers, too. How long to pause, mostly 0. */
unsigned pace_read(struct pace *p, uint64_t now, unsigned events, bool answers, bool outstanding);

#endif
