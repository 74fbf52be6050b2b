/* SPDX-License-Identifier: MIT */
/* Events of frontends. Guests cause them, as many as they like: each guest has a limit from its devices'
 * policies, and beyond it the device that the event is of is held for a while.
 *
 * One thread; nothing here fails. */
#ifndef XENRECON_ENGINE_GUEST_EVENTS_H
#define XENRECON_ENGINE_GUEST_EVENTS_H

#include "controller/engine/state.h"

/* By a device's own watch. `key` is the device's, formatted. */
void guest_events_of_device(struct engine *e, const char *key);
/* By the watch of all frontends of a guest, or by the one that guests share. False: it is nothing to us. */
bool guest_events_of_tree(struct engine *e, const char *path, bool shared);

#endif
