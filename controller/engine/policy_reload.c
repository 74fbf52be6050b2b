/* SPDX-License-Identifier: MIT */
#include "controller/engine/policy_reload.h"

#include <stdlib.h>

#include "controller/engine/registry.h"
#include "controller/engine/resync.h"
#include "controller/engine/workqueue.h"
#include "schemas/mem.h"

/* A device that holds an object keeps the policy under which this was created, until it is closed. */
static void keep_policy(struct engine *e, struct device *d)
{
    const struct policy *old = engine_policy(e, d), *coming = policy_set_find(&e->coming, d->key.type);
    bool same = coming && coming->owner == old->owner && !coming->worker.command == !old->worker.command;
    if (same)
        d->retired_policy = NULL;
    if (d->retired_policy || !device_held(d) || same)
        return;
    for (size_t i = 0; i < e->policies.n; i++)
        if (e->policies.list[i] == old)
            d->retired_policy = e->policies.list[i];
}

static void keep_or_drop(void *arg, struct device *d)
{
    struct engine *e = arg;
    keep_policy(e, d);
    if (d->retired_policy || policy_set_find(&e->coming, d->key.type))
        return;
    if (d->stage == STAGE_QUEUED || d->stage == STAGE_BATCH_QUEUED)
        workqueue_remove(e, d);
    registry_remove(e, d);
}

struct kept {
    const struct policy **list;
    size_t n, cap;
};

static void note_kept(void *arg, struct device *d)
{
    struct kept *k = arg;
    if (!d->retired_policy)
        return;
    xgrow(&k->list, &k->cap, k->n + 1, sizeof *k->list);
    k->list[k->n++] = d->retired_policy;
}

static int by_address(const void *a, const void *b)
{
    const struct policy *const *x = a, *const *y = b;
    return (*x > *y) - (*x < *y);
}

static void free_retired(struct engine *e)
{
    static const struct device_key everywhere;
    struct kept kept = {0};
    size_t n = 0;
    device_table_each(&e->devices, BACKEND_ROOT, &everywhere, note_kept, &kept);
    if (kept.n)
        qsort(kept.list, kept.n, sizeof *kept.list, by_address);
    for (size_t i = 0; i < e->n_retired; i++)
        if (kept.n && bsearch(&e->retired[i], kept.list, kept.n, sizeof *kept.list, by_address))
            e->retired[n++] = e->retired[i];
        else
            policy_free(e->retired[i]);
    e->n_retired = n;
    free(kept.list);
}

void policy_reload_apply(struct engine *e)
{
    static const struct device_key everywhere;
    e->reload = false;
    device_table_each(&e->devices, BACKEND_ROOT, &everywhere, keep_or_drop, e);
    for (size_t i = 0; i < e->policies.n; i++) { /* a device may keep one of these */
        xgrow(&e->retired, &e->cap_retired, e->n_retired + 1, sizeof *e->retired);
        e->retired[e->n_retired++] = e->policies.list[i];
    }
    free(e->policies.list);
    e->policies = e->coming;
    e->coming = (struct policy_set){0};
    free_retired(e);
    resync_all(e);
}

void policy_reload_request(struct engine *e, struct policy_set *policies)
{
    policy_set_clear(&e->coming);
    e->coming = *policies;
    *policies = (struct policy_set){0};
    e->reload = true;
    engine_wake_soon(e);
}
