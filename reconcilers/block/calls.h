/* SPDX-License-Identifier: MIT */
/* Which system calls the process may make, once it is locked in. Three kinds:
 *
 * - those on the list are made;
 * - those that nobody but an intruder wants (another program, another file, the network, the kernel) end the
 *   process with SIGSYS, after `forbidden` was told the call's name;
 * - all others answer ENOSYS, as from a kernel that has no such call, and each is said once. Which calls libc
 *   and libuv make is their own affair, and another with each version; with older kernels they cope. (A
 * thread more, which libc asks for with all signals blocked, is refused without a word.)
 *
 * No call of the last two kinds is ever made: the filter keeps it back, and raises SIGSYS. The kernel could
 * kill for a forbidden call by itself, but then nobody would know for which: the handler says it, and ends
 * the process. It cannot be got around: whoever sets another handler, or makes a forbidden call while SIGSYS
 * is blocked, is killed. Errors are negative errno. */
#ifndef XENRECON_BLOCK_CALLS_H
#define XENRECON_BLOCK_CALLS_H

#include <stdint.h>

/* A rule for this call in a filter of libseccomp's; none where this architecture has no such call. */
int calls_rule(void *filter, uint32_t action, int call);

/* Both are called by the handler, in any thread: nothing that could take a lock. */
struct calls_watch {
    void (*forbidden)(const char *name); /* the process ends when it returns */
    void (*unknown)(void);               /* there is one more for calls_say_unknown() */
};

/* Before there is a loop: libuv makes itself a ring of io_uring with it, and what is done by way of a ring
 * passes no filter. A ring of our own (uring.h) is made and restricted before this. */
int calls_without_rings(void);

/* For all threads. `watch` is copied. io_uring_enter() may be called for the ring of this descriptor; -1: for
 * none. */
int calls_restrict(const struct calls_watch *watch, int ring);

/* Says which calls were answered with ENOSYS for the first time since. Not in a handler. */
void calls_say_unknown(void);

#endif
