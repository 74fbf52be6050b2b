/* SPDX-License-Identifier: MIT */
#include "controller/engine/registry.h"

#include "controller/base/log.h"
#include "controller/engine/watches.h"

/* The device, made if it is new; NULL when it is not for us. */
struct device *engine_know(struct engine *e, const struct device_key *key)
{
    struct device *d = devices_find(&e->devices, key);
    const struct policy *p = d ? NULL : policy_set_find(&e->policies, key->type);
    if (!p)
        return d;
    if (e->per_domain[key->domid] >= p->limits.devices_per_domain) {
        if (!e->refused)
            log_warning("%s/%u/%s: too-many-devices: domain %u has %u already, and no more are looked after",
                        key->type, key->domid, key->devid, key->domid, e->per_domain[key->domid]);
        e->refused = true;
        return NULL;
    }
    e->per_domain[key->domid]++;
    return devices_add(&e->devices, key);
}

void remove_device(struct engine *e, struct device *d)
{
    engine_unwatch_frontend(e, d);
    d->due = d->held = 0;
    waiting_update(&e->waiting, d);
    e->per_domain[d->key.domid]--;
    devices_remove(&e->devices, d);
}
