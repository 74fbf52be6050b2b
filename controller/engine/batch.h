/* SPDX-License-Identifier: MIT */
/* A batch: up to 16 devices looked at, decided and acted upon inside one transaction. All that a
 * decision relies on was read there, so that xenstored refuses the commit if any of it has changed since;
 * then nothing was written, and each device is looked at again in a transaction of its own, so that a busy
 * one cannot hurt the others twice.
 *
 * One thread. One batch at a time. */
#ifndef XENRECON_ENGINE_BATCH_H
#define XENRECON_ENGINE_BATCH_H

#include "controller/engine/state.h"

/* With the devices at the queue's head that want a transaction. */
void batch_start(struct engine *e);

#endif
