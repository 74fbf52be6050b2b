/* SPDX-License-Identifier: MIT */
/* What a plan asks for beside writes, given out once these are there: scripts and workers. What has come of a
 * worker is asked for, not remembered here. What has come of a script waits in the device for its next look:
 * one that is under way when the script ends remembers, at its end, how things were at its beginning.
 *
 * One thread. A script's error is logged, and remembered for decisions. */
#ifndef XENRECON_ENGINE_TASKS_H
#define XENRECON_ENGINE_TASKS_H

#include "controller/engine/state.h"

/* Gives out the plan's tasks. */
void engine_start_tasks(struct engine *e, struct device *d, const struct plan *plan);
/* What the device's worker is like; false: it has none, and needs none. */
bool engine_look_at_worker(struct engine *e, const struct device *d, struct worker *ret_worker);
/* Takes in, before a look, what became of the device's last script. */
void engine_fold_script(struct engine *e, struct device *d);

#endif
