/* SPDX-License-Identifier: MIT */
/* The engine's life, its tick, and what is started when. */
#include "controller/engine/engine.h"

#include <stdlib.h>

#include "controller/engine/batch.h"
#include "controller/engine/pass.h"
#include "controller/engine/policy_reload.h"
#include "controller/engine/probe.h"
#include "controller/engine/resync.h"
#include "controller/engine/watches.h"
#include "controller/engine/workqueue.h"
#include "schemas/mem.h"

enum { PASSES_MAX = 32 }; /* snapshots in flight outside transactions */

/* ---- the queue ---- */

/* Devices whose time has come go into the queue; for the others we want to be woken. */
static void wake_devices(struct engine *e, uint64_t now)
{
    struct device *d;
    while ((d = waiting_first(&e->waiting)) && device_time(d) <= now) {
        bool due = d->due && d->due <= now;
        if (d->held <= now)
            engine_hold(e, d, 0);
        if (due)
            engine_set_due(e, d, 0, d->due_acts);
        engine_mark(e, d, !due ? 0 : d->due_acts ? DIRTY_ALL | DIRTY_LIKELY : DIRTY_ALL);
    }
    if (d)
        engine_wish(e, device_time(d));
}

static bool all_looked_at(const struct engine *e)
{
    return e->looked_over && !e->relist_at && !e->queued && !e->passes && !e->listings && !e->scanning;
}

/* Does a worker owe us an answer? */
static bool worker_busy(const struct device *d)
{
    enum object_phase phase = d->memory.object.phase;
    return phase == OBJECT_STARTING || phase == OBJECT_CONNECTING || phase == OBJECT_DISCONNECTING;
}

static bool nothing_left(const struct engine *e)
{
    struct device *d;
    bool left = !all_looked_at(e) || e->scripts;
    for (size_t i = 0; i < e->waiting.n && !left; i++) {
        d = e->waiting.heap[i];
        left = d->held || (d->due && d->due_acts);
    }
    for (size_t b = 0; b < e->devices.n_buckets && !left; b++)
        SLIST_FOREACH (d, &e->devices.buckets[b], same_bucket)
            left |= worker_busy(d);
    return !left;
}

static void start_looks(struct engine *e)
{
    struct device *d;
    while (e->passes < PASSES_MAX && (d = engine_next(e, false)))
        if (d->seen && !(d->dirty & DIRTY_ALL))
            probe_start(e, d);
        else
            pass_start(e, d);
    if (!e->batching && !TAILQ_EMPTY(&e->batch_queue))
        batch_start(e);
}

static void dispatch(struct engine *e)
{
    if (!e->running)
        return;
    if (!e->reload || e->announce)
        start_looks(e);
    if (e->announce && all_looked_at(e)) {
        e->announce = false;
        e->cfg.ready(e->cfg.arg);
    }
    /* what there is must be known before it can be kept */
    if (e->reload && !e->announce && !e->passes && !e->listings) {
        take_over_policies(e);
        start_looks(e);
    }
    if (e->cfg.idle && nothing_left(e))
        e->cfg.idle(e->cfg.arg);
}

void engine_tick(struct engine *e)
{
    static const struct device_key everywhere;
    if (!e->running)
        return;
    uint64_t now = engine_now(e);
    e->wake_at = 0;
    if (e->resync_at && e->resync_at <= now)
        engine_resync(e);
    if (e->resync_at)
        engine_wish(e, e->resync_at);
    if (e->relist_at && e->relist_at <= now)
        engine_look_over(e, BACKEND_ROOT, &everywhere);
    if (e->relist_at)
        engine_wish(e, e->relist_at);
    if (e->rewatch_at && e->rewatch_at <= now)
        engine_watch_refused(e);
    if (e->rewatch_at)
        engine_wish(e, e->rewatch_at);
    wake_devices(e, now);
    dispatch(e);
}

/* ---- life ---- */

struct engine *engine_new(const struct engine_config *config, struct policy_set *policies)
{
    struct engine *e = xcalloc(1, sizeof *e);
    e->cfg = *config;
    e->dispatch = dispatch;
    e->policies = *policies;
    *policies = (struct policy_set){0};
    e->per_domain = xcalloc(DOMID_MAX + 1, sizeof *e->per_domain);
    e->guests = xcalloc(DOMID_MAX + 1, sizeof *e->guests);
    devices_init(&e->devices);
    TAILQ_INIT(&e->queue);
    TAILQ_INIT(&e->batch_queue);
    return e;
}

void engine_free(struct engine *e)
{
    if (!e)
        return;
    waiting_finish(&e->waiting);
    devices_finish(&e->devices);
    policy_set_clear(&e->policies);
    policy_set_clear(&e->coming);
    for (size_t i = 0; i < e->n_retired; i++)
        policy_free(e->retired[i]);
    free(e->retired);
    free(e->per_domain);
    free(e->guests);
    free(e);
}

void engine_start(struct engine *e)
{
    e->running = e->announce = true;
    e->looked_over = false;
    e->wake_at = e->relist_at = 0;
    e->unlisted = 0;
    engine_watch_anew(e); /* the first event of a watch comes at once: that is the first look at everything */
    plan_resync(e);
    engine_soon(e);
}

void engine_stop(struct engine *e)
{
    e->running = false;
    while (engine_next(e, false) || engine_next(e, true))
        ;
    e->scan_again = false;
}

/* ---- what there is to tell of it ---- */

struct engine_figures engine_figures(const struct engine *e)
{
    static const struct policy_set no_policies;
    if (!e)
        return (struct engine_figures){.policies = &no_policies};
    return (struct engine_figures){.devices = e->devices.n,
                                   .queued = e->queued,
                                   .waiting = e->waiting.n,
                                   .in_flight = e->passes,
                                   .scripts = e->scripts,
                                   .adds = e->adds,
                                   .resynced_at = e->resynced_at,
                                   .resync_at = e->resync_at,
                                   .policies = &e->policies};
}

/* What it waits for: the end of a backoff, or the time for which its plan asked. */
static uint64_t next_look(const struct device *d)
{
    return d->held && (!d->due || d->held > d->due) ? d->held : d->due;
}

static struct engine_device describe(const struct engine *e, const struct device *d)
{
    return (struct engine_device){.key = &d->key,
                                  .policy = engine_policy(e, d),
                                  .memory = &d->memory,
                                  .backend = d->seen ? d->last.b : XENBUS_ABSENT,
                                  .frontend = d->seen ? d->last.f : XENBUS_ABSENT,
                                  .online = d->seen ? d->last.online : -1,
                                  .findings = d->findings,
                                  .next_look = next_look(d),
                                  .kept = d->kept != NULL,
                                  .unwatched = d->unwatched};
}

bool engine_find_device(const struct engine *e, const struct device_key *key,
                        struct engine_device *ret_device)
{
    const struct device *d = e ? devices_find(&e->devices, key) : NULL;
    if (d)
        *ret_device = describe(e, d);
    return d != NULL;
}

void engine_each_device(struct engine *e, void (*each)(void *arg, const struct engine_device *device),
                        void *arg)
{
    for (size_t b = 0; b < e->devices.n_buckets; b++) {
        const struct device *d;
        SLIST_FOREACH (d, &e->devices.buckets[b], same_bucket) {
            struct engine_device device = describe(e, d);
            each(arg, &device);
        }
    }
}
