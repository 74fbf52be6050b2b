/* SPDX-License-Identifier: MIT */
/* A pass: snapshot and decision outside any transaction. It writes nothing: where there is something to
 * write, the device is queued for a batch.
 *
 * One thread. Errors of the store end it, and the device is reconciled again when the store is back. */
#ifndef XENRECON_ENGINE_PASS_H
#define XENRECON_ENGINE_PASS_H

#include "controller/engine/state.h"

/* The device is out of the queue. */
void pass_start(struct engine *e, struct device *d);

#endif
