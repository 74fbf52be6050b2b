/* SPDX-License-Identifier: MIT */
/* The engine in its world: what it asks for, its birth and its death. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/state.h"
#include "test/sim/sim_policy.h"
#include "test/sim/sim_world.h"

/* ---- what it asks for ---- */

static uint64_t clock_ms(void *arg)
{
    return ((struct sim_world *)arg)->now;
}

/* Does anybody have this incarnation? */
static bool taken(const struct sim_world *w, uint64_t value)
{
    char text[20];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)value);
    for (unsigned i = 0; i < w->setup.devices; i++) {
        const struct sim_device *d = &w->devices[i];
        const char *marker = sim_text(w, d->b, MARKER_KEY);
        const struct device *known = device_table_find(&w->engine->devices, &d->key);
        if ((marker && strncmp(marker, text, 16) == 0) || d->crew.incarnation == value ||
            d->crew.ending_incarnation == value || (known && known->memory.object.incarnation == value))
            return true;
    }
    return false;
}

static uint64_t random64(void *arg)
{
    struct sim_world *w = arg;
    if (w->setup.counted) {
        uint64_t value = 0x1111;
        while (taken(w, value))
            value += 0x2222;
        return value;
    }
    w->random = w->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return w->random ^ w->random >> 29;
}

static void wake(void *arg, uint64_t at)
{
    ((struct sim_world *)arg)->wake_at = at;
}

static void ready(void *arg)
{
    struct sim_world *w = arg;
    for (unsigned i = 0; i < w->setup.devices; i++)
        crew_sweep(&w->devices[i].crew);
}

/* The engine asks when a look begins, and when it is decided. What it was told before then is of no more
 * interest, but for what is still to be committed. With more devices than one, looks overlap. */
static void forget_heard(struct sim_world *w)
{
    const struct sim_tx *tx = LIST_FIRST(&w->store.txs);
    if (w->setup.devices == 1 && (!tx || !tx->n_accesses))
        w->store.heard = HASH_INIT;
}

static void ask_worker(void *arg, const struct device_key *key, struct worker *ret_worker)
{
    struct sim_world *w = arg;
    struct sim_device *d = sim_device_find(w, key);
    *ret_worker = (struct worker){0};
    if (!d)
        return;
    *ret_worker = d->looked = crew_look(&d->crew);
    forget_heard(w);
    uint64_t seen[] = {(uint64_t)d->looked.state, d->looked.ring, d->looked.refused, d->looked.n_published};
    w->store.heard = hash_bytes(w->store.heard, seen, sizeof seen);
}

static void execute(void *arg, const struct device_key *key, const struct policy *policy,
                    const struct action *a)
{
    struct sim_world *w = arg;
    struct sim_device *d = sim_device_find(w, key);
    (void)policy;
    if (!d) {
        sim_fail(w, "a task for a device that nobody attached");
        return;
    }
    if (a->task == TASK_SCRIPT) {
        sim_script_run(w, d, a);
        return;
    }
    w->tasks++;
    sim_check_task(w, d, a);
    const char *wrong = crew_task(&d->crew, a);
    if (wrong)
        sim_fail(w, "%s", wrong);
}

/* ---- life ---- */

static void on_event(void *arg, const char *path, const char *token)
{
    struct sim_world *w = arg;
    if (!w->lost)
        engine_event(w->engine, path, token);
}

static void on_lost(void *arg, const char *why)
{
    struct sim_world *w = arg;
    (void)why;
    engine_stop(w->engine);
}

/* Nothing is left to do: whoever runs it once ends it now. What it was not told yet it cannot know. */
static void idle(void *arg)
{
    struct sim_world *w = arg;
    bool heard = !w->store.n_events;
    for (unsigned i = 0; i < w->setup.devices; i++) {
        heard &= !w->devices[i].crew.news;
        if (w->devices[i].script.runs)
            sim_fail(w, "it says that nothing is left, and a script runs");
    }
    if (heard)
        w->idle_at = w->step;
}

/* The engine has taken over what was to come: from now on that counts, but for what is held already. */
void sim_engine_look_at_policies(struct sim_world *w)
{
    if (w->in_force == w->variant || w->engine->reload)
        return;
    for (unsigned i = 0; i < w->setup.devices; i++) {
        struct sim_device *d = &w->devices[i];
        const struct device *known = device_table_find(&w->engine->devices, &d->key);
        bool held = known && known->memory.object.phase != OBJECT_NONE;
        bool other = sim_owner(w, d->variant) != sim_owner(w, w->variant) ||
                     sim_works(w, d->variant) != sim_works(w, w->variant);
        if (held)
            d->kept = known->memory.object.incarnation;
        else if (sim_owner(w, w->in_force) == OWNER_XENRECON)
            d->kept = 0;
        if (!held || !other)
            d->variant = w->variant;
        d->inherits |= crew_runs(&d->crew) && !sim_works(w, d->variant);
        d->script.kept = known && known->memory.object.script.phase != SCRIPT_IDLE;
        d->script.unsure |= (d->script.set_up || d->script.runs) && !sim_hotplug(w, w->variant);
    }
    w->in_force = w->variant;
}

void sim_engine_reload(struct sim_world *w, unsigned variant)
{
    struct policy_set set = {0};
    sim_policies_add(&w->setup, (enum sim_variant)variant, &set);
    w->variant = variant;
    engine_set_policies(w->engine, &set);
}

void sim_engine_new(struct sim_world *w)
{
    struct policy_set set = {0};
    struct engine_config config = {.store = &w->store.store,
                                   .backend_domid = w->store.self,
                                   .guest_watches = w->setup.devices > 1 && !w->store.self ? 1 : UINT_MAX,
                                   .clock = clock_ms,
                                   .random = random64,
                                   .wake = wake,
                                   .ready = ready,
                                   .execute = execute,
                                   .ask_worker = ask_worker,
                                   .idle = idle,
                                   .arg = w};
    sim_policies_add(&w->setup, (enum sim_variant)w->variant, &set);
    w->in_force = w->variant;
    w->idle_at = 0;
    for (unsigned i = 0; i < w->setup.devices; i++) {
        w->devices[i].variant = w->variant;
        w->devices[i].inherits = crew_runs(&w->devices[i].crew) && !sim_works(w, w->variant);
        w->devices[i].kept = 0;
    }
    w->store.store.event = on_event;
    w->store.store.lost = on_lost;
    w->store.store.arg = w;
    w->engine = engine_new(&config, &set);
    engine_start(w->engine);
}

/* It dies between two requests; what it asked for before then may have been done. */
void sim_engine_crash(struct sim_world *w)
{
    engine_stop(w->engine);
    w->wake_at = 0;
    sim_store_cut(&w->store, -ECANCELED);
    engine_free(w->engine);
    w->engine = NULL;
    w->store.heard = HASH_INIT;
}

bool sim_engine_rests(const struct sim_world *w)
{
    const struct engine *e = w->engine;
    return TAILQ_EMPTY(&w->store.requests) && TAILQ_EMPTY(&w->store.replies) && !e->passes && !e->listings &&
           e->scan == SCAN_NONE && !e->batching;
}
