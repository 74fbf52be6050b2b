/* SPDX-License-Identifier: MIT */
/* A worker's life: launched, told to end, killed where that does not help, ended; and then dead, forgotten or
 * followed by the next one. The `supervised` belongs to the table.
 *
 * One thread, the loop's. A worker that fails is DEAD, and that is logged. */
#ifndef XENRECON_WORKER_LIFECYCLE_H
#define XENRECON_WORKER_LIFECYCLE_H

#include "controller/processes/supervised.h"

int lifecycle_found(
    void *arg, const struct worker_record *record); /* a record of an earlier run; `arg` is the workers */
int lifecycle_held(void *arg,
                   const struct device_key *key); /* a worker of an earlier run, of whom there is no record */
void lifecycle_launch(struct supervised *s,
                      struct worker_launch *launch); /* takes the launch over; no process runs */
void lifecycle_end(struct supervised *s); /* tells its process to end, if one runs: `stop` and SIGTERM */
void lifecycle_kill(struct supervised *s, const char *cause); /* kills its process: it will be DEAD */
void lifecycle_overdue(struct supervised *s); /* what to do now that its deadline has passed */

#endif
