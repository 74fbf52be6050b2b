/* SPDX-License-Identifier: MIT */
#include "controller/base/compat.h"

#include <linux/close_range.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__GLIBC__) && !defined(XENRECON_OLD_LIBC)
#define GLIBC_SINCE(minor) __GLIBC_PREREQ(2, minor)
#else
#define GLIBC_SINCE(minor) 0
#endif

#if GLIBC_SINCE(36)
#include <sys/pidfd.h>
#else
#define pidfd_open(pid, flags) (int)syscall(SYS_pidfd_open, pid, flags)
#define pidfd_send_signal(fd, number, info, flags) \
    (int)syscall(SYS_pidfd_send_signal, fd, number, info, flags)
#endif
#if !GLIBC_SINCE(34)
#define close_range(from, to, flags) (int)syscall(SYS_close_range, from, to, flags)
#endif

int compat_pidfd_open(pid_t pid)
{
    return pidfd_open(pid, 0);
}

int compat_pidfd_send_signal(int pidfd, int number)
{
    return pidfd_send_signal(pidfd, number, NULL, 0);
}

int compat_close_range_on_exec(unsigned from)
{
    return close_range(from, ~0U, CLOSE_RANGE_CLOEXEC);
}
