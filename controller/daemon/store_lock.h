/* SPDX-License-Identifier: MIT */
/* One controller per store: two of them would undo each other's work.
 *
 * The lock belongs to the store (its socket's or device's st_dev and st_ino), not to a runtime directory, and
 * to the process: it goes with it, however it ends, and the file it leaves is no obstacle. A store that was
 * restarted has a new socket, thus another lock: close the old one first, and take the new. */
#ifndef XENRECON_LOCK_H
#define XENRECON_LOCK_H

#include <sys/types.h>

#include "controller/store/store_path.h"

/* 0, with a descriptor that holds the lock until it is closed. These are record locks of the process: taking
 * one twice in a process succeeds, and closing either gives it up. -EBUSY: another process has it,
 * *ret_holder (0: it is in another pid namespace). -ELOOP, -EPERM: somebody put something else in the lock's
 * place. Otherwise as stat(2), mkdir(2) and open(2) say. */
int store_lock(const char *store_path, int *ret_fd, pid_t *ret_holder);

#endif
