/* SPDX-License-Identifier: MIT */
/* A pass: snapshot and decision outside any transaction. It writes nothing; where there is something to
 * write, the device is looked at again in a batch.
 *
 * One thread. */
#ifndef XENRECON_ENGINE_PASS_H
#define XENRECON_ENGINE_PASS_H

#include "controller/engine/state.h"

/* With a device that is out of the queue. */
void pass_start(struct engine *e, struct device *d);

#endif
