/* SPDX-License-Identifier: MIT */
#include "controller/engine/workqueue.h"

#include "controller/base/backoff.h"

static void reschedule(struct engine *e, struct device *d)
{
    uint64_t time = due_heap_time(d);
    due_heap_update(&e->due_heap, d);
    if (time)
        engine_wake_at(e, time);
}

void workqueue_add_after(struct engine *e, struct device *d, uint64_t due, bool acts)
{
    uint64_t poll = d->unwatched ? engine_now(e) + POLL : 0;
    d->due = poll && (!due || due > poll) ? poll : due;
    d->due_acts = acts;
    reschedule(e, d);
}

void workqueue_hold_until(struct engine *e, struct device *d, uint64_t until)
{
    d->held = until;
    reschedule(e, d);
}

/* Where F was ready, its ring is compared as well, for which no transaction is needed. */
bool workqueue_state_only(const struct engine *e, const struct device *d)
{
    bool ready = d->last.f == XENBUS_INITIALISED || d->last.f == XENBUS_CONNECTED;
    return d->dirty == DIRTY_F_STATE && !d->own_event && d->seen == SEEN_NAMED && !d->renamed && !ready &&
           d->watched && d->memory.object.phase != OBJECT_NONE &&
           engine_policy(e, d)->owner == OWNER_XENRECON;
}

/* Is there probably something to write, so that the reconcile is to begin with the transaction? */
static bool for_batch(const struct engine *e, const struct device *d)
{
    const struct policy *p = engine_policy(e, d);
    return (d->dirty & DIRTY_LIKELY || workqueue_state_only(e, d)) && !e->cfg.dry_run &&
           (p->owner == OWNER_XENRECON || p->orphan.action == ORPHAN_REMOVE ||
            policy_hotplug(p, e->cfg.backend_domid));
}

void workqueue_remove(struct engine *e, struct device *d)
{
    TAILQ_REMOVE(d->stage == STAGE_BATCH_QUEUED ? &e->batch_queue : &e->queue, d, queued);
    d->stage = STAGE_IDLE;
    e->queued--;
}

static void enqueue(struct engine *e, struct device *d)
{
    if (d->stage == STAGE_QUEUED && for_batch(e, d))
        workqueue_remove(e, d); /* and into the other queue */
    if (d->stage != STAGE_IDLE || !d->dirty || d->held || !engine_running(e))
        return;
    bool batch = for_batch(e, d);
    d->stage = batch ? STAGE_BATCH_QUEUED : STAGE_QUEUED;
    TAILQ_INSERT_TAIL(batch ? &e->batch_queue : &e->queue, d, queued);
    e->queued++;
    e->adds++;
}

void workqueue_add(struct engine *e, struct device *d, unsigned dirty)
{
    d->dirty |= (uint8_t)dirty;
    enqueue(e, d);
}

struct device *workqueue_get(struct engine *e, bool batch)
{
    struct device *d = TAILQ_FIRST(batch ? &e->batch_queue : &e->queue);
    if (d)
        workqueue_remove(e, d);
    return d;
}

uint64_t workqueue_backoff(struct engine *e, const struct policy *p, unsigned failures)
{
    return backoff(p->retry.initial, p->retry.max, failures, e->cfg.random(e->cfg.arg));
}
