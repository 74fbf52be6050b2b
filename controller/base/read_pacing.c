/* SPDX-License-Identifier: MIT */
#include "controller/base/read_pacing.h"

#include <stdbool.h>

enum { GROWTH = 16 }; /* the pause grows by such a part of itself: in 40 ms to its longest */

/* Between pauses the reads are as rare as we make them: the number of events tells whether the flood is over.
 */
static bool calm(const struct pace *p, uint64_t now)
{
    return (uint64_t)p->events * PACE_CALM < now - p->last;
}

static unsigned for_answers(unsigned outstanding)
{
    unsigned pause = outstanding * PACE_ANSWER;
    return pause < PACE_ANSWERS ? pause : PACE_ANSWERS;
}

static unsigned for_events(struct pace *p, uint64_t now)
{
    if (!p->pause || calm(p, now))
        p->pause = PACE_EVENTS;
    else
        p->pause += p->pause / GROWTH;
    if (p->pause > PACE_FLOOD)
        p->pause = PACE_FLOOD;
    p->last = now;
    p->events = 0;
    return p->pause;
}

unsigned pace_read(struct pace *p, uint64_t now, unsigned events, unsigned answers, unsigned outstanding)
{
    p->events += events;
    if (outstanding > PACE_FEW)
        return for_answers(outstanding);
    if (answers || !events) /* the store writes a message in pieces: there may be neither */
        return 0;
    unsigned pause = for_events(p, now);
    return outstanding ? pace_ask(pause) : pause;
}

unsigned pace_ask(unsigned pause)
{
    return pause < PACE_EVENTS ? pause : PACE_EVENTS;
}
