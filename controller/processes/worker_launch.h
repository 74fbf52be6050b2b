/* SPDX-License-Identifier: MIT */
/* How a worker is to be started: a copy of the request, with the variables that every worker is given. It may
 * have to wait until the previous worker has ended. Owned by its holder; one thread. */
#ifndef XENRECON_WORKER_LAUNCH_H
#define XENRECON_WORKER_LAUNCH_H

#include "controller/processes/worker_process.h"
#include "controller/processes/workers_config.h"
#include "schemas/arena.h"

struct worker_launch {
    struct arena arena;
    uint64_t incarnation;
    struct worker_command command;
    uid_t uid;                       /* the user that it runs as, or will become by itself */
    uint32_t create, connect, close; /* deadlines, milliseconds */
    uint32_t retry_initial, retry_max;
    const char *wrong; /* why it cannot be started at all; NULL: it can */
};

/* `formats`: the socket of the server that it shares with others; NULL: there is none. `serves`: it is that
 * server. */
struct worker_launch *worker_launch_new(const struct worker_start *start, const char *socket,
                                        const char *formats, bool serves);
void worker_launch_free(struct worker_launch *l); /* NULL is fine */

#endif
