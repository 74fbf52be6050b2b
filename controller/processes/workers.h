/* SPDX-License-Identifier: MIT */
/* Supervises workers on the loop: starts them, speaks with them, ends them, and finds them again after a
 * restart of the controller. It keeps one rule by itself: never two workers for one device. A start waits
 * until the one before has ended, whatever that takes.
 *
 * What outlives this process is in the run directory (xenrecon-worker(7)): a record with the token of each
 * worker, and its state file. Processes are held by pidfd, so that a number that was given again is never
 * mistaken for a worker.
 *
 * A worker reads its token from a pipe (WORKER_TOKEN_FD), which is written when the record is there: if we
 * die before, it reads the end of a file, and there is no worker that nobody would find again.
 *
 * One thread, the loop's. Errors are negative errno. Times are milliseconds. */
#ifndef XENRECON_WORKERS_H
#define XENRECON_WORKERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "controller/processes/config.h"
#include "reconcilers/worker.h"
#include "schemas/device.h"
#include "schemas/policy/policy.h"

struct workers;

/* Does a policy want any? Did a run before this one leave records there? */
bool workers_wanted(const struct policy_set *set);
bool workers_left(const char *run_dir);

/* Makes the run directory, reads the records of workers that may still run, listens. 0, or an error that was
 * logged. */
int workers_new(const struct workers_config *config, struct workers **ret_workers);

/* Starts one, after the present one has ended if that is another incarnation's or being stopped. Nothing
 * happens where one of this incarnation runs. STARTING from now on, until it is ready or DEAD. */
void workers_start(struct workers *w, const struct worker_start *start);

/* To one that is READY: connect; to one that is CONNECTING or CONNECTED: disconnect. To others nothing
 * happens: whoever asked looks again when they have changed. */
void workers_connect(struct workers *w, const struct device_key *key, uint64_t ring,
                     const struct published *keys, size_t n_keys);
void workers_disconnect(struct workers *w, const struct device_key *key);

/* Ends it, if there is one, and forgets the device: `stop` and SIGTERM, SIGKILL 5 s later; its record and its
 * state file go when it has ended. */
void workers_stop(struct workers *w, const struct device_key *key);

/* Whichever of these an action's task is; nothing where it is none of theirs. */
void workers_do(struct workers *w, const struct device_key *key, const struct policy *policy,
                const struct action *a);

/* What is known of a device's worker; its strings are good until the loop turns or workers_start() or
 * workers_stop() is called for it. NONE when there is none. */
void workers_ask(struct workers *w, const struct device_key *key, struct worker *ret_worker);

/* The same for those who only want to tell of it: nobody counts as having asked. And its process, 0 when none
 * runs. False: there is no worker. */
bool workers_peek(const struct workers *w, const struct device_key *key, struct worker *ret_worker,
                  pid_t *ret_pid);

/* Every device has been looked at: workers found again that nobody has asked for with workers_ask() since
 * workers_new() are ended. Who looks before they have sees them STARTING, and then DEAD. */
void workers_sweep(struct workers *w);

unsigned workers_running(const struct workers *w); /* processes, those included that are being ended */
uint64_t workers_deaths(const struct workers *w);  /* of workers that were not told to end, ever */

/* Closes the sockets and forgets everything; the processes go on, to be found again. Gone when the loop has
 * turned. */
void workers_close(struct workers *w);

#endif
