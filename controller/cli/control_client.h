/* SPDX-License-Identifier: MIT */
/* The other end of the control socket (controller/daemon/control_server.h): asks the running daemon, and
 * waits for its answer. Errors are negative errno, and said on stderr: what happened, why, and what to do.
 * Blocks, but not for ever; who waits at a terminal is shown so, until the caller ends that
 * (controller/base/progress.h). One thread. */
#ifndef XENRECON_ASK_H
#define XENRECON_ASK_H

#include <jansson.h>
#include <stdbool.h>

struct ask;

/* $XENRECON_RUNTIME_DIR, or /run/xenrecon. */
const char *ask_default_dir(void);

/* `quiet`: it is not said when no daemon runs there, -ENOENT or -ECONNREFUSED, or it is not for us to ask,
 * -EACCES. */
int ask_open(const char *run_dir, bool quiet, struct ask **ret_ask);
void ask_close(struct ask *a); /* NULL is fine */

/* `NAME` with further members, which are taken over (NULL: none); `line` is called for each line of the
 * answer that is neither an error nor its end. -ENODEV: the daemon knows no such device. -EPROTONOSUPPORT:
 * it is of another version. */
int ask_for(struct ask *a, const char *name, json_t *members, void (*line)(void *arg, const json_t *line),
            void *arg);

#endif
