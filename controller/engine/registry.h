/* SPDX-License-Identifier: MIT */
/* Which devices there are: one becomes known with its first event or when it is listed, within its policy's
 * limit, and is forgotten with all that is remembered of it when B and everything held for it are gone.
 *
 * Owns the entries of the device table. One thread. A refusal is logged once between two resyncs. */
#ifndef XENRECON_ENGINE_REGISTRY_H
#define XENRECON_ENGINE_REGISTRY_H

#include "controller/engine/state.h"

/* The device, made if it is new; NULL when it is not for us. */
struct device *engine_know(struct engine *e, const struct device_key *key);
/* Frees it, and takes its watch away. It must not be queued. */
void remove_device(struct engine *e, struct device *d);

#endif
