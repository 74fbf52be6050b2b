/* SPDX-License-Identifier: MIT */
/* How a worker is to be started: a copy of what was asked for, with what every worker is given added. It may
 * have to wait until the worker before has ended. */
#ifndef XENRECON_WORKER_LAUNCH_H
#define XENRECON_WORKER_LAUNCH_H

#include "controller/processes/config.h"
#include "controller/processes/worker_process.h"
#include "schemas/arena.h"

struct worker_launch {
    struct arena arena;
    uint64_t incarnation;
    struct worker_command command;
    uid_t uid;                       /* that it is, or will become by itself */
    uint32_t create, connect, close; /* deadlines, milliseconds */
    uint32_t retry_initial, retry_max;
    const char *wrong; /* why it cannot be started at all; or NULL */
};

struct worker_launch *worker_launch_new(const struct worker_start *start, const char *socket);
void worker_launch_free(struct worker_launch *l); /* NULL is fine */

#endif
