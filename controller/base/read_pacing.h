/* SPDX-License-Identifier: MIT */
/* How fast to read from the store. What costs it, and us, is not what we read but that we wait for it: each
 * message then wakes us, which takes longer than to make it. So after a read we let some time pass in which
 * the rest of what is coming comes: the other answers, or the other events of a transaction. Guests can cause
 * events as fast as the store makes them; where they do not end, the pauses grow. Pure; times are
 * microseconds. */
#ifndef XENRECON_READ_PACING_H
#define XENRECON_READ_PACING_H

#include <stdint.h>

enum {
    PACING_ANSWER = 2,     /* for each answer that is outstanding: a quarter of what the store takes for one,
                            so that it never runs out of requests before we come with more */
    PACING_FEW = 8,        /* no more of them are worth a pause */
    PACING_ANSWERS = 1000, /* for all of them, at most */
    PACING_EVENTS = 200,   /* after mere events */
    PACING_FLOOD = 3000,   /* where that goes when the flood lasts */
    PACING_CALM = 2000,    /* events further apart are no flood */
};

/* Zeroes to begin. */
struct read_pacing {
    uint64_t last;   /* the last read that brought mere events */
    unsigned events; /* since then, those that came with answers, too */
    unsigned pause;  /* after it; 0: none yet */
};

/* After each read: what it brought, and how many answers are still to come. How long to pause; may be 0. */
unsigned read_pacing_read(struct read_pacing *p, uint64_t now, unsigned events, unsigned answers,
                          unsigned outstanding);

/* The pause that is enough when somebody begins to wait for an answer. */
unsigned read_pacing_ask(unsigned pause);

#endif
