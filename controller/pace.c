/* SPDX-License-Identifier: MIT */
#include "controller/pace.h"

enum {
    PAUSES_PER_STEP = 16, /* the pause grows by a millisecond after so many */
    PAUSES_MAX = (PACE_LONG - PACE_SHORT) * PAUSES_PER_STEP,
    FLOOD_INTERVAL = PACE_WINDOW / PACE_READS, /* events further apart are no flood */
};

/* Between pauses the reads are as rare as we make them: the number of events tells whether the flood is over.
 */
static bool calm(const struct pace *p, uint64_t now)
{
    return (uint64_t)p->events * FLOOD_INTERVAL < now - p->last;
}

static bool free_of_charge(struct pace *p, uint64_t now)
{
    if (now - p->window >= PACE_WINDOW) {
        p->window = now;
        p->reads = 0;
    }
    return ++p->reads <= PACE_READS;
}

unsigned pace_read(struct pace *p, uint64_t now, unsigned events, bool answers, bool outstanding)
{
    p->events += events;
    if (answers || !events) /* the store writes a message in pieces: there may be neither */
        return 0;
    if (p->pauses && calm(p, now))
        *p = (struct pace){.window = now};
    p->last = now;
    p->events = 0;
    if (!p->pauses && free_of_charge(p, now))
        return 0;
    unsigned pause = PACE_SHORT + p->pauses / PAUSES_PER_STEP;
    if (p->pauses < PAUSES_MAX)
        p->pauses++;
    return outstanding ? PACE_SHORT : pause;
}
