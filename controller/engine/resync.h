/* SPDX-License-Identifier: MIT */
/* Looks over the backend tree, or a part of it: every device that is known is marked, and what is listed and
 * not known yet becomes known. Done at the start, at intervals, and where an event says no more than that
 * something has changed somewhere. A part that cannot be listed is tried again with backoff.
 *
 * One thread. Errors are logged, once until it works again. */
#ifndef XENRECON_ENGINE_RESYNC_H
#define XENRECON_ENGINE_RESYNC_H

#include "controller/engine/state.h"

/* Looks at all that is known of a part of the tree, and for what is not known yet. */
void engine_look_over(struct engine *e, enum backend_place place, const struct device_key *at);
/* Looks at all that is known of it, and lists nothing. */
void mark_known(struct engine *e, enum backend_place place, const struct device_key *at);
/* Sets the time of the next full resync, with some jitter. */
void plan_resync(struct engine *e);

#endif
