/* SPDX-License-Identifier: MIT */
/* The worker in a world of test/lib/world.h, and whoever supervises it: what controller/processes/workers.h
 * promises, as values. Header only. A worker's answers are moves of its own; so is what befalls it. */
#ifndef XENRECON_TEST_CREW_H
#define XENRECON_TEST_CREW_H

#include "reconcilers/data_plane.h"
#include "test/lib/plan_check.h"

static const char *const rings[] = {NULL, RING_A, RING_B};
static uint64_t ring_hashes[3];

static inline void rings_hash(void)
{
    for (int i = 1; i <= 2; i++)
        ring_hashes[i] = scene_ring(rings[i]);
}

static inline int ring_number(uint64_t hash)
{
    int ring = 2;
    while (ring && hash != ring_hashes[ring])
        ring--;
    return ring;
}

/* Of directories: small numbers here, so that worlds can be counted. */
static inline uint64_t incarnation_value(int number)
{
    return (uint64_t)number * 0x1111;
}

static inline int incarnation_number(uint64_t value)
{
    require(value % 0x1111 == 0 && value / 0x1111 < 8, "an incarnation that nobody made");
    return (int)(value / 0x1111);
}

struct crew {
    enum worker_state state; /* of the worker that is wanted, whether it has said so or not */
    int incarnation, ring, refused;
    bool readonly; /* the mode that it was started with */
    bool known;    /* it has told this controller how it stands */
    bool doomed;   /* it was told to end by a controller that has died since */
    int told;      /* what it has said to be published; 0: nothing */
    int size;      /* what there is to be published */
    bool found;    /* by a controller that has not asked for it yet */
    /* the process of a worker that is not wanted any more, until it has ended: a new one waits for that */
    bool ending, ending_holds;
    int ending_incarnation;
    int mishaps; /* that may still befall it, or the controller */
};

/* Is there a process that may still serve this device? */
static inline bool crew_lives(const struct crew *c)
{
    return c->state >= WORKER_STARTING && c->state <= WORKER_DISCONNECTING && !c->ending;
}

/* Does any process have the guest's ring? */
static inline bool crew_holds(const struct crew *c)
{
    return c->ending_holds || (c->state >= WORKER_CONNECTING && c->state <= WORKER_DISCONNECTING);
}

/* ---- as the controller sees it ---- */

static const struct published crew_publishes[] = {{"sectors", "100"}, {"sectors", "200"}};

static inline struct worker crew_facts(const struct crew *c)
{
    bool said = c->known || c->state == WORKER_NONE || c->state == WORKER_DEAD;
    struct worker w = {.state = said ? c->state : WORKER_STARTING,
                       .incarnation = incarnation_value(c->incarnation)};
    if (w.state == WORKER_CONNECTING || w.state == WORKER_CONNECTED)
        w.ring = ring_hashes[c->ring];
    w.refused = ring_hashes[c->refused];
    w.failures = w.state == WORKER_DEAD;
    w.ending = c->ending;
    w.said = w.state == WORKER_DEAD ? "ended by signal 9" : c->refused ? "cannot map the ring" : NULL;
    w.published = c->told ? &crew_publishes[c->told - 1] : NULL;
    w.n_published = c->told != 0;
    return w;
}

/* ---- what it is told ---- */

static inline void crew_end(struct crew *c)
{
    if (crew_lives(c)) {
        c->ending = true;
        c->ending_holds = c->doomed ? c->ending_holds : crew_holds(c);
        c->ending_incarnation = c->incarnation;
    }
    c->state = WORKER_NONE;
    c->doomed = c->known = false;
}

static inline void crew_stop(struct crew *c)
{
    crew_end(c);
    c->incarnation = c->ring = c->refused = c->told = 0;
    c->readonly = c->found = false;
}

static inline void crew_start(struct crew *c, const struct action *a)
{
    int incarnation = incarnation_number(a->incarnation);
    bool same = c->incarnation == incarnation && c->state != WORKER_NONE;
    require(!(same && crew_lives(c)), "a second worker for the same device");
    require(!strcmp(a->argv[0], "/w") && a->argv[1] && strlen(a->argv[1]) == 1 && !a->argv[2], "other words");
    crew_end(c);
    c->told = same ? c->told : 0;
    c->ring = c->refused = 0;
    c->state = WORKER_STARTING;
    c->incarnation = incarnation;
    c->readonly = a->argv[1][0] == 'r';
    c->found = false;
}

/* What is asked of one that is not as who asked believed is not done. */
static inline void crew_task(struct crew *c, const struct action *a)
{
    switch (a->task) {
    case TASK_START:
        crew_start(c, a);
        break;
    case TASK_CONNECT:
        if (!c->known || c->state != WORKER_READY)
            break;
        c->state = WORKER_CONNECTING;
        c->ring = ring_number(a->ring);
        c->refused = 0;
        break;
    case TASK_DISCONNECT:
        if (c->known && (c->state == WORKER_CONNECTING || c->state == WORKER_CONNECTED))
            c->state = WORKER_DISCONNECTING;
        break;
    case TASK_STOP:
        crew_stop(c);
        break;
    case TASK_NONE:
    case TASK_SCRIPT:
        break;
    }
}

/* ---- what happens by itself ---- */

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

static const char *const crew_move_names[] = {
    "the old worker ends",    "the worker answers", "it announces itself",
    "it publishes",           "it refuses",         "it dies",
    "its connection is lost", "its disk grows"};

static inline bool crew_answers(struct crew *c)
{
    if (!crew_lives(c) || c->doomed)
        return false;
    switch (c->state) {
    case WORKER_STARTING:
        c->known = true;
        c->told = c->size;
        c->state = WORKER_READY;
        return true;
    case WORKER_CONNECTING:
        c->state = WORKER_CONNECTED;
        return true;
    case WORKER_DISCONNECTING:
        c->state = WORKER_READY;
        c->ring = 0;
        return true;
    case WORKER_NONE:
    case WORKER_READY:
    case WORKER_CONNECTED:
    case WORKER_DEAD:
        break;
    }
    return false;
}

/* To connect, or to go on. */
static inline bool crew_refuses(struct crew *c)
{
    if (!c->mishaps || (c->state != WORKER_CONNECTING && c->state != WORKER_CONNECTED))
        return false;
    c->mishaps--;
    c->state = WORKER_READY;
    c->refused = c->known ? c->ring : 0;
    c->ring = 0;
    return true;
}

static inline bool crew_dies(struct crew *c)
{
    if (!crew_lives(c) || (!c->mishaps && !c->doomed))
        return false;
    c->mishaps -= !c->doomed;
    c->state = WORKER_DEAD;
    c->ring = 0;
    c->known = c->doomed = c->ending_holds = false;
    return true;
}

/* False: it cannot happen now. */
static inline bool crew_moves(struct crew *c, enum crew_move move)
{
    bool settled = c->state == WORKER_READY || c->state == WORKER_CONNECTED;
    switch (move) {
    case CREW_ENDS:
        if (c->doomed)
            return crew_dies(c);
        if (!c->ending)
            return false;
        c->ending = c->ending_holds = false;
        c->ending_incarnation = 0;
        return true;
    case CREW_ANSWERS:
        return crew_answers(c);
    case CREW_ANNOUNCES:
        if (c->known || !settled)
            return false;
        c->known = true;
        c->told = c->size;
        return true;
    case CREW_PUBLISHES:
        if (!c->known || c->told == c->size)
            return false;
        c->told = c->size;
        return true;
    case CREW_REFUSES:
        return crew_refuses(c);
    case CREW_DIES:
        return !c->doomed && crew_dies(c);
    case CREW_LOST:
        if (!c->mishaps || !c->known)
            return false;
        c->mishaps--;
        c->known = false;
        return true;
    case CREW_GROWS:
        return c->size++ == 1;
    case CREW_MOVES:
        break;
    }
    return false;
}

/* The controller is gone, and a new one finds what there is. */
static inline void crew_found(struct crew *c)
{
    if (c->ending) {
        c->incarnation = c->ending_incarnation;
        c->state = WORKER_STARTING;
        c->doomed = true;
        c->ending = false;
        c->ending_incarnation = 0;
    }
    c->known = false;
    c->told = c->refused = 0;
    c->found = c->state != WORKER_NONE;
}

#endif
