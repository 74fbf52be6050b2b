/* SPDX-License-Identifier: MIT */
#include "controller/engine/guest_events.h"

#include <string.h>

#include "controller/engine/workqueue.h"
#include "schemas/mem.h"

/* A token bucket: `burst` events at once, and then events_per_second of them. It is kept as the time until
 * which the events so far are paid for. */
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
        workqueue_hold_until(e, d, (paid - cost * p->limits.burst) / 1000 + 1);
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

/* Every device whose frontend lies at this path or below it. */
static void guest_tree_event(struct engine *e, const char *path)
{
    struct device *d;
    size_t n = strlen(path);
    for (size_t i = 0; i < e->devices.n_buckets; i++)
        SLIST_FOREACH (d, &e->devices.buckets[i], same_bucket)
            if (d->by_guest && strncmp(d->watched, path, n) == 0 && (!d->watched[n] || d->watched[n] == '/'))
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
