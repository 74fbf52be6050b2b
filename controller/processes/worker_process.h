/* SPDX-License-Identifier: MIT */
/* One worker's process, whether we started it or found it again after our restart: held by a pidfd, so that a
 * number that was given again is never mistaken for it, and watched by that on the loop. It leads a session
 * and a process group of its own, and what is left of that group when it ends is killed with it.
 *
 * It is its own object: gone when the loop has turned after worker_process_close(). Errors are negative
 * errno. */
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
    bool as_user;       /* as uid and gid, and in no other group; else as we are */
    uid_t uid;
    gid_t gid;
    uint32_t open_files, memory; /* as in the policy; 0: as we have it */
};

/* Starts one, with the state file as its descriptor. It has no token yet, and waits for it. */
int worker_process_spawn(const struct worker_process_config *config, const struct worker_command *command,
                         int state_fd, struct worker_process **ret_process);

/* Lets it have the token. A worker that never gets it, because we died before it was remembered, reads the
 * end of a file instead. */
int worker_process_give_token(struct worker_process *p, const char *token);

/* The one that was started at that time; -ESRCH: it is gone. */
int worker_process_find(const struct worker_process_config *config, pid_t pid, uint64_t started,
                        struct worker_process **ret_process);

pid_t worker_process_pid(const struct worker_process *p);
uint64_t worker_process_started(const struct worker_process *p);
void worker_process_signal(struct worker_process *p, int signal); /* to the one process */
void worker_process_close(struct worker_process *p);              /* forgets it: it goes on */

/* When the process of that number was started, in ticks since boot; -ESRCH: there is none. */
int worker_process_start_time(pid_t pid, uint64_t *ret_started);

#endif
