/* SPDX-License-Identifier: MIT */
/* A probe reads the values that may have changed, and no more than these: if each is as it was seen last,
 * there is nothing to look at, and otherwise the device is looked at in full.
 *
 * One thread. What cannot be read counts as changed: the look says what is wrong. */
#ifndef XENRECON_ENGINE_PROBE_H
#define XENRECON_ENGINE_PROBE_H

#include "controller/engine/state.h"

/* With a device that was seen before and is out of the queue. */
void probe_start(struct engine *e, struct device *d);

#endif
