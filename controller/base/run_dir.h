/* SPDX-License-Identifier: MIT */
/* The run directory: what is shared with workers, and what outlives this process. Only what is ours alone to
 * change is used; nothing in it is reached through a symbolic link.
 *
 *   RUN/               for all to pass through
 *   RUN/worker/        likewise; holds nothing but the socket, so that a worker may make it its root
 *   RUN/worker/socket  for all to connect to
 *   RUN/control        ours only: the control socket (controller/daemon/control_server.h)
 *   RUN/workers/       ours only: records and state files (controller/processes/worker_record.h)
 *
 * Errors are negative errno, and logged here. */
#ifndef XENRECON_RUN_DIR_H
#define XENRECON_RUN_DIR_H

#include <sys/types.h>

struct run_dir {
    char *socket;        /* its path, absolute */
    int worker, records; /* open directories */
};

/* Makes what is missing. -EPERM: it is not ours alone to change. */
int run_dir_open(const char *path, struct run_dir *ret_dir);
void run_dir_close(struct run_dir *dir); /* after run_dir_open() */

/* Only the directory itself, made if it is missing; for the caller to close. */
int run_dir_open_top(const char *path, int *ret_fd);

/* A socket of that name and mode in the place of whatever was there, beneath an open directory: listening,
 * for the caller to close. Not logged. */
int run_dir_bind(int directory, const char *name, mode_t mode, int *ret_fd);

/* A socket in the place of whatever socket was there, listening, for the caller to close. */
int run_dir_listen(const struct run_dir *dir, int *ret_fd);

#endif
