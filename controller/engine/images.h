/* SPDX-License-Identifier: MIT */
/* Which devices write to one image: what each writes to is taken from what was read of it and from its
 * worker; those who come to share one with another, or do no longer, are queued to say so.
 *
 * One thread. Costs nothing while nobody shares anything. */
#ifndef XENRECON_ENGINE_IMAGES_H
#define XENRECON_ENGINE_IMAGES_H

#include "controller/engine/state.h"

/* Before the device is decided on. `worker` is NULL where none is run. What was not read is as it was. */
void images_update(struct engine *e, struct device *d, const struct policy *policy, const struct view *view,
                   const struct worker *worker);
void images_forget(struct engine *e, struct device *d);

#endif
