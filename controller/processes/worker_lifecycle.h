/* SPDX-License-Identifier: MIT */
/* A worker's life: launch -> (told to end -> killed) -> ended -> dead, forgotten, or the next one.
 *
 * One thread, the loop's. What goes wrong with a worker ends in DEAD and is logged. */
#ifndef XENRECON_WORKER_LIFECYCLE_H
#define XENRECON_WORKER_LIFECYCLE_H

#include "controller/processes/supervised.h"

int lifecycle_found(void *arg, const struct worker_record *record);        /* arg: the workers */
void lifecycle_launch(struct supervised *s, struct worker_launch *launch); /* takes it over; none runs */
void lifecycle_end(struct supervised *s);                     /* `stop` and SIGTERM, if it runs */
void lifecycle_kill(struct supervised *s, const char *cause); /* it will be DEAD */
void lifecycle_overdue(struct supervised *s);                 /* its deadline has passed */

#endif
