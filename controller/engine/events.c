/* SPDX-License-Identifier: MIT */
/* From watch events to devices that must be looked at. An event says where something may have happened, never
 * what. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/base/backoff.h"
#include "controller/base/log.h"
#include "controller/engine/state.h"
#include "controller/observe/backend_tree.h"
#include "schemas/mem.h"

enum { RELIST_MIN = 50, RELIST_MAX = 5000 }; /* milliseconds */

/* ---- the backend tree ---- */

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

static void mark_again(void *arg, struct device *d)
{
    d->renamed = true;
    engine_mark(arg, d, DIRTY_ALL);
}

static bool wanted(void *arg, const char *type)
{
    const struct engine *e = arg;
    return policy_set_find(&e->policies, type) != NULL;
}

static void on_listed(void *arg, const struct device_key *key)
{
    struct engine *e = arg;
    struct device *d = engine_know(e, key);
    /* one that we have seen was marked when the listing began, and may have been looked at since */
    if (d && !d->seen && !d->dirty)
        engine_mark(e, d, DIRTY_ALL);
}

/* What could not be listed may have devices that we do not know: nobody is told that we have seen them all.
 */
static void on_listing_done(void *arg, int status)
{
    struct engine *e = arg;
    e->listings--;
    if (status && !store_gone(status) && e->running) {
        if (e->unlisted++ == 0)
            log_error("the backend tree cannot be listed: %s; tried again until it can", strerror(-status));
        e->relist_at =
            engine_now(e) + backoff(RELIST_MIN, RELIST_MAX, e->unlisted, e->cfg.random(e->cfg.arg));
        engine_wish(e, e->relist_at);
    } else if (!status && !e->relist_at) {
        e->unlisted = 0;
    }
    e->dispatch(e);
}

/* Looks at all that is known of a part of the tree, and for what is not known yet. */
void engine_look_over(struct engine *e, enum backend_place place, const struct device_key *at)
{
    struct listing_request req = {.store = e->cfg.store,
                                  .self = e->cfg.self,
                                  .place = place,
                                  .at = *at,
                                  .wanted = wanted,
                                  .found = on_listed,
                                  .done = on_listing_done,
                                  .arg = e};
    e->looked_over |= place == BACKEND_ROOT;
    if (place == BACKEND_ROOT) {
        e->resynced_at = engine_now(e);
        e->relist_at = 0;
    }
    devices_each(&e->devices, place, at, mark_again, e);
    if (place != BACKEND_ROOT && !wanted(e, at->type))
        return;
    e->listings++;
    listing_start(&req);
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

/* A guest may cause `burst` looks at once and then `events-per-second`: a bucket, kept as the time until
 * which what it has caused is paid for. */
static void guest_did(struct engine *e, struct device *d)
{
    const struct policy *p = engine_policy(e, d);
    if (!p)
        return;
    uint64_t now = engine_now(e) * 1000, cost = 1000000 / p->limits.events_per_second;
    uint64_t paid = d->guest_allowed > now ? d->guest_allowed : now;
    if (!(d->dirty & DIRTY_F_STATE))
        d->guest_allowed = paid + cost;
    if (paid - now > cost * p->limits.burst && !d->held)
        engine_hold(e, d, (paid - cost * p->limits.burst) / 1000 + 1);
    engine_mark(e, d, DIRTY_F_STATE);
}

static void frontend_event(struct engine *e, const char *token)
{
    struct device_key key;
    struct device *d = device_key_parse(token, strlen(token), &key) ? NULL : devices_find(&e->devices, &key);
    if (d)
        guest_did(e, d);
}

/* Everything that lies there, or below. */
static void guest_tree_event(struct engine *e, const char *path)
{
    struct device *d;
    size_t n = strlen(path);
    for (size_t i = 0; i < e->devices.n_buckets; i++)
        SLIST_FOREACH (d, &e->devices.buckets[i], same_bucket)
            if (d->by_guest && strncmp(d->watched, path, n) == 0 && (!d->watched[n] || d->watched[n] == '/'))
                guest_did(e, d);
}

/* The device of one of these types whose frontend that is: `frontend` goes on behind its type. */
static void guest_device_event(struct engine *e, struct policy *const *policies, size_t n, uint16_t domid,
                               const char *frontend, const char *devid, size_t len)
{
    for (size_t i = 0; i < n; i++) {
        struct device_key key = {.domid = domid};
        size_t type = strlen(policies[i]->frontend);
        if (strncmp(policies[i]->frontend, frontend, type) != 0 || frontend[type] != '/')
            continue;
        memcpy(key.type, policies[i]->type, sizeof key.type);
        memcpy(key.devid, devid, len);
        struct device *d = devices_find(&e->devices, &key);
        if (d && d->by_guest)
            guest_did(e, d);
    }
}

/* `rest` begins behind a guest's `device`. Guests may write there what they like, and all that is not about
 * the state of a frontend is dropped here, before it costs anything: false then. */
static bool guest_device_tree_event(struct engine *e, const char *path, const char *rest, uint16_t domid)
{
    const char *devid = *rest ? strchr(rest + 1, '/') : NULL;
    const char *key = devid ? strchr(devid + 1, '/') : NULL;
    if (key && strcmp(key, "/state") != 0)
        return false;
    if (!devid) {
        guest_tree_event(e, path);
        return true;
    }
    size_t len = key ? (size_t)(key - devid) - 1 : strlen(devid + 1);
    if (len > DEVICE_NAME_MAX)
        return false;
    guest_device_event(e, e->policies.list, e->policies.n, domid, rest + 1, devid + 1, len);
    guest_device_event(e, e->retired, e->n_retired, domid, rest + 1, devid + 1, len);
    return true;
}

/* By a guest's own watch, or by that which guests share. The latter tells of all domains and all of them,
 * most of which is nothing to us, and again of the guests with a watch of their own. */
static bool guest_event(struct engine *e, const char *path, bool shared)
{
    static const char root[] = "/local/domain", device[] = "/device";
    uint64_t domid;
    size_t n = strlen(root);
    if (strncmp(path, root, n) != 0)
        return false;
    const char *rest = path + n;
    if (*rest) {
        size_t digits = strcspn(rest + 1, "/");
        if (parse_decimal(rest + 1, digits, DOMID_MAX, &domid) || !e->guests[domid].devices ||
            e->guests[domid].shared != shared)
            return false;
        rest += 1 + digits;
    }
    n = strlen(device);
    if (*rest && (strncmp(rest, device, n) != 0 || (rest[n] && rest[n] != '/')))
        return false;
    if (*rest)
        return guest_device_tree_event(e, path, rest + n, (uint16_t)domid);
    guest_tree_event(e, path);
    return true;
}

/* ---- domains that went ---- */

struct scan {
    struct engine *e;
    unsigned pending;
};
struct scanned {
    struct scan *s;
    uint16_t domid;
};

static void scan_domains(struct engine *e);

static void scan_end(struct scan *s)
{
    struct engine *e = s->e;
    if (--s->pending)
        return;
    free(s);
    e->scanning = false;
    if (e->scan_again && e->running)
        scan_domains(e);
    engine_soon(e); /* not at once: the events of one transaction arrive together */
}

static void mark_of_domain(struct engine *e, uint16_t domid)
{
    for (size_t i = 0; i < e->devices.n_buckets; i++) {
        struct device *d;
        SLIST_FOREACH (d, &e->devices.buckets[i], same_bucket)
            if (d->key.domid == domid)
                engine_mark(e, d, DIRTY_ALL | DIRTY_LIKELY);
    }
}

static void on_introduced(void *arg, int status, const char *data, size_t len)
{
    struct scanned *q = arg;
    if (status || len < 1 || data[0] != 'T')
        mark_of_domain(q->s->e, q->domid);
    struct scan *s = q->s;
    free(q);
    scan_end(s);
}

/* When a domain is released, xenstored removes the nodes that it owns without an event for each: F may be
 * gone. */
static void scan_domains(struct engine *e)
{
    struct scan *s = xcalloc(1, sizeof *s);
    *s = (struct scan){e, 1};
    e->scanning = true;
    e->scan_again = false;
    for (unsigned domid = 1; domid <= DOMID_MAX; domid++) {
        if (!e->per_domain[domid])
            continue;
        struct scanned *q = xcalloc(1, sizeof *q);
        *q = (struct scanned){s, (uint16_t)domid};
        s->pending++;
        store_is_introduced(e->cfg.store, q->domid, on_introduced, q);
    }
    scan_end(s);
}

/* QEMU came or went: what it claims, or claimed, may be for us. Of all that it writes there, only `state`
 * says so. */
static void model_event(struct engine *e, const char *path)
{
    static const struct device_key everywhere;
    char root[BACKEND_PATH_SIZE];
    uint64_t domid;
    size_t n = (size_t)snprintf(root, sizeof root, "/local/domain/%u/device-model", e->cfg.self);
    if (strncmp(path, root, n) != 0)
        return;
    if (!path[n]) {
        devices_each(&e->devices, BACKEND_ROOT, &everywhere, mark_again, e);
        return;
    }
    size_t digits = strcspn(path + n + 1, "/");
    const char *rest = path + n + 1 + digits;
    if ((!*rest || strcmp(rest, "/state") == 0) && !parse_decimal(path + n + 1, digits, DOMID_MAX, &domid) &&
        e->per_domain[domid])
        mark_of_domain(e, (uint16_t)domid);
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
