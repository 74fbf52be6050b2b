/* SPDX-License-Identifier: MIT */
/* When which device is looked at: the queue of those that are dirty, each in it once however many events
 * come, and the heap of those whose time is still to come. There are two queues, one for what only reads
 * (probes and passes) and one for what begins with a transaction (batches); a device is in one of them at
 * most.
 *
 * Devices belong to the registry. One thread. Times are milliseconds of the engine's clock; nothing here
 * fails. */
#ifndef XENRECON_ENGINE_WORKQUEUE_H
#define XENRECON_ENGINE_WORKQUEUE_H

#include "controller/engine/state.h"

/* Wants a tick then, if there is none before. */
void engine_wish(struct engine *e, uint64_t at);
/* The same, now. */
void engine_soon(struct engine *e);

/* Adds to the bits of enum dirty, and queues the device unless it is being looked at or held back. */
void engine_mark(struct engine *e, struct device *d, unsigned dirty);
/* Looks at it again then; 0: only when something happens. `acts`: there will be something to do. */
void engine_set_due(struct engine *e, struct device *d, uint64_t due, bool acts);
/* Not before then, whatever happens; 0: at any time. */
void engine_hold(struct engine *e, struct device *d, uint64_t until);

/* Takes the next device out of a queue; NULL: it is empty. */
struct device *engine_next(struct engine *e, bool batch);
/* Takes out one that is queued. */
void dequeue(struct engine *e, struct device *d);

/* Will F's state say whether there is anything to do, and that much so that a transaction may begin with it?
 */
bool engine_glances(const struct engine *e, const struct device *d);

/* How long to wait after so many failures in a row. */
uint64_t engine_backoff(struct engine *e, const struct policy *p, unsigned failures);

#endif
