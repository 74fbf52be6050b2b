/* SPDX-License-Identifier: MIT */
#include "controller/engine/resync.h"

#include <string.h>

#include "controller/base/backoff.h"
#include "controller/base/log.h"
#include "controller/engine/registry.h"
#include "controller/engine/workqueue.h"
#include "controller/observe/backend_tree.h"

enum { RELIST_MIN = 50, RELIST_MAX = 5000 }; /* milliseconds */

static void mark_again(void *arg, struct device *d)
{
    d->renamed = true;
    workqueue_add(arg, d, DIRTY_ALL);
}

static void mark_waiting(void *arg, struct device *d)
{
    if (d->dirty)
        mark_again(arg, d);
}

/* First what was to be looked at already: after a loss of the store that is what was not reached before it.
 * A store that is lost again and again would otherwise have the same ones looked at each time. */
void resync_mark(struct engine *e, enum backend_place place, const struct device_key *at)
{
    device_table_each(&e->devices, place, at, mark_waiting, e);
    device_table_each(&e->devices, place, at, mark_again, e);
}

static bool wanted(void *arg, const char *type)
{
    const struct engine *e = arg;
    return policy_set_find(&e->policies, type) != NULL;
}

void resync_found(void *arg, const struct device_key *key)
{
    struct engine *e = arg;
    struct device *d = registry_find_or_add(e, key);
    /* one that was read before was marked when the listing began, and may have been reconciled since */
    if (d && !d->seen && !d->dirty)
        workqueue_add(e, d, DIRTY_ALL);
}

/* A part that could not be listed may have devices that are not known. So ready() is not called until it
 * could be. */
void resync_listed(void *arg, int status)
{
    struct engine *e = arg;
    e->listings--;
    if (status == -E2BIG && store_lacks(&e->cfg.store->abilities, ABILITY_PARTS))
        status = 0; /* that will not change */
    if (status && !store_gone(status) && engine_running(e)) {
        if (e->unlisted++ == 0)
            log_error("the backend tree cannot be listed: %s; tried again until it can", strerror(-status));
        e->relist_at =
            engine_now(e) + backoff(RELIST_MIN, RELIST_MAX, e->unlisted, e->cfg.random(e->cfg.arg));
        engine_wake_at(e, e->relist_at);
    } else if (!status && !e->relist_at) {
        e->unlisted = 0;
    }
    e->dispatch(e);
}

void resync_part(struct engine *e, enum backend_place place, const struct device_key *at)
{
    struct backend_tree_request req = {.store = e->cfg.store,
                                       .backend_domid = e->cfg.backend_domid,
                                       .place = place,
                                       .at = *at,
                                       .wanted = wanted,
                                       .found = resync_found,
                                       .done = resync_listed,
                                       .arg = e};
    if (place == BACKEND_ROOT) {
        if (e->phase == ENGINE_STARTED)
            e->phase = ENGINE_LISTED;
        e->resynced_at = engine_now(e);
        e->relist_at = 0;
    }
    resync_mark(e, place, at);
    if (place != BACKEND_ROOT && !wanted(e, at->type))
        return;
    e->listings++;
    backend_tree_list(&req);
}

void resync_schedule(struct engine *e)
{
    uint64_t jitter = e->cfg.random(e->cfg.arg) % (e->cfg.resync / 5 + 1);
    e->resync_at = e->cfg.resync ? engine_now(e) + e->cfg.resync - e->cfg.resync / 10 + jitter : 0;
}

void resync_all(struct engine *e)
{
    static const struct device_key everywhere;
    e->room_again = e->n_over != 0;
    resync_schedule(e);
    resync_part(e, BACKEND_ROOT, &everywhere);
}
