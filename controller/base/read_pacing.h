/* SPDX-License-Identifier: MIT */
/* How fast to read from the store. What is slow is not reading but waiting: each message wakes us, and that
 * takes longer than making the message. So after a read some time passes in which further answers come, or
 * further events of the same transaction. Guests can cause events as fast as the store makes them. While they
 * go on, the pauses grow.
 *
 * Pure: reads no clock, and nothing fails. Times are microseconds. */
#ifndef XENRECON_READ_PACING_H
#define XENRECON_READ_PACING_H

#include <stdint.h>

enum {
    PACING_ANSWER = 2, /* for each answer that is outstanding: a quarter of what the store takes for one, so
                          that the store never runs out of requests before we send more */
    PACING_FEW = 8,    /* for so few answers there is no pause */
    PACING_ANSWERS = 1000, /* at most, for all answers */
    PACING_EVENTS = 200,   /* after a read that brought only events */
    PACING_FLOOD = 3000,   /* what that grows to in a flood that lasts */
    PACING_CALM = 2000,    /* events further apart are no flood */
};

/* Begins as zeroes. */
struct read_pacing {
    uint64_t last;   /* when a read brought only events last */
    unsigned events; /* how many came since then, also with answers */
    unsigned pause;  /* the pause after that read; 0: there was none yet */
};

/* To be called after each read, with what it has brought and how many answers are outstanding. Returns how
 * long to pause; may be 0. */
unsigned read_pacing_read(struct read_pacing *p, uint64_t now, unsigned events, unsigned answers,
                          unsigned outstanding);

/* What is left of a pause when a new request is sent. */
unsigned read_pacing_ask(unsigned pause);

#endif
