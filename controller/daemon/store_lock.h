/* SPDX-License-Identifier: MIT */
/* One controller per store: two of them would undo each other's work.
 *
 * The lock belongs to the store (its socket's or device's st_dev and st_ino), not to a runtime directory, and
 * to the process: it is gone when the process is, however that ends, and the file that is left is no
 * obstacle. A restarted store has a new socket, and so another lock: the old one is closed first, and then
 * the new one is taken. */
#ifndef XENRECON_STORE_LOCK_H
#define XENRECON_STORE_LOCK_H

#include <sys/types.h>

#include "controller/store/store_path.h"

/* 0, with a descriptor that holds the lock until it is closed. These are record locks of the process: taking
 * one twice in a process succeeds, and closing either gives it up. -EBUSY: another process has it,
 * *ret_holder (0: it is in another pid namespace). -ELOOP, -EPERM: there is something else in the lock's
 * place. Otherwise as stat(2), mkdir(2) and open(2) say. */
int store_lock(const char *store_path, int *ret_fd, pid_t *ret_holder);

/* Gives the lock in *fd up (-1: there is none), and takes that of the store which is there now. Errors are as
 * above, and logged; *fd is -1 then. */
int store_lock_renew(int *fd);

#endif
