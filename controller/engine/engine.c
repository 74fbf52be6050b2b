/* SPDX-License-Identifier: MIT */
/* Events, the queue, and when who is looked at. */
#include "controller/engine/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/base/log.h"
#include "controller/engine/state.h"
#include "controller/observe/backend_tree.h"
#include "schemas/mem.h"

uint64_t engine_now(const struct engine *e)
{
    return e->cfg.clock(e->cfg.arg);
}

const struct policy *engine_policy(const struct engine *e, const struct device *d)
{
    return d->kept ? d->kept : policy_set_find(&e->policies, d->key.type);
}

/* ---- when to look ---- */

void engine_wish(struct engine *e, uint64_t at)
{
    if (e->wake_at && e->wake_at <= at)
        return;
    e->wake_at = at;
    e->cfg.wake(e->cfg.arg, at);
}

void engine_soon(struct engine *e)
{
    engine_wish(e, engine_now(e));
}

static void rewait(struct engine *e, struct device *d)
{
    uint64_t time = device_time(d);
    waiting_update(&e->waiting, d);
    if (time)
        engine_wish(e, time);
}

void engine_set_due(struct engine *e, struct device *d, uint64_t due, bool acts)
{
    uint64_t poll = d->unwatched ? engine_now(e) + POLL : 0;
    d->due = poll && (!due || due > poll) ? poll : due;
    d->due_acts = acts;
    rewait(e, d);
}

void engine_hold(struct engine *e, struct device *d, uint64_t until)
{
    d->held = until;
    rewait(e, d);
}

/* A ready F has its ring compared, too, for which no transaction is needed. */
bool engine_glances(const struct engine *e, const struct device *d)
{
    bool ready = d->last.f == XENBUS_INITIALISED || d->last.f == XENBUS_CONNECTED;
    return d->dirty == DIRTY_F_STATE && !d->echo && d->seen && d->last.named && !d->renamed && !ready &&
           d->watched && d->memory.object.phase != OBJECT_NONE &&
           engine_policy(e, d)->owner == OWNER_XENRECON;
}

/* Probably something to do, so that the look begins with the transaction? */
static bool for_batch(const struct engine *e, const struct device *d)
{
    const struct policy *p = engine_policy(e, d);
    return (d->dirty & DIRTY_LIKELY || engine_glances(e, d)) && !e->cfg.dry_run &&
           (p->owner == OWNER_XENRECON || p->orphan.action == ORPHAN_REMOVE ||
            policy_hotplug(p, e->cfg.self));
}

static void dequeue(struct engine *e, struct device *d)
{
    TAILQ_REMOVE(d->batched ? &e->batch_queue : &e->queue, d, queued);
    d->stage = STAGE_IDLE;
    e->queued--;
}

static void enqueue(struct engine *e, struct device *d)
{
    if (d->stage == STAGE_QUEUED && !d->batched && for_batch(e, d))
        dequeue(e, d); /* and into the other queue */
    if (d->stage != STAGE_IDLE || !d->dirty || d->held || !e->running)
        return;
    d->stage = STAGE_QUEUED;
    d->batched = for_batch(e, d);
    TAILQ_INSERT_TAIL(d->batched ? &e->batch_queue : &e->queue, d, queued);
    e->queued++;
    e->adds++;
}

void engine_mark(struct engine *e, struct device *d, unsigned dirty)
{
    d->dirty |= (uint8_t)dirty;
    enqueue(e, d);
}

struct device *engine_next(struct engine *e, bool batch)
{
    struct device *d = TAILQ_FIRST(batch ? &e->batch_queue : &e->queue);
    if (d)
        dequeue(e, d);
    return d;
}

/* ---- devices ---- */

/* The device, made if it is new; NULL when it is not for us. */
struct device *engine_know(struct engine *e, const struct device_key *key)
{
    struct device *d = devices_find(&e->devices, key);
    const struct policy *p = d ? NULL : policy_set_find(&e->policies, key->type);
    if (!p)
        return d;
    if (e->per_domain[key->domid] >= p->limits.devices_per_domain) {
        if (!e->refused)
            log_warning("%s/%u/%s: too-many-devices: domain %u has %u already, and no more are looked after",
                        key->type, key->domid, key->devid, key->domid, e->per_domain[key->domid]);
        e->refused = true;
        return NULL;
    }
    e->per_domain[key->domid]++;
    return devices_add(&e->devices, key);
}

static void remove_device(struct engine *e, struct device *d)
{
    engine_unwatch_frontend(e, d);
    d->due = d->held = 0;
    waiting_update(&e->waiting, d);
    e->per_domain[d->key.domid]--;
    devices_remove(&e->devices, d);
}

void engine_looked(struct engine *e, struct device *d, bool gone)
{
    d->stage = STAGE_IDLE;
    d->echo = d->dirty != 0;
    bool script = d->memory.object.script.phase == SCRIPT_RUNNING; /* its end finds the device gone */
    d->script.renewed |= gone;
    if (gone && d->dirty) /* nothing less can tell whether it still is */
        d->dirty |= DIRTY_ALL;
    if ((gone && !d->dirty && !script) ||
        !engine_policy(e, d)) /* a reload dropped its type, and it is closed */
        remove_device(e, d);
    else
        enqueue(e, d);
}

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

static void take_over_policies(struct engine *e);

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

static void plan_resync(struct engine *e)
{
    uint64_t jitter = e->cfg.random(e->cfg.arg) % (e->cfg.resync / 5 + 1);
    e->resync_at = e->cfg.resync ? engine_now(e) + e->cfg.resync - e->cfg.resync / 10 + jitter : 0;
}

void engine_resync(struct engine *e)
{
    static const struct device_key everywhere;
    e->refused = false;
    plan_resync(e);
    engine_look_over(e, BACKEND_ROOT, &everywhere);
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

/* ---- policies ---- */

/* What an object was created under stays in force for it, until it is closed. */
static void keep_policy(struct engine *e, struct device *d)
{
    const struct policy *old = engine_policy(e, d), *coming = policy_set_find(&e->coming, d->key.type);
    bool same = coming && coming->owner == old->owner && !coming->worker.command == !old->worker.command;
    if (same)
        d->kept = NULL;
    if (d->kept || !device_held(d) || same)
        return;
    for (size_t i = 0; i < e->policies.n; i++)
        if (e->policies.list[i] == old)
            d->kept = e->policies.list[i];
}

static void keep_or_drop(void *arg, struct device *d)
{
    struct engine *e = arg;
    keep_policy(e, d);
    if (d->kept || policy_set_find(&e->coming, d->key.type))
        return;
    if (d->stage == STAGE_QUEUED)
        dequeue(e, d);
    remove_device(e, d);
}

static void free_retired(struct engine *e)
{
    size_t n = 0;
    for (size_t i = 0; i < e->n_retired; i++) {
        struct device *d;
        bool kept = false;
        for (size_t b = 0; b < e->devices.n_buckets && !kept; b++)
            SLIST_FOREACH (d, &e->devices.buckets[b], same_bucket)
                kept |= d->kept == e->retired[i];
        if (kept)
            e->retired[n++] = e->retired[i];
        else
            policy_free(e->retired[i]);
    }
    e->n_retired = n;
}

static void take_over_policies(struct engine *e)
{
    static const struct device_key everywhere;
    e->reload = false;
    devices_each(&e->devices, BACKEND_ROOT, &everywhere, keep_or_drop, e);
    for (size_t i = 0; i < e->policies.n; i++) { /* some device may keep one of these */
        xgrow(&e->retired, &e->cap_retired, e->n_retired + 1, sizeof *e->retired);
        e->retired[e->n_retired++] = e->policies.list[i];
    }
    free(e->policies.list);
    e->policies = e->coming;
    e->coming = (struct policy_set){0};
    free_retired(e);
    engine_resync(e);
}

void engine_set_policies(struct engine *e, struct policy_set *policies)
{
    policy_set_clear(&e->coming);
    e->coming = *policies;
    *policies = (struct policy_set){0};
    e->reload = true;
    engine_soon(e);
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

size_t engine_devices(const struct engine *e)
{
    return e->devices.n;
}
