/* SPDX-License-Identifier: MIT */
/* What must be remembered of a worker over our own death, and the worker's state file: two files for each in
 * the run directory, named after the device. The record holds the worker's token: it is for nobody's eyes but
 * ours. Errors are negative errno. */
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
    pid_t pid;        /* of the worker that runs, or ran last; 0: it cannot run any more */
    uint64_t started; /* when, in ticks since boot: a later process of that number is another */
    uid_t uid;        /* that it runs as, or becomes */
    uint32_t create, connect, close; /* its policy's deadlines, milliseconds */
    uint32_t retry_initial, retry_max;
};

/* Replaces the device's record as a whole, or not at all. */
int worker_record_save(const struct run_dir *dir, const struct worker_record *record);

/* Removes the record and the state file. */
void worker_record_remove(const struct run_dir *dir, const struct device_key *key);

/* All that can be understood. A record that cannot is logged and removed, and so is a state file without a
 * record. Ends with the first error of `each`, or where a record cannot be read now but may be later: its
 * worker may be alive. */
int worker_record_each(const struct run_dir *dir, int (*each)(void *arg, const struct worker_record *record),
                       void *arg);

/* The device's state file, made if it is not there; `fresh`: a new one in its place. */
int worker_record_open_state(const struct run_dir *dir, const struct device_key *key, bool fresh,
                             int *ret_fd);

#endif
