/* SPDX-License-Identifier: MIT */
/* System calls that glibc has functions for only since 2.34 (close_range) and 2.36 (pidfd_*), and musl has
 * none for at all: there they are made directly. Returns and errno are theirs. XENRECON_OLD_LIBC makes them
 * directly anyway. */
#ifndef XENRECON_COMPAT_H
#define XENRECON_COMPAT_H

#include <sys/resource.h>
#include <sys/types.h>

/* The type of getrlimit()'s first argument */
#ifdef __GLIBC__
typedef __rlimit_resource_t compat_resource;
#else
typedef int compat_resource;
#endif

int compat_pidfd_open(pid_t pid);
int compat_pidfd_send_signal(int pidfd, int number);
/* Has exec close the descriptors from this one on. */
int compat_close_range_on_exec(unsigned from);

#endif
