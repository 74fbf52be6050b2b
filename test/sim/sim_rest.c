/* SPDX-License-Identifier: MIT */
/* What must be when nobody moves any more. */
#include <stdlib.h>
#include <string.h>

#include "controller/engine/state.h"
#include "schemas/marker.h"
#include "test/sim/sim_world.h"

enum {
    IDLE_TICKS = 8, /* that may find nothing to do */
    STEPS_MAX = 20000,
};

/* Whatever must happen does, in turn; time passes when nothing else is left. False: it never comes to rest.
 */
bool sim_world_settle(struct sim_world *w)
{
    struct sim_step list[SIM_CHOICES];
    size_t must, turn = 0;
    int idle = 0;
    for (int i = 0; i < STEPS_MAX && !w->failed[0]; i++) {
        uint64_t done = w->commits + w->tasks;
        sim_world_choices(w, list, &must);
        if (!must && idle == IDLE_TICKS)
            return true;
        struct sim_step step = must ? list[turn++ % must] : (struct sim_step){STEP_TICK, 0};
        if (!sim_world_step(w, step))
            return true;
        idle += !must;
        if (step.kind >= STEP_FRONTEND || w->commits + w->tasks != done)
            idle = 0;
    }
    return false;
}

/* ---- the store ---- */

static bool connected(const struct sim_world *w, const struct sim_device *d)
{
    return sim_served(w, d) && d->frontend->steps[d->front_step].verb == END;
}

static bool gets_stuck(const struct sim_world *w, const struct sim_device *d)
{
    return w->setup.on_closed && d->frontend->stuck;
}

static void check_store(struct sim_world *w, const struct sim_device *d)
{
    int b = sim_state(w, d->b), f = sim_state(w, d->f);
    bool alive = w->alive[sim_domain(w, d)], active = alive && f >= 2 && f <= 5;
    const char *online = sim_text(w, d->b, "online");
    if (d->wiped || d->attached < ATTACH_STEPS) /* it never was all there, or is not any more */
        return;
    if (!alive && w->setup.orphans && b >= 0 && !d->claimed)
        sim_fail(w, "%s is still there: state %d, and its domain is dead", d->b, b);
    if (w->setup.owner != OWNER_XENRECON || d->claimed) /* what becomes of it is not for us to say */
        return;
    if (!toolstack_keeps(d->toolstack)) {
        if (b >= 0 && !(online && online[0] == '0' && active))
            sim_fail(w, "%s is still there: state %d, F %d", d->b, b, f);
    } else if (!alive) {
        if (b >= 0 && b != 6 && !(w->setup.on_closed && b == 2) && b != 1)
            sim_fail(w, "%s has state %d, and its domain is dead", d->b, b);
    } else if (!connected(w, d) && !gets_stuck(w, d)) {
        sim_fail(w, "%s is not served: state %d, F %d at step %u, worker %d", d->b, b, f, d->front_step,
                 (int)d->crew.state);
    }
}

/* What the scripts had to do is done. */
static void check_script(struct sim_world *w, const struct sim_device *d)
{
    const struct sim_script *s = &d->script;
    int b = sim_state(w, d->b);
    const char *online = sim_text(w, d->b, "online"), *status = sim_text(w, d->b, "hotplug-status");
    bool on = online && online[0] == '1', detached = b == 6 && online && !on;
    bool there = w->alive[sim_domain(w, d)] && sim_state(w, d->f) >= 0;
    if (s->runs || s->waits || w->engine->scripts)
        sim_fail(w, "a script runs for %s", d->b);
    if (!sim_hotplug(w, w->in_force) || d->wiped || d->attached < ATTACH_STEPS)
        return;
    if (on && there && b >= 2 && b <= 4 &&
        ((status && strcmp(status, "connected") != 0) || (!s->set_up && !s->unsure)))
        sim_fail(w, "%s has state %d, and is not set up: %s", d->b, b, status ? status : "no word of it");
    if (detached && w->store.self)
        sim_fail(w, "%s is detached, and still there", d->b);
    if ((detached || b < 0) && s->set_up && !s->unsure && !s->failures)
        sim_fail(w, "what was set up for %s is still there", d->b);
}

static void check_worker(struct sim_world *w, const struct sim_device *d)
{
    const char *sectors = sim_text(w, d->b, "sectors");
    if (sim_text(w, d->b, "online") == NULL && crew_runs(&d->crew))
        sim_fail(w, "a worker for %s, which is gone", d->b);
    if (!sim_works(w, d->variant) && !d->inherits && crew_runs(&d->crew))
        sim_fail(w, "a worker that no policy wants");
    if (sim_works(w, d->variant) && sim_served(w, d) && (!sectors || atoi(sectors) != d->crew.size * 100))
        sim_fail(w, "the worker's values were not published");
}

/* ---- what is left in the engine ---- */

static bool watches(const struct sim_world *w, const struct sim_device *d, const char *token)
{
    char own[DEVICE_KEY_SIZE + 2] = TOKEN_FRONTEND, guest[16];
    device_key_format(&d->key, own + strlen(TOKEN_FRONTEND));
    snprintf(guest, sizeof guest, w->engine->guests[d->key.domid].shared ? TOKEN_GUESTS : TOKEN_GUEST "%u",
             d->key.domid);
    return sim_text(w, d->b, "frontend") && (strcmp(token, own) == 0 || strcmp(token, guest) == 0);
}

/* Each frontend is watched, itself or with its guest's others, and nothing that is gone. */
static void check_watches(struct sim_world *w)
{
    bool watched[SIM_DEVICES] = {false};
    for (size_t i = 0; i < w->store.n_watches; i++) {
        const char *token = w->store.watches[i].token;
        bool wanted = !strchr(token, '/') && strcmp(token, TOKEN_GUESTS) != 0; /* of no device */
        for (unsigned n = 0; n < w->setup.devices; n++)
            if (watches(w, &w->devices[n], token))
                wanted = watched[n] = true;
        if (!wanted)
            sim_fail(w, "the watch %s is left", token);
    }
    for (unsigned n = 0; n < w->setup.devices; n++)
        if (!watched[n] && sim_text(w, w->devices[n].b, "frontend"))
            sim_fail(w, "%s is not watched", w->devices[n].f);
}

static size_t check_known(struct sim_world *w)
{
    size_t there = 0;
    for (unsigned i = 0; i < w->setup.devices; i++) {
        const struct sim_device *d = &w->devices[i];
        there += nodes_find(&w->store.nodes, d->b) != NULL;
    }
    if (engine_figures(w->engine).devices != there)
        sim_fail(w, "%zu devices are known, and %zu there", engine_figures(w->engine).devices, there);
    return there;
}

static void check_leaks(struct sim_world *w)
{
    size_t there = check_known(w);
    check_watches(w);
    if (!LIST_EMPTY(&w->store.txs))
        sim_fail(w, "a transaction is left open");
    if (!sim_engine_rests(w))
        sim_fail(w, "the engine does not rest");
    if (!w->idle_at)
        sim_fail(w, "it never says that nothing is left to do");
    if (!there && w->wake_at)
        sim_fail(w, "a timer is left");
}

/* With the world at rest, at most four passes later there is nothing to do. */
static bool comes_to_rest(struct sim_world *w, bool faulty)
{
    for (int pass = 0; pass < (faulty ? 5 : 1); pass++) {
        uint64_t commits = w->commits, tasks = w->tasks;
        engine_resync(w->engine);
        engine_tick(w->engine);
        if (!sim_world_settle(w) || w->failed[0])
            return false;
        if (w->commits == commits && w->tasks == tasks)
            return true;
    }
    return false;
}

void sim_world_check_rest(struct sim_world *w)
{
    if (w->failed[0])
        return;
    if (!w->missed) /* then no resync is needed for that */
        check_known(w);
    if (!comes_to_rest(w, w->missed))
        sim_fail(w, "it does not come to rest");
    for (unsigned i = 0; i < w->setup.devices; i++) {
        check_store(w, &w->devices[i]);
        check_worker(w, &w->devices[i]);
        check_script(w, &w->devices[i]);
    }
    check_leaks(w);
}
