/* SPDX-License-Identifier: MIT */
/* Supervises workers on the loop: starts them, speaks with them, ends them, and finds them again after a
 * restart of the controller. It keeps one rule by itself: never two workers for one device. A start waits
 * until the previous worker has ended, however long that takes.
 *
 * Each worker has a record with its token, and a state file, in the run directory (xenrecon-worker(7)): they
 * outlive this process. Processes are held by pidfd, so that another one that gets a worker's number is never
 * mistaken for it.
 *
 * A worker reads its token from a pipe (WORKER_TOKEN_FD), to which it is written once the record is there. If
 * we die before that, the worker reads the end of a file and ends: none is left that would not be found
 * again.
 *
 * One thread, the loop's. Errors are negative errno. Times are milliseconds. */
#ifndef XENRECON_WORKERS_H
#define XENRECON_WORKERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "controller/processes/workers_config.h"
#include "reconcilers/worker.h"
#include "schemas/device.h"
#include "schemas/policy/policy.h"

struct tail;
struct workers;

/* Does a policy of the set want workers? Did an earlier run leave records in the run directory? */
bool workers_wanted(const struct policy_set *set);
bool workers_left(const char *run_dir);

/* Makes the run directory, reads the records of workers that may still run, and listens. 0, or a negative
 * errno that was logged. */
int workers_new(const struct workers_config *config, struct workers **ret_workers);

/* Starts one. Where a worker of another incarnation runs, or one that is being stopped, this has to end
 * first. Nothing happens where one of the same incarnation runs. The state is STARTING until the worker is
 * ready or DEAD. */
void workers_start(struct workers *w, const struct worker_start *start);

/* Tells a READY worker to connect; a CONNECTING or CONNECTED one to disconnect. In other states nothing
 * happens: `changed` is called when there is a new one. */
void workers_connect(struct workers *w, const struct device_key *key, uint64_t ring,
                     const struct published *keys, size_t n_keys);
void workers_disconnect(struct workers *w, const struct device_key *key);

/* Ends the worker, if there is one, and forgets the device: `stop` and SIGTERM, and SIGKILL 5 s later. The
 * record and the state file go when it has ended. */
void workers_stop(struct workers *w, const struct device_key *key);

/* Does what the action's task asks for; nothing, where it is not about workers. */
void workers_do(struct workers *w, const struct device_key *key, const struct policy *policy,
                const struct action *a);

/* What is known of a device's worker; NONE: there is none, but one may be `ending`. The strings are good
 * until the loop turns, or until workers_start() or workers_stop() is called for it. See workers_sweep(). */
void workers_ask(struct workers *w, const struct device_key *key, struct worker *ret_worker);

/* The same, to show it: it does not count as asked for. *ret_pid is its process, 0: none runs. False: there
 * is no worker. */
bool workers_peek(const struct workers *w, const struct device_key *key, struct worker *ret_worker,
                  pid_t *ret_pid);

/* What the device's worker has printed last, and those before it; NULL: there is no worker. Good until the
 * loop turns. */
const struct tail *workers_printed(const struct workers *w, const struct device_key *key);

/* Ends the workers of an earlier run that workers_ask() was not called for since workers_new(); to be called
 * when every device has been reconciled. A device that asks before its worker has ended sees it STARTING, and
 * then DEAD. */
void workers_sweep(struct workers *w);

/* Makes again what is missing of the run directory: itself, its parts, the socket, records of workers that
 * run. An error is logged. */
void workers_mend(struct workers *w);

unsigned workers_running(const struct workers *w); /* processes, those that are being ended included */
uint64_t workers_deaths(const struct workers *w);  /* of workers that were not told to end, ever */

/* Closes the sockets and forgets everything; the processes go on, and are found again by the next run. Freed
 * when the loop has turned. */
void workers_close(struct workers *w);

#endif
