/* SPDX-License-Identifier: MIT */
/* When which device is reconciled: the queues of those that are dirty, each in them once however many events
 * come, and the heap of those whose time is still to come. One queue is for what only reads (probes and
 * passes), one for what begins with a transaction (batches).
 *
 * Devices belong to the registry. One thread. Times are milliseconds of the engine's clock; nothing here
 * fails. */
#ifndef XENRECON_ENGINE_WORKQUEUE_H
#define XENRECON_ENGINE_WORKQUEUE_H

#include "controller/engine/state.h"

/* Adds to the bits of enum dirty, and queues the device unless it is being reconciled or held. */
void workqueue_add(struct engine *e, struct device *d, unsigned dirty);
/* Adds it when `due` has come; 0: only when something happens. `acts`: there will be something to do then. A
 * device whose frontend cannot be watched is added every POLL milliseconds in any case. */
void workqueue_add_after(struct engine *e, struct device *d, uint64_t due, bool acts);
/* It is not queued before `until`, whatever happens; 0: it may be at any time. */
void workqueue_hold_until(struct engine *e, struct device *d, uint64_t until);

/* Takes the next device out of a queue; NULL: it is empty. */
struct device *workqueue_get(struct engine *e, bool batch);
/* Takes a queued device out. */
void workqueue_remove(struct engine *e, struct device *d);

/* Has nothing but F's state changed perhaps, of a device of which that state alone says whether there is
 * something to do? Then a transaction may begin by reading it, and end if it is as before. */
bool workqueue_state_only(const struct engine *e, const struct device *d);

/* How long to wait after so many failures in a row, milliseconds. */
uint64_t workqueue_backoff(struct engine *e, const struct policy *p, unsigned failures);

#endif
