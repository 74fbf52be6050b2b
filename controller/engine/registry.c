/* SPDX-License-Identifier: MIT */
#include "controller/engine/registry.h"

#include "controller/base/log.h"
#include "controller/engine/watches.h"

struct device *registry_find_or_add(struct engine *e, const struct device_key *key)
{
    struct device *d = device_table_find(&e->devices, key);
    const struct policy *p = d ? NULL : policy_set_find(&e->policies, key->type);
    if (!p)
        return d;
    if (e->per_domain[key->domid] >= p->limits.devices_per_domain) {
        if (!e->limit_logged)
            log_warning("%s/%u/%s: too-many-devices: domain %u has %u already, and no more are looked after",
                        key->type, key->domid, key->devid, key->domid, e->per_domain[key->domid]);
        e->limit_logged = true;
        return NULL;
    }
    e->per_domain[key->domid]++;
    log_make_room(key->domid, LOG_ROOM);
    return device_table_add(&e->devices, key);
}

void registry_remove(struct engine *e, struct device *d)
{
    watches_remove_frontend(e, d);
    d->due = d->held = 0;
    due_heap_update(&e->due_heap, d);
    e->per_domain[d->key.domid]--;
    device_table_remove(&e->devices, d);
}
