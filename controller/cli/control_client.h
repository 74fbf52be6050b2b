/* SPDX-License-Identifier: MIT */
/* The other end of the control socket (controller/daemon/control_server.h): asks the running daemon, and
 * waits for its answer. Errors are negative errno, and said on stderr: what happened, why, and what to do.
 * Blocks, but not for ever; who waits at a terminal is shown so, until the caller ends that
 * (controller/base/progress.h). One thread. */
#ifndef XENRECON_CONTROL_CLIENT_H
#define XENRECON_CONTROL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

struct control_client;

/* $XENRECON_RUNTIME_DIR, or /run/xenrecon. */
const char *control_client_default_dir(void);

/* `quiet`: it is not said when no daemon runs there, -ENOENT or -ECONNREFUSED, or it is not for us to ask,
 * -EACCES. */
int control_client_open(const char *run_dir, bool quiet, struct control_client **ret_ask);
void control_client_close(struct control_client *a); /* NULL is fine */

/* `NAME` with further members, which are taken over (NULL: none); `line` is called for each line of the
 * answer that is neither an error nor its end. -ENODEV: the daemon knows no such device. -EPROTONOSUPPORT:
 * it is of another version. */
int control_client_request(struct control_client *a, const char *name, json_t *members,
                           void (*line)(void *arg, const json_t *line), void *arg);

#endif
