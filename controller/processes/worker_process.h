/* SPDX-License-Identifier: MIT */
/* One worker's process, started by us or found again after our restart. It is held by a pidfd, which is
 * watched on the loop, so that another process that gets its number is never mistaken for it. It leads a
 * session and a process group of its own. What is left of the group when it ends is killed.
 *
 * It owns itself: freed when the loop has turned after worker_process_close(). One thread, the loop's. Errors
 * are negative errno. */
#ifndef XENRECON_WORKER_PROCESS_H
#define XENRECON_WORKER_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct uv_loop_s;
struct worker_process;

enum {
    WORKER_TOKEN_FD = 3, /* as xenrecon-worker(7) has it */
    WORKER_STATE_FD = 4,
    WORKER_LISTEN_FD = 5, /* of one that others connect to */
};

struct worker_exit {
    bool known; /* false: it was not our child */
    int status, signal;
};

struct worker_process_config {
    struct uv_loop_s *loop;
    void (*ended)(void *arg, const struct worker_exit *how); /* never from inside a call */
    void *arg;
};

struct worker_command {
    char **argv, **env; /* end in NULL */
    bool scoped;        /* it reaches no other processes (worker_scope.h) */
    bool as_user;       /* it runs as uid and gid, and in no other group; false: as we do */
    uid_t uid;
    gid_t gid;
    uint32_t open_files, memory, file_size; /* limits, as in the policy; 0: as we have them */
};

/* What it gets of ours. */
struct worker_descriptors {
    int state, output; /* output: to print to */
    int listen;        /* -1: none */
};

/* Starts one with these descriptors. It waits for its
 * token. On an error, ret_step is what could not be done, such as "its user"; NULL: the program could not be
 * run. */
int worker_process_spawn(const struct worker_process_config *config, const struct worker_command *command,
                         const struct worker_descriptors *fds, struct worker_process **ret_process,
                         const char **ret_step);

/* Gives it the token. If we die before we have saved its record, it reads the end of a file instead. */
int worker_process_give_token(struct worker_process *p, const char *token);

/* Finds the process of that number that was started at that time; -ESRCH: it is gone. */
int worker_process_find(const struct worker_process_config *config, pid_t pid, uint64_t started,
                        struct worker_process **ret_process);

pid_t worker_process_pid(const struct worker_process *p);
uint64_t worker_process_started(const struct worker_process *p);
void worker_process_signal(struct worker_process *p, int signal); /* to the process, not to its group */
void worker_process_close(struct worker_process *p);              /* the process goes on */

/* When the process of that number was started, in ticks since boot; -ESRCH: there is none. */
int worker_process_start_time(pid_t pid, uint64_t *ret_started);

#endif
