/* SPDX-License-Identifier: MIT */
/* What a worker of a policy's user may reach of other processes: with Linux 6.12 and later it can neither
 * signal nor trace them, nor connect to their abstract sockets (landlock(7)); those that it starts are with
 * it. Files, and sockets that are files, are as they were. Older kernels do without.
 *
 * For the child between fork() and execve(): nothing but system calls. Returns 0, or a negative errno. */
#ifndef XENRECON_WORKER_SCOPE_H
#define XENRECON_WORKER_SCOPE_H

int worker_scope_enter(void);

#endif
