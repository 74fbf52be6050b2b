/* SPDX-License-Identifier: MIT */
/* Takes away from the process what it does not need once image, gntdev and the restricted evtchn are open.
 *
 * First, before there are threads, its rights (here): another root directory (with nothing but the
 * controller's socket in it), another user, no capabilities, none to be had by exec(); no abstract socket, no
 * signal to anybody else (Linux 6.12 and later). Then, when all threads
 * there will be run, system calls (calls.h). No open() is among those that are left: what the file system
 * holds is out of reach, whatever the user may read. Errors are negative errno. */
#ifndef XENRECON_BLOCK_JAIL_H
#define XENRECON_BLOCK_JAIL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct jail {
    const char *root; /* to change into, when we may */
    bool new_user;    /* become uid and gid */
    uid_t uid;
    gid_t gid;
};

/* ret_chrooted: paths are now as seen from `root`. */
int jail_rights(const struct jail *jail, bool *ret_chrooted);

#endif
