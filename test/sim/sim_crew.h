/* SPDX-License-Identifier: MIT */
/* A simulated worker, and whoever supervises it: what controller/processes/workers.h promises. Its answers,
 * and what befalls it, are moves that whoever drives the simulation makes. Values only. */
#ifndef XENRECON_SIM_CREW_H
#define XENRECON_SIM_CREW_H

#include "reconcilers/worker.h"

struct crew {
    enum worker_state state; /* of the one that is wanted, whether it has said so or not */
    uint64_t incarnation, ring, refused;
    uint64_t keys;             /* hash of what it was told of the ring */
    uint64_t until;            /* dead: not started again before */
    char mode;                 /* that it was started with */
    bool known;                /* it has told this controller how it stands */
    bool doomed;               /* it was told to end by a controller that has died since */
    bool found, asked;         /* by a controller that has (not) asked for it yet */
    int size, told;            /* what there is to be published, and what it has said; 0: nothing */
    bool ending, ending_holds; /* a process that is not wanted any more; a new one waits for its end */
    uint64_t ending_incarnation;
    bool news; /* the engine is to be told */
};

enum crew_move {
    CREW_ENDS,      /* the one that is not wanted any more */
    CREW_ANSWERS,   /* what it was told is done */
    CREW_ANNOUNCES, /* says anew how it stands */
    CREW_PUBLISHES, /* says what has become of it */
    CREW_MUST,      /* those above happen sooner or later; these may: */
    CREW_REFUSES = CREW_MUST,
    CREW_DIES,
    CREW_LOST, /* its connection to the controller is */
    CREW_GROWS,
    CREW_MOVES,
};

bool crew_lives(const struct crew *c); /* is there a process that serves this device? */
bool crew_holds(const struct crew *c); /* has any process the guest's ring? */
bool crew_runs(const struct crew *c);  /* is there any process? */

/* As the controller sees it. */
struct worker crew_look(struct crew *c);
/* NULL, or what was wrong with it. */
const char *crew_task(struct crew *c, const struct action *a);
/* False: it cannot happen now. */
bool crew_moves(struct crew *c, enum crew_move move, uint64_t now);
void crew_found(struct crew *c); /* the controller is gone, and a new one finds what there is */
void crew_sweep(struct crew *c);

#endif
