/* SPDX-License-Identifier: MIT */
/* Numbers for a monitoring system, in Prometheus' text format; names, units and labels by its conventions. No
 * label has more values than the program or its policies have words, so that no guest can make series. The
 * page is made from the status (controller/daemon/status.h) and from what is counted here. Pure but for what
 * it is given. */
#ifndef XENRECON_METRICS_H
#define XENRECON_METRICS_H

#include <stdio.h>

#include "controller/engine/engine.h"

enum { METRICS_BUCKETS = 13 };

/* Begins as zeroes. */
struct metrics {
    uint64_t retries, conflicts;
    uint64_t actions[ACTION_COUNT];
    uint64_t
        took[METRICS_BUCKETS + 1]; /* reconciles, by how long they took; the last: longer than all buckets */
    uint64_t took_sum;             /* microseconds */
};

void metrics_count(struct metrics *m, const struct reconciled *r);

struct status;
/* `now` in milliseconds since 1970; `up`: the daemon goes on after this. */
void metrics_print(const struct metrics *m, const struct status *s, uint64_t now, bool up, FILE *to);

#endif
