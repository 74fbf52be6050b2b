/* SPDX-License-Identifier: MIT */
/* The other end of the control socket (controller/daemon/control_server.h): asks the running daemon, and
 * waits for its answer, but not for ever. A terminal is shown that it waits, until the caller ends that
 * (controller/base/progress.h).
 *
 * The caller owns what is opened. One thread. Errors are negative errno, and logged: what happened, why, and
 * what to do. */
#ifndef XENRECON_CONTROL_CLIENT_H
#define XENRECON_CONTROL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

struct control_client;

/* $XENRECON_RUNTIME_DIR, or /run/xenrecon. */
const char *control_client_default_dir(void);

/* `quiet`: nothing is logged where no daemon runs (-ENOENT, -ECONNREFUSED), or we may not ask it (-EACCES).
 */
int control_client_open(const char *run_dir, bool quiet, struct control_client **ret_ask);
void control_client_close(struct control_client *a); /* NULL is fine */

/* Asks for `name`, with further members, which are taken over; NULL: none. `line` is called for each line of
 * the answer, but not for its end or an error. -ENODEV: the daemon knows no such device. -EPROTONOSUPPORT: it
 * is of another version. */
int control_client_request(struct control_client *a, const char *name, json_t *members,
                           void (*line)(void *arg, const json_t *line), void *arg);

#endif
