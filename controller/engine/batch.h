/* SPDX-License-Identifier: MIT */
/* A batch: up to 16 devices reconciled inside one transaction. All that a decision relies on was read there,
 * so that xenstored refuses the commit if any of it has changed since. Then nothing was written, and each
 * device is reconciled again in a transaction of its own: a busy one cannot hurt the others twice.
 *
 * One batch at a time; it owns itself. One thread. An error of the store ends it for every device in it. */
#ifndef XENRECON_ENGINE_BATCH_H
#define XENRECON_ENGINE_BATCH_H

#include "controller/engine/state.h"

/* With the devices at the queue's head that want a transaction. */
void batch_start(struct engine *e);

#endif
