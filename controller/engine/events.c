/* SPDX-License-Identifier: MIT */
/* From watch events to devices that must be looked at. An event says where something may have happened, never
 * what. */
#include <stdio.h>
#include <string.h>

#include "controller/engine/domain_scan.h"
#include "controller/engine/engine.h"
#include "controller/engine/guest_events.h"
#include "controller/engine/registry.h"
#include "controller/engine/resync.h"
#include "controller/engine/workqueue.h"
#include "schemas/mem.h"

/* Does anything that is decided here depend on this key of B? */
static unsigned dirt_of(const struct policy *p, const struct device *d, const char *key)
{
    bool settled = d->seen && d->memory.object.phase != OBJECT_NONE;
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
    /* declared keys matter until the device is created */
    return !settled && (!d->seen || policy_find_key(p, BACKEND, key)) ? DIRTY_ALL | DIRTY_LIKELY : 0;
}

/* What the toolstack does is not held back for what the guest did. */
static void toolstack_did(struct engine *e, struct device *d, unsigned dirty)
{
    if (dirty & (DIRTY_ALL | DIRTY_ONLINE))
        engine_hold(e, d, 0);
    engine_mark(e, d, dirty);
}

static void backend_event(struct engine *e, const char *path)
{
    struct device_key key;
    struct device *d;
    const char *rest;
    enum backend_place place = device_locate(e->cfg.self, path, &key, &rest);
    switch (place) {
    case BACKEND_OUTSIDE:
        return;
    case BACKEND_ROOT:
    case BACKEND_TYPE:
    case BACKEND_DOMAIN:
        engine_look_over(e, place, &key);
        return;
    case BACKEND_DEVICE:
        if ((d = engine_know(e, &key))) {
            d->script.renewed = d->renamed = true;
            toolstack_did(e, d, DIRTY_ALL | DIRTY_LIKELY);
        }
        return;
    case BACKEND_KEY:
        if ((d = engine_know(e, &key))) {
            d->renamed |= strncmp(rest, "frontend", 8) == 0;
            toolstack_did(e, d, dirt_of(engine_policy(e, d), d, rest));
        }
        return;
    }
}

void engine_event(struct engine *e, const char *path, const char *token)
{
    if (!e->running)
        return;
    if (strcmp(token, TOKEN_BACKEND) == 0)
        backend_event(e, path);
    else if (token[0] == TOKEN_GUESTS[0] && !guest_event(e, path, strcmp(token, TOKEN_GUESTS) == 0))
        return;
    else if (strncmp(token, TOKEN_FRONTEND, 2) == 0)
        frontend_event(e, token + 2);
    else if (strcmp(token, TOKEN_MODELS) == 0)
        model_event(e, path);
    else if (strcmp(token, TOKEN_DOMAINS) == 0 && e->scanning)
        e->scan_again = true;
    else if (strcmp(token, TOKEN_DOMAINS) == 0)
        scan_domains(e);
    engine_soon(e); /* not at once: the events of one transaction arrive together */
}
