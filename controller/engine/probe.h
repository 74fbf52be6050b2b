/* SPDX-License-Identifier: MIT */
/* A probe reads the values that may have changed, and no more than these. If each is as it was read last,
 * there is nothing to reconcile; otherwise the device is queued for a pass or a batch.
 *
 * One thread. A value that cannot be read counts as changed: the pass says what is wrong. */
#ifndef XENRECON_ENGINE_PROBE_H
#define XENRECON_ENGINE_PROBE_H

#include "controller/engine/state.h"

/* The device was read before, and is out of the queue. */
void probe_start(struct engine *e, struct device *d);

#endif
