/* SPDX-License-Identifier: MIT */
/* The engine's life and its tick, and which work is started when. */
#include "controller/engine/engine.h"

#include <stdlib.h>

#include "controller/engine/batch.h"
#include "controller/engine/events.h"
#include "controller/engine/guest_room.h"
#include "controller/engine/pass.h"
#include "controller/engine/policy_reload.h"
#include "controller/engine/probe.h"
#include "controller/engine/resync.h"
#include "controller/engine/tasks.h"
#include "controller/engine/watches.h"
#include "controller/engine/workqueue.h"
#include "schemas/mem.h"

enum { PASSES_MAX = 32 }; /* snapshots in flight outside transactions */

/* ---- the queue ---- */

/* Queues the devices whose time has come, and asks for a tick when the next one's comes. */
static void wake_devices(struct engine *e, uint64_t now)
{
    struct device *d;
    while ((d = due_heap_first(&e->due_heap)) && due_heap_time(d) <= now) {
        bool due = d->due && d->due <= now;
        if (d->held <= now)
            workqueue_hold_until(e, d, 0);
        if (due)
            workqueue_add_after(e, d, 0, d->due_acts);
        workqueue_add(e, d, !due ? 0 : d->due_acts ? DIRTY_ALL | DIRTY_LIKELY : DIRTY_ALL);
    }
    if (d)
        engine_wake_at(e, due_heap_time(d));
}

static bool all_reconciled(const struct engine *e)
{
    return e->phase >= ENGINE_LISTED && !e->relist_at && !e->queued && !e->passes && !e->listings &&
           e->scan == SCAN_NONE;
}

/* Is an answer of the device's worker outstanding? */
static bool worker_busy(const struct device *d)
{
    enum object_phase phase = d->memory.object.phase;
    return phase == OBJECT_STARTING || phase == OBJECT_CONNECTING || phase == OBJECT_DISCONNECTING;
}

static bool nothing_left(const struct engine *e)
{
    struct device *d;
    bool left = !all_reconciled(e) || e->scripts;
    for (size_t i = 0; i < e->due_heap.n && !left; i++) {
        d = e->due_heap.heap[i];
        left = d->held || (d->due && d->due_acts);
    }
    for (size_t b = 0; b < e->devices.n_buckets && !left; b++)
        SLIST_FOREACH (d, &e->devices.buckets[b], same_bucket)
            left |= worker_busy(d);
    return !left;
}

static void start_reconciles(struct engine *e)
{
    struct device *d;
    while (e->passes < PASSES_MAX && (d = workqueue_get(e, false)))
        if (d->seen && !(d->dirty & DIRTY_ALL))
            probe_start(e, d);
        else
            pass_start(e, d);
    if (!e->batching && !TAILQ_EMPTY(&e->batch_queue))
        batch_start(e);
}

static void dispatch(struct engine *e)
{
    if (!engine_running(e))
        return;
    if (!e->reload || e->phase != ENGINE_READY)
        start_reconciles(e);
    if (e->phase != ENGINE_READY && all_reconciled(e)) {
        e->phase = ENGINE_READY;
        e->cfg.ready(e->cfg.arg);
    }
    /* policies are kept by devices, so all devices must be known first */
    if (e->reload && e->phase == ENGINE_READY && !e->passes && !e->listings) {
        policy_reload_apply(e);
        start_reconciles(e);
    }
    if (e->cfg.idle && nothing_left(e))
        e->cfg.idle(e->cfg.arg);
}

void engine_tick(struct engine *e)
{
    static const struct device_key everywhere;
    if (!engine_running(e))
        return;
    uint64_t now = engine_now(e);
    e->wake_at = 0;
    if (e->resync_at && e->resync_at <= now)
        resync_all(e);
    if (e->resync_at)
        engine_wake_at(e, e->resync_at);
    if (e->relist_at && e->relist_at <= now)
        resync_part(e, BACKEND_ROOT, &everywhere);
    if (e->relist_at)
        engine_wake_at(e, e->relist_at);
    if (e->rewatch_at && e->rewatch_at <= now)
        watches_retry(e);
    if (e->rewatch_at)
        engine_wake_at(e, e->rewatch_at);
    guest_room_fill(e);
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
    guests_init(e);
    device_table_init(&e->devices);
    TAILQ_INIT(&e->queue);
    TAILQ_INIT(&e->batch_queue);
    return e;
}

void engine_free(struct engine *e)
{
    if (!e)
        return;
    due_heap_finish(&e->due_heap);
    device_table_finish(&e->devices);
    image_index_finish(&e->images);
    policy_set_clear(&e->policies);
    policy_set_clear(&e->coming);
    for (size_t i = 0; i < e->n_retired; i++)
        policy_free(e->retired[i]);
    free(e->retired);
    guests_free(e);
    free(e);
}

void engine_start(struct engine *e)
{
    e->phase = ENGINE_STARTED;
    e->wake_at = e->relist_at = 0;
    e->unlisted = 0;
    watches_start(e); /* a watch's first event comes at once: with it everything is listed */
    resync_schedule(e);
    engine_wake_soon(e);
}

void engine_stop(struct engine *e)
{
    e->phase = ENGINE_STOPPED;
    while (workqueue_get(e, false) || workqueue_get(e, true))
        ;
    if (e->scan == SCAN_AGAIN)
        e->scan = SCAN_RUNNING;
}

/* ---- what happens ---- */

void engine_event(struct engine *e, const char *path, const char *token)
{
    if (engine_running(e))
        events_take(e, path, token);
}

void engine_script_done(struct engine *e, const char *key, int error, const char *said)
{
    tasks_script_done(e, key, error, said);
}

void engine_worker_changed(struct engine *e, const struct device_key *key)
{
    tasks_worker_changed(e, key);
}

void engine_set_policies(struct engine *e, struct policy_set *policies)
{
    policy_reload_request(e, policies);
}

void engine_resync(struct engine *e)
{
    resync_all(e);
}

/* ---- what there is to tell of it ---- */

struct engine_figures engine_figures(const struct engine *e)
{
    static const struct policy_set no_policies;
    if (!e)
        return (struct engine_figures){.policies = &no_policies};
    return (struct engine_figures){.devices = e->devices.n,
                                   .queued = e->queued,
                                   .waiting = e->due_heap.n,
                                   .in_flight = e->passes,
                                   .scripts = e->scripts,
                                   .adds = e->adds,
                                   .resynced_at = e->resynced_at,
                                   .resync_at = e->resync_at,
                                   .policies = &e->policies};
}

/* The later of the end of a hold and the time that the plan asked for. */
static uint64_t next_at(const struct device *d)
{
    return d->held && (!d->due || d->held > d->due) ? d->held : d->due;
}

static struct engine_device describe(const struct engine *e, const struct device *d)
{
    return (struct engine_device){.key = &d->key,
                                  .policy = engine_policy(e, d),
                                  .memory = &d->memory,
                                  .backend = d->seen ? d->shown.b : XENBUS_ABSENT,
                                  .frontend = d->seen ? d->shown.f : XENBUS_ABSENT,
                                  .online = d->seen ? d->shown.online : -1,
                                  .health = d->memory.row_since ? d->shown.health : HEALTH_UNKNOWN,
                                  .findings = d->findings,
                                  .errors = d->errors,
                                  .warnings = d->warnings & ~d->errors,
                                  .next_at = next_at(d),
                                  .retired_policy = d->retired_policy != NULL,
                                  .unwatched = d->unwatched};
}

bool engine_find_device(const struct engine *e, const struct device_key *key,
                        struct engine_device *ret_device)
{
    const struct device *d = e ? device_table_find(&e->devices, key) : NULL;
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

void engine_each_crowd(const struct engine *e,
                       void (*each)(void *arg, uint16_t domid, const char *type, uint32_t looked_after),
                       void *arg)
{
    if (!e || !e->n_over)
        return;
    for (unsigned domid = 0; domid <= DOMID_MAX; domid++)
        for (size_t i = 0; i < e->guests[domid].n_types; i++) {
            const struct guest_type *t = &e->guests[domid].types[i];
            if (t->over)
                each(arg, (uint16_t)domid, t->type, t->devices);
        }
}

void engine_each_ages(const struct engine *e,
                      void (*each)(void *arg, const struct device_key *key, const char *line), void *arg)
{
    for (size_t b = 0; b < e->devices.n_buckets; b++) {
        const struct device *d;
        SLIST_FOREACH (d, &e->devices.buckets[b], same_bucket)
            if (d->ages || !d->recalled)
                each(arg, &d->key, d->ages);
    }
}
