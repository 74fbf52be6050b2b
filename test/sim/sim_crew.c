/* SPDX-License-Identifier: MIT */
#include "test/sim/sim_crew.h"

#include <string.h>

#include "schemas/value.h"

bool crew_lives(const struct crew *c)
{
    return c->state >= WORKER_STARTING && c->state <= WORKER_DISCONNECTING && !c->ending;
}

bool crew_holds(const struct crew *c)
{
    return c->ending_holds ||
           (!c->ending && c->state >= WORKER_CONNECTING && c->state <= WORKER_DISCONNECTING);
}

bool crew_runs(const struct crew *c)
{
    return c->ending || crew_lives(c);
}

struct worker crew_look(struct crew *c)
{
    static const struct published publishes[] = {{"sectors", "100"}, {"sectors", "200"}};
    bool said = c->known || c->state == WORKER_NONE || c->state == WORKER_DEAD;
    struct worker w = {.state = said ? c->state : WORKER_STARTING, .incarnation = c->incarnation};
    c->asked = true;
    if (w.state == WORKER_CONNECTING || w.state == WORKER_CONNECTED)
        w.ring = c->ring;
    w.refused = c->refused;
    w.failures = w.state == WORKER_DEAD;
    w.until = w.failures ? c->until : 0;
    w.ending = c->ending;
    w.said = w.failures ? "ended by signal 9" : c->refused ? "cannot map the ring" : NULL;
    w.published = c->told ? &publishes[c->told - 1] : NULL;
    w.n_published = c->told != 0;
    return w;
}

/* ---- what it is told ---- */

static void end(struct crew *c)
{
    if (crew_lives(c)) {
        c->ending_holds = c->doomed ? c->ending_holds : crew_holds(c);
        c->ending = true;
        c->ending_incarnation = c->incarnation;
    }
    c->state = WORKER_NONE;
    c->doomed = c->known = false;
}

static void stop(struct crew *c)
{
    end(c);
    c->incarnation = c->ring = c->refused = c->keys = 0;
    c->told = 0;
    c->mode = 0;
    c->found = false;
}

static const char *start(struct crew *c, const struct action *a)
{
    bool same = c->incarnation == a->incarnation && c->state != WORKER_NONE;
    if (same && crew_lives(c))
        return "a second worker for the same device";
    if (strcmp(a->argv[0], "/w") != 0 || !a->argv[1] || strlen(a->argv[1]) != 1 || a->argv[2])
        return "a worker is started with other words";
    end(c);
    c->told = same ? c->told : 0;
    c->ring = c->refused = c->keys = 0;
    c->state = WORKER_STARTING;
    c->incarnation = a->incarnation;
    c->mode = a->argv[1][0];
    c->found = false;
    c->news = true;
    return NULL;
}

static uint64_t hash_of(const struct action *a)
{
    uint64_t h = HASH_INIT;
    for (size_t i = 0; i < a->n_keys; i++) {
        h = hash_bytes(h, a->keys[i].key, strlen(a->keys[i].key) + 1);
        h = hash_bytes(h, a->keys[i].value, strlen(a->keys[i].value) + 1);
    }
    return h;
}

/* What is asked of one that is not as who asked believed is not done. */
const char *crew_task(struct crew *c, const struct action *a)
{
    switch (a->task) {
    case TASK_START:
        return start(c, a);
    case TASK_CONNECT:
        if (!c->known || c->state != WORKER_READY)
            break;
        c->state = WORKER_CONNECTING;
        c->ring = a->ring;
        c->keys = hash_of(a);
        c->refused = 0;
        break;
    case TASK_DISCONNECT:
        if (c->known && (c->state == WORKER_CONNECTING || c->state == WORKER_CONNECTED))
            c->state = WORKER_DISCONNECTING;
        break;
    case TASK_STOP:
        stop(c);
        break;
    case TASK_NONE:
    case TASK_SCRIPT:
        break;
    }
    return NULL;
}

/* ---- what happens by itself ---- */

static bool answers(struct crew *c)
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
static bool refuses(struct crew *c)
{
    if (c->state != WORKER_CONNECTING && c->state != WORKER_CONNECTED)
        return false;
    c->state = WORKER_READY;
    c->refused = c->known ? c->ring : 0;
    c->ring = 0;
    return true;
}

static bool dies(struct crew *c, uint64_t now)
{
    if (!crew_lives(c))
        return false;
    c->state = WORKER_DEAD;
    c->until = now + 100;
    c->ring = 0;
    c->known = c->doomed = c->ending_holds = false;
    return true;
}

static bool ends(struct crew *c, uint64_t now)
{
    if (c->doomed && c->found && !c->asked) {
        stop(c);
        c->ending = c->ending_holds = false;
        c->ending_incarnation = 0;
        return true;
    }
    if (c->doomed)
        return dies(c, now);
    if (!c->ending)
        return false;
    c->ending = c->ending_holds = false;
    c->ending_incarnation = 0;
    return true;
}

static bool announces(struct crew *c, bool may)
{
    if (!may)
        return false;
    c->known = true;
    c->told = c->size;
    return true;
}

static bool moves(struct crew *c, enum crew_move move, uint64_t now)
{
    bool settled = c->state == WORKER_READY || c->state == WORKER_CONNECTED;
    switch (move) {
    case CREW_ENDS:
        return ends(c, now);
    case CREW_ANSWERS:
        return answers(c);
    case CREW_ANNOUNCES:
        return announces(c, !c->known && settled);
    case CREW_PUBLISHES:
        return announces(c, c->known && c->told != c->size);
    case CREW_REFUSES:
        return refuses(c);
    case CREW_DIES:
        return !c->doomed && dies(c, now);
    case CREW_LOST:
        if (!c->known)
            return false;
        c->known = false;
        return true;
    case CREW_GROWS:
        return c->size++ == 1;
    case CREW_MOVES:
        break;
    }
    return false;
}

bool crew_moves(struct crew *c, enum crew_move move, uint64_t now)
{
    if (move == CREW_GROWS && c->size != 1)
        return false;
    if (!moves(c, move, now))
        return false;
    c->news |= move != CREW_GROWS;
    return true;
}

void crew_found(struct crew *c)
{
    if (c->ending) {
        c->incarnation = c->ending_incarnation;
        c->state = WORKER_STARTING;
        c->doomed = true;
        c->ending = false;
        c->ending_incarnation = 0;
    }
    c->known = c->asked = c->news = false;
    c->told = 0;
    c->refused = 0;
    c->found = c->state != WORKER_NONE;
}

/* It is seen until it has ended, for who comes back. */
void crew_sweep(struct crew *c)
{
    if (!c->found || c->asked)
        return;
    if (!crew_lives(c)) {
        stop(c);
        return;
    }
    if (!c->doomed)
        c->ending_holds = crew_holds(c);
    c->doomed = true;
    c->known = false;
    c->state = WORKER_STARTING;
    c->ring = 0;
}
