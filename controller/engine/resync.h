/* SPDX-License-Identifier: MIT */
/* Looks over the backend tree, or a part of it: devices that are known are queued, and those that are listed
 * and not known yet become known. Done at the start, at intervals, and where an event says only that
 * something has changed somewhere below. A part that cannot be listed is tried again with backoff.
 *
 * One thread. Errors are logged, once until listing works again. */
#ifndef XENRECON_ENGINE_RESYNC_H
#define XENRECON_ENGINE_RESYNC_H

#include "controller/engine/state.h"

/* Looks over one part: all, a type, or a type and domain. */
void resync_part(struct engine *e, enum backend_place place, const struct device_key *at);
/* Looks over everything, and sets the time of the next full resync. */
void resync_all(struct engine *e);
/* For backend_tree_list(), with the engine for `arg` and e->listings counted up before: takes in a device,
 * and the end of the listing. */
void resync_found(void *arg, const struct device_key *key);
void resync_listed(void *arg, int status);
/* Queues what is known of a part, and lists nothing. */
void resync_mark(struct engine *e, enum backend_place place, const struct device_key *at);
/* Sets the time of the next full resync, with jitter of a tenth to either side. */
void resync_schedule(struct engine *e);

#endif
