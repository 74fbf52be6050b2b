/* SPDX-License-Identifier: MIT */
/* A worker's record, its state file and the pipe that it prints to: files in the run directory, named after
 * the device, which outlive this process. The record holds the worker's token, so only we may read it.
 *
 * One thread; blocks on the file system. Errors are negative errno. */
#ifndef XENRECON_WORKER_RECORD_H
#define XENRECON_WORKER_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "controller/base/run_dir.h"
#include "schemas/device.h"
#include "schemas/message.h"

struct worker_record {
    struct device_key key;
    uint64_t incarnation; /* of the device */
    char token[TOKEN_DIGITS + 1];
    pid_t pid; /* the process that runs, or ran last; 0: it cannot run any more */
    uint64_t
        started; /* when that was started, in ticks since boot: a later process of its number is another */
    uid_t uid;   /* the user that it runs as, or becomes */
    uint32_t create, connect, close; /* its policy's deadlines, milliseconds */
    uint32_t retry_initial, retry_max;
};

/* Replaces the device's record as a whole, or not at all. */
int worker_record_save(const struct run_dir *dir, const struct worker_record *record);

/* Removes them all. */
void worker_record_remove(const struct run_dir *dir, const struct device_key *key);

/* Calls `each` for every record that can be understood. One that cannot is logged and removed, and so is
 * what lacks a record. Ends with the first error of `each`, or with that of a record which cannot be
 * read now but may be later: its worker may be alive. */
int worker_record_each(const struct run_dir *dir, int (*each)(void *arg, const struct worker_record *record),
                       void *arg);

/* Opens the device's state file, which is made if it is missing. `fresh`: a new one takes its place. */
int worker_record_open_state(const struct run_dir *dir, const struct device_key *key, bool fresh,
                             int *ret_fd);

/* Makes a new pipe for the device's next worker: an end to read from, and one for reading and writing that is
 * the worker's, so that it does not die of SIGPIPE when we do. Neither end ever waits. */
int worker_record_new_output(const struct run_dir *dir, const struct device_key *key, int *ret_read,
                             int *ret_worker);

/* The end to read from of the pipe that there is; -ENOENT: there is none. */
int worker_record_open_output(const struct run_dir *dir, const struct device_key *key, int *ret_read);

#endif
