/* SPDX-License-Identifier: MIT */
/* What is known of a device from before this process: asked for once, when it can be told which device it is.
 * And the line that is to be kept of it, brought up to date when a reconcile ends (reconcilers/ages.h). */
#ifndef XENRECON_RECALL_H
#define XENRECON_RECALL_H

#include "controller/engine/state.h"
#include "reconcilers/decide.h"

/* Before the device is decided from `in`, whose memory is the device's. */
void recall_device(struct engine *e, struct device *d, const struct decision_input *in);
/* What is remembered of it is up to date. */
void recall_note(struct engine *e, struct device *d, const struct view *v);
/* It is about to be removed. */
void recall_forget(struct engine *e, struct device *d);

#endif
