/* SPDX-License-Identifier: MIT */
/* What ioctl(2) is asked for, in the type that the libc wants: musl's takes an int. */
#ifndef XENRECON_BLOCK_IOCTL_NUMBER_H
#define XENRECON_BLOCK_IOCTL_NUMBER_H

#ifdef __GLIBC__
#define IOCTL_NUMBER(n) (n)
#else
#define IOCTL_NUMBER(n) ((int)(n))
#endif

#endif
