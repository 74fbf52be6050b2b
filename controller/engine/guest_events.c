/* SPDX-License-Identifier: MIT */
#include "controller/engine/guest_events.h"

#include <string.h>

#include "controller/engine/workqueue.h"
#include "schemas/mem.h"

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* A token bucket: `burst` events at once, and then so many a second. It is kept as the time until which the
 * events so far are paid for. Returns until when the guest is held for it; 0: it is not. */
static uint64_t charge(uint64_t *paid, uint64_t now, uint64_t per_second, uint64_t burst, bool charged)
{
    uint64_t cost = 1000000 / per_second, before = larger(*paid, now);
    if (charged)
        *paid = before + cost;
    return before - now > cost * burst ? before - cost * burst : 0;
}

/* A guest has one bucket for its devices of a type, as their policy says. It has another one for all of its
 * devices, as the most generous of their policies says: so a guest may not do more as it has more types. */
static void guest_did(struct engine *e, struct device *d)
{
    const struct policy *p = engine_policy(e, d), *other;
    if (!p)
        return;
    struct guest *g = &e->guests[d->key.domid];
    uint64_t now = engine_now(e) * 1000;
    uint64_t per_second = p->limits.events_per_second, burst = p->limits.burst;
    bool charged = !(d->dirty & DIRTY_F_STATE);
    uint64_t until =
        charge(&guest_type_of(e, d->key.domid, d->key.type)->paid, now, per_second, burst, charged);
    for (size_t i = 0; i < g->n_types; i++)
        if ((other = policy_set_find(&e->policies, g->types[i].type))) {
            per_second = larger(per_second, other->limits.events_per_second);
            burst = larger(burst, other->limits.burst);
        }
    until = larger(until, charge(&g->paid, now, per_second, burst, charged));
    if (until && !d->held)
        workqueue_hold_until(e, d, until / 1000 + 1);
    workqueue_add(e, d, DIRTY_F_STATE);
}

void guest_events_of_device(struct engine *e, const char *token)
{
    struct device_key key;
    struct device *d =
        device_key_parse(token, strlen(token), &key) ? NULL : device_table_find(&e->devices, &key);
    if (d)
        guest_did(e, d);
}

/* Every device of the guest whose frontend lies at this path or below it. */
static void guest_tree_event(struct engine *e, uint16_t domid, const char *path)
{
    struct device *d;
    size_t n = strlen(path);
    LIST_FOREACH (d, &e->guests[domid].devices, of_guest)
        if (d->by_guest && strncmp(d->watched, path, n) == 0 && (!d->watched[n] || d->watched[n] == '/'))
            guest_did(e, d);
}

static void every_guest_event(struct engine *e)
{
    struct device *d;
    for (size_t i = 0; i < e->devices.n_buckets; i++)
        SLIST_FOREACH (d, &e->devices.buckets[i], same_bucket)
            if (d->by_guest)
                guest_did(e, d);
}

/* A frontend's event. `frontend` begins with the type as guests name it, which one of these policies may
 * have. */
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
        struct device *d = device_table_find(&e->devices, &key);
        if (d && d->by_guest)
            guest_did(e, d);
    }
}

/* `rest` begins behind a guest's `device`. Guests write there what they like. Events that are not about a
 * frontend's state are dropped here, before it costs anything: false. */
static bool guest_device_tree_event(struct engine *e, const char *path, const char *rest, uint16_t domid)
{
    const char *devid = *rest ? strchr(rest + 1, '/') : NULL;
    const char *key = devid ? strchr(devid + 1, '/') : NULL;
    if (key && strcmp(key, "/state") != 0)
        return false;
    if (!devid) {
        guest_tree_event(e, domid, path);
        return true;
    }
    size_t len = key ? (size_t)(key - devid) - 1 : strlen(devid + 1);
    if (len > DEVICE_NAME_MAX)
        return false;
    guest_device_event(e, e->policies.list, e->policies.n, domid, rest + 1, devid + 1, len);
    guest_device_event(e, e->retired, e->n_retired, domid, rest + 1, devid + 1, len);
    return true;
}

/* The shared watch tells of all that lies below every domain, most of which is nothing to us. It also repeats
 * what guests' own watches tell. */
bool guest_events_of_tree(struct engine *e, const char *path, bool shared)
{
    static const char root[] = "/local/domain", device[] = "/device";
    uint64_t domid;
    size_t n = strlen(root);
    if (strncmp(path, root, n) != 0)
        return false;
    const char *rest = path + n;
    if (*rest) {
        size_t digits = strcspn(rest + 1, "/");
        if (parse_decimal(rest + 1, digits, DOMID_MAX, &domid) || !e->guests[domid].watched ||
            e->guests[domid].shared != shared)
            return false;
        rest += 1 + digits;
    }
    n = strlen(device);
    if (*rest && (strncmp(rest, device, n) != 0 || (rest[n] && rest[n] != '/')))
        return false;
    if (*rest)
        return guest_device_tree_event(e, path, rest + n, (uint16_t)domid);
    if (rest != path + strlen(root))
        guest_tree_event(e, (uint16_t)domid, path);
    else
        every_guest_event(e);
    return true;
}
