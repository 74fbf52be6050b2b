/* SPDX-License-Identifier: MIT */
/* What guests cause: events of their frontends, by a device's own watch, by one for all devices of the guest,
 * or by one that guests share. Each guest's events are counted and, beyond its policy's limits, held back.
 *
 * One thread; nothing here fails. */
#ifndef XENRECON_ENGINE_GUEST_EVENTS_H
#define XENRECON_ENGINE_GUEST_EVENTS_H

#include "controller/engine/state.h"

/* By a device's own watch; `token` is its key. */
void frontend_event(struct engine *e, const char *token);
/* By a guest's own watch, or by that which guests share. False: it is about nothing of ours. */
bool guest_event(struct engine *e, const char *path, bool shared);

#endif
