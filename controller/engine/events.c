/* SPDX-License-Identifier: MIT */
#include "controller/engine/events.h"

#include <stdio.h>
#include <string.h>

#include "controller/base/log.h"
#include "controller/engine/domain_scan.h"
#include "controller/engine/guest.h"
#include "controller/engine/guest_events.h"
#include "controller/engine/registry.h"
#include "controller/engine/resync.h"
#include "controller/engine/workqueue.h"
#include "schemas/mem.h"

/* Declared keys matter as long as a worker, or nobody, is to be started with them. */
static bool starts(const struct device *d)
{
    enum object_phase phase = d->memory.object.phase;
    return !d->seen || phase == OBJECT_NONE || phase == OBJECT_STARTING || phase == OBJECT_DEAD;
}

/* Which bits of enum dirty this key of B stands for; 0: no decision depends on it. */
static unsigned dirt_of(const struct policy *p, const struct device *d, const char *key)
{
    if (strcmp(key, "state") == 0)
        return d->seen ? DIRTY_B_STATE : DIRTY_ALL | DIRTY_LIKELY;
    if (strcmp(key, MARKER_KEY) == 0)
        return d->seen ? DIRTY_MARKER : DIRTY_ALL | DIRTY_LIKELY;
    if (strcmp(key, "online") == 0)
        return d->seen ? DIRTY_ONLINE : DIRTY_ALL | DIRTY_LIKELY;
    if (strcmp(key, "frontend") == 0 || strcmp(key, "frontend-id") == 0)
        return DIRTY_ALL | DIRTY_LIKELY;
    if (p->owner == OWNER_KERNEL && (strncmp(key, "hotplug-", 8) == 0 || strcmp(key, "script") == 0))
        return DIRTY_ALL | DIRTY_LIKELY;
    return starts(d) && (!d->seen || policy_find_key(p, BACKEND, key)) ? DIRTY_ALL | DIRTY_LIKELY : 0;
}

/* A toolstack's event ends a hold: only guests are held back. */
static void toolstack_did(struct engine *e, struct device *d, unsigned dirty)
{
    if (dirty & (DIRTY_ALL | DIRTY_ONLINE))
        workqueue_hold_until(e, d, 0);
    if (dirty & DIRTY_ONLINE) /* which we never write */
        log_make_room(d->key.domid, LOG_ROOM);
    workqueue_add(e, d, dirty);
}

static void backend_event(struct engine *e, const char *path)
{
    struct device_key key;
    struct device *d;
    const char *rest;
    enum backend_place place = device_locate(e->cfg.backend_domid, path, &key, &rest);
    switch (place) {
    case BACKEND_OUTSIDE:
        return;
    case BACKEND_ROOT:
    case BACKEND_TYPE:
    case BACKEND_DOMAIN:
        resync_part(e, place, &key);
        return;
    case BACKEND_DEVICE:
        if ((d = registry_find_or_add(e, &key))) {
            d->script.renewed = d->renamed = true;
            toolstack_did(e, d, DIRTY_ALL | DIRTY_LIKELY);
        } else {
            guest_refused_changed(e, &key);
        }
        return;
    case BACKEND_KEY:
        if ((d = registry_find_or_add(e, &key))) {
            d->renamed |= strncmp(rest, "frontend", 8) == 0;
            toolstack_did(e, d, dirt_of(engine_policy(e, d), d, rest));
        }
        return;
    }
}

void events_take(struct engine *e, const char *path, const char *token)
{
    if (strcmp(token, TOKEN_BACKEND) == 0)
        backend_event(e, path);
    else if (token[0] == TOKEN_GUESTS[0] && !guest_events_of_tree(e, path, strcmp(token, TOKEN_GUESTS) == 0))
        return;
    else if (strncmp(token, TOKEN_FRONTEND, 2) == 0)
        guest_events_of_device(e, token + 2);
    else if (strcmp(token, TOKEN_MODELS) == 0)
        domain_scan_model_event(e, path);
    else if (strcmp(token, TOKEN_DOMAINS) == 0)
        domain_scan_start(e);
    engine_wake_soon(e);
}
