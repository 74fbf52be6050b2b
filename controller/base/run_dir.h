/* SPDX-License-Identifier: MIT */
/* The run directory: what is shared with workers, and what outlives this process. Only what is ours alone to
 * change is used; nothing in it is reached through a symbolic link.
 *
 *   RUN/               for all to pass through
 *   RUN/worker/        likewise; holds nothing but the socket, so that a worker may make it its root
 *   RUN/worker/socket  for all to connect to
 *   RUN/control        ours only: the control socket (controller/daemon/control_server.h)
 *   RUN/reader         for a group as well: the same, for those who may only look
 *   RUN/ages           ours only: what is remembered of devices (controller/daemon/ages_file.h)
 *   RUN/formats/       to pass through: sockets of the servers that workers of a guest share, and, ours only,
 *                      records of these
 *   RUN/workers/       ours only: records, state files and pipes (controller/processes/worker_record.h)
 *
 * Errors are negative errno, and logged here. */
#ifndef XENRECON_RUN_DIR_H
#define XENRECON_RUN_DIR_H

#include <stdbool.h>
#include <sys/types.h>

struct run_dir {
    char *socket;                 /* the socket's path, absolute */
    int worker, records, formats; /* open directories */
};

/* Opens it, and makes what is missing. -EPERM: others may change it. */
int run_dir_open(const char *path, struct run_dir *ret_dir);

/* Opens it again where it or a part of it is not there any more, and makes what is missing. Returns 1 where
 * that was so. */
int run_dir_mend(const char *path, struct run_dir *dir);

void run_dir_close(struct run_dir *dir); /* only after run_dir_open() has succeeded */

/* Opens only the directory itself, and makes it if it is missing. The caller closes it. */
int run_dir_open_top(const char *path, int *ret_fd);

/* Puts a listening socket of this name and mode into an open directory, in the place of what was there. It is
 * of this group, or of ours with -1. The caller closes it. Errors are not logged. */
int run_dir_bind(int directory, const char *name, mode_t mode, gid_t group, int *ret_fd);

/* Opens a file of an open directory, which is made if `flags` say so. -EPERM: it is not of this type, or not
 * for us alone. Errors are not logged. The caller closes it. */
int run_dir_open_file(int directory, const char *name, mode_t type, int flags, int *ret_fd);

/* Puts a file with this text in the place of an earlier one, when it is whole. Errors are not logged. */
int run_dir_replace(int directory, const char *name, const char *text, size_t len);

/* Is there a file of this name? */
bool run_dir_has(int directory, const char *name);

/* The path to something of that name in RUN/formats. A string for free(). */
char *run_dir_formats_path(const struct run_dir *dir, const char *name);

/* Puts the workers' listening socket in the place of an earlier one. The caller closes it. */
int run_dir_listen(const struct run_dir *dir, int *ret_fd);

#endif
