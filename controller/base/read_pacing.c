/* SPDX-License-Identifier: MIT */
#include "controller/base/read_pacing.h"

#include <stdbool.h>

enum { GROWTH = 16 }; /* the pause grows by this part of itself: within 40 ms to its longest */

/* The pauses make reads rare, so the number of events tells whether the flood is over. */
static bool calm(const struct read_pacing *p, uint64_t now)
{
    return (uint64_t)p->events * PACING_CALM < now - p->last;
}

static unsigned for_answers(unsigned outstanding)
{
    unsigned pause = outstanding * PACING_ANSWER;
    return pause < PACING_ANSWERS ? pause : PACING_ANSWERS;
}

static unsigned for_events(struct read_pacing *p, uint64_t now)
{
    if (!p->pause || calm(p, now))
        p->pause = PACING_EVENTS;
    else
        p->pause += p->pause / GROWTH;
    if (p->pause > PACING_FLOOD)
        p->pause = PACING_FLOOD;
    p->last = now;
    p->events = 0;
    return p->pause;
}

unsigned read_pacing_read(struct read_pacing *p, uint64_t now, unsigned events, unsigned answers,
                          unsigned outstanding)
{
    p->events += events;
    if (outstanding > PACING_FEW)
        return for_answers(outstanding);
    if (answers || !events) /* a message comes in pieces: a read may bring neither */
        return 0;
    unsigned pause = for_events(p, now);
    return outstanding ? read_pacing_ask(pause) : pause;
}

unsigned read_pacing_ask(unsigned pause)
{
    return pause < PACING_EVENTS ? pause : PACING_EVENTS;
}
