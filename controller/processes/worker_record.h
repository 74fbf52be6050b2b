/* SPDX-License-Identifier: MIT */
/* A worker's record, its state file and the pipe that it prints to: files in the run directory, named after
 * the device, which outlive this process. The record holds the worker's token, so only we may read it.
 *
 * The state file is locked as long as a process has it that was given it (flock(2): the lock belongs to the
 * open file that is handed on). So it can be known that a worker lives whatever its record says, and no other
 * is started beside it.
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

enum { WORKER_DIED_SIZE = 256 };

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
    /* How it went: deaths in a row since one served, and since one served for long; how the last of these
     * died, printable. Left out of a record where there were none. */
    uint32_t failures, streak;
    char died[WORKER_DIED_SIZE];
};

/* A token that nobody can guess. */
void worker_record_new_token(struct worker_record *record);

/* Replaces the device's record as a whole, or not at all. */
int worker_record_save(const struct run_dir *dir, const struct worker_record *record);

/* Is there one? */
bool worker_record_there(const struct run_dir *dir, const struct device_key *key);

/* Removes them all, but not a state file that is locked. */
void worker_record_remove(const struct run_dir *dir, const struct device_key *key);

struct worker_record_reader {
    /* A record that can be understood. */
    int (*each)(void *arg, const struct worker_record *record);
    /* There is none for this device, and its state file is locked. */
    int (*held)(void *arg, const struct device_key *key);
    void *arg;
};

/* Reads all that there are. A record that cannot be understood is logged; it is removed unless its state file
 * is locked, and so is what lacks a record. Ends with the first error of a callback, or with that of a record
 * which cannot be read now but may be later: its worker may be alive. */
int worker_record_read(const struct run_dir *dir, const struct worker_record_reader *reader);

/* Opens the device's state file, which is made if it is missing, and locks it. `fresh`: a new one takes its
 * place. -EBUSY: somebody has it. */
int worker_record_open_state(const struct run_dir *dir, const struct device_key *key, bool fresh,
                             int *ret_fd);

/* Does somebody have the state file? *ret_holder is one who does, 0: unknown. NULL: it is not looked for. */
bool worker_record_held(const struct run_dir *dir, const struct device_key *key, pid_t *ret_holder);

/* Makes a new pipe for the device's next worker: an end to read from, and one for reading and writing that is
 * the worker's, so that it does not die of SIGPIPE when we do. Neither end ever waits. */
int worker_record_new_output(const struct run_dir *dir, const struct device_key *key, int *ret_read,
                             int *ret_worker);

/* The end to read from of the pipe that there is; -ENOENT: there is none. */
int worker_record_open_output(const struct run_dir *dir, const struct device_key *key, int *ret_read);

#endif
