/* SPDX-License-Identifier: MIT */
/* What a plan asks for beside writes, given out once these are there: scripts and workers. A worker's state
 * is asked for each time. A script's end is kept in the device until that is next reconciled: a reconcile
 * that is under way remembers, at its end, how things were at its beginning.
 *
 * One thread. A script's error is logged, and kept for decisions. */
#ifndef XENRECON_ENGINE_TASKS_H
#define XENRECON_ENGINE_TASKS_H

#include "controller/engine/state.h"

/* Gives out the plan's tasks. */
void tasks_start(struct engine *e, struct device *d, const struct plan *plan);

/* What the device's worker is like; false: it has none, and needs none. */
bool tasks_ask_worker(struct engine *e, const struct device *d, struct worker *ret_worker);
void tasks_worker_changed(struct engine *e, const struct device_key *key);

/* The script of this device has ended. `key` is formatted; it may be of a device that is gone. */
void tasks_script_done(struct engine *e, const char *key, int error, const char *said);
/* Takes in how the device's last script has ended. */
void tasks_update_script(struct engine *e, struct device *d);

#endif
