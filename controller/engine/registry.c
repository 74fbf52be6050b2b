/* SPDX-License-Identifier: MIT */
#include "controller/engine/registry.h"

#include "controller/base/log.h"
#include "controller/engine/images.h"
#include "controller/engine/recall.h"
#include "controller/engine/watches.h"

struct device *registry_find_or_add(struct engine *e, const struct device_key *key)
{
    struct device *d = device_table_find(&e->devices, key);
    const struct policy *p = d ? NULL : policy_set_find(&e->policies, key->type);
    if (!p)
        return d;
    if (!guest_has_room(e, key, p))
        return NULL;
    log_make_room(key->domid, LOG_ROOM);
    d = device_table_add(&e->devices, key);
    guest_join(e, d);
    return d;
}

void registry_remove(struct engine *e, struct device *d)
{
    watches_remove_frontend(e, d);
    recall_forget(e, d);
    images_forget(e, d);
    d->due = d->held = 0;
    due_heap_update(&e->due_heap, d);
    guest_leave(e, d);
    device_table_remove(&e->devices, d);
}
