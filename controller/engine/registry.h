/* SPDX-License-Identifier: MIT */
/* Which devices there are. One becomes known with its first event or when it is listed, within its policy's
 * limit; it is forgotten, with all that is remembered of it, when B is gone and nothing is held for it any
 * more.
 *
 * Owns the entries of the device table. One thread. That there is a device over the limit is logged by
 * guest_has_room(). */
#ifndef XENRECON_ENGINE_REGISTRY_H
#define XENRECON_ENGINE_REGISTRY_H

#include "controller/engine/state.h"

/* The device, added if it is new; NULL: no policy wants it, or its domain has too many. */
struct device *registry_find_or_add(struct engine *e, const struct device_key *key);
/* Takes its watch away and frees it. It is not queued. */
void registry_remove(struct engine *e, struct device *d);

#endif
