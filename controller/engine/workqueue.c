/* SPDX-License-Identifier: MIT */
#include "controller/engine/workqueue.h"

#include "controller/base/backoff.h"

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

void dequeue(struct engine *e, struct device *d)
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

uint64_t engine_backoff(struct engine *e, const struct policy *p, unsigned failures)
{
    return backoff(p->retry.initial, p->retry.max, failures, e->cfg.random(e->cfg.arg));
}
