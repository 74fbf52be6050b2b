/* SPDX-License-Identifier: MIT */
/* Toolstacks and frontends, which follow the programs of test/lib/programs.h. */
#include <stdio.h>
#include <string.h>

#include "test/sim/sim_world.h"

static void put(struct sim_world *w, const char *directory, const char *key, const char *value)
{
    char path[192];
    snprintf(path, sizeof path, "%s/%s", directory, key);
    sim_put(&w->store, path, value);
}

/* ---- frontends ---- */

static void write_ring(struct sim_world *w, const struct sim_device *d, unsigned ring)
{
    put(w, d->f, "ring-ref", ring == 1 ? "8" : "16");
    put(w, d->f, "event-channel", "9");
}

bool sim_frontend_moves(struct sim_world *w, struct sim_device *d, bool try)
{
    const struct step *step = &d->frontend->steps[d->front_step];
    int b = sim_state(w, d->b);
    char state[2] = {(char)('0' + step->arg), '\0'};
    if (step->verb == END || w->lost || sim_state(w, d->f) < 0)
        return false;
    if (d->toolstack->deeds[0] == WRITE_CLOSED && d->deed) /* a paused guest's: that is why libxl does so */
        return false;
    if (step->verb == WAIT && (b < 0 || !(step->arg & 1u << b)))
        return false;
    if (try)
        return true;
    if (step->verb == SET)
        put(w, d->f, "state", state);
    if (step->verb == RING)
        write_ring(w, d, d->ring = step->arg);
    d->front_step++;
    return true;
}

void sim_domain_dies(struct sim_world *w, struct sim_device *d)
{
    char path[32];
    w->alive[sim_domain(w, d)] = false;
    snprintf(path, sizeof path, "/local/domain/%u", d->key.domid);
    sim_remove_silently(&w->store, path);
    sim_fire(&w->store, "@releaseDomain");
}

/* What was set up for it nobody will take down. */
static void remove_backend(struct sim_world *w, struct sim_device *d)
{
    d->script.unsure |= d->script.set_up || d->script.runs || d->script.old_runs;
    sim_remove(&w->store, d->b);
}

/* Another domain of that number, which has new devices. Of the old ones nothing is left. */
void sim_domain_returns(struct sim_world *w, struct sim_device *d)
{
    char path[32];
    for (unsigned i = 0; i < w->setup.devices; i++) {
        struct sim_device *other = &w->devices[i];
        if (other->key.domid != d->key.domid)
            continue;
        remove_backend(w, other);
        sim_remove(&w->store, other->f);
        other->front_step = other->ring = other->attached = other->deed = 0;
    }
    w->alive[sim_domain(w, d)] = true;
    snprintf(path, sizeof path, "/local/domain/%u", d->key.domid);
    sim_put(&w->store, path, "");
}

/* ---- toolstacks ---- */

/* One part of it; what libxl does is all of them at once. */
static void attach_step(struct sim_world *w, struct sim_device *d, unsigned step)
{
    char domid[8], self[8];
    snprintf(domid, sizeof domid, "%u", d->key.domid);
    snprintf(self, sizeof self, "%u", w->store.self);
    switch (step) {
    case 0:
        put(w, d->f, "backend", d->b);
        put(w, d->f, "backend-id", self);
        put(w, d->f, "state", "1");
        break;
    case 1:
        put(w, d->b, "frontend", d->f);
        if (w->setup.hotplug)
            put(w, d->b, "script", "/script");
        break;
    case 2:
        put(w, d->b, "frontend-id", domid);
        break;
    case 3:
        put(w, d->b, "online", "1");
        break;
    case 4:
        put(w, d->b, "state", "1");
        d->claimed = false;
        break;
    default:
        put(w, d->b, "mode", "w");
    }
}

static void attach(struct sim_world *w, struct sim_device *d)
{
    do
        attach_step(w, d, d->attached++);
    while (d->attached < ATTACH_STEPS && !w->setup.piecemeal);
}

static void detach(struct sim_world *w, const struct sim_device *d)
{
    put(w, d->b, "online", "0");
    if (sim_state(w, d->b) != 6)
        put(w, d->b, "state", "5");
}

static void replace(struct sim_world *w, struct sim_device *d)
{
    remove_backend(w, d);
    sim_remove(&w->store, d->f);
    d->front_step = d->ring = 0;
    for (unsigned i = 0; i < ATTACH_STEPS; i++)
        attach_step(w, d, i);
}

static void act(struct sim_world *w, struct sim_device *d, enum deed deed)
{
    switch (deed) {
    case DONE:
        break;
    case DETACH:
        detach(w, d);
        break;
    case WRITE_CLOSED:
        put(w, d->b, "state", "6");
        break;
    case REMOVE:
        remove_backend(w, d);
        break;
    case REMOVE_FRONTEND:
        sim_remove(&w->store, d->f);
        d->ring = 0;
        break;
    case REPLACE:
        replace(w, d);
        break;
    case CORRECT:
        if (sim_state(w, d->b) == 1)
            put(w, d->b, "mode", "r");
        break;
    }
}

bool sim_toolstack_moves(struct sim_world *w, struct sim_device *d, bool try)
{
    enum deed deed = d->toolstack->deeds[d->deed];
    bool attaches = d->attached < ATTACH_STEPS;
    bool gone = sim_state(w, d->b) < 0, dead = !w->alive[sim_domain(w, d)];
    if (w->lost || (attaches && (d->wiped || dead)))
        return false;
    if (!attaches && (deed == DONE || ((d->wiped || dead) && deed == REPLACE) ||
                      (gone && (deed == DETACH || deed == WRITE_CLOSED))))
        return false;
    if (try)
        return true;
    if (attaches) {
        attach(w, d);
    } else {
        act(w, d, deed);
        d->deed++;
    }
    return true;
}
