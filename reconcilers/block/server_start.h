/* SPDX-License-Identifier: MIT */
/* How the server of formats comes to be: as the guest's user, with a daemon that it speaks with.
 *
 * Errors are told in words. */
#ifndef XENRECON_BLOCK_SERVER_START_H
#define XENRECON_BLOCK_SERVER_START_H

#include <stdbool.h>

struct server_start {
    int listening;         /* for workers */
    int daemon;            /* a socket to the daemon's monitor */
    int opener;            /* where its calls to open files wait */
    bool io_uring;         /* the daemon may use it */
    const char *directory; /* the user's, for sockets */
};

/* 0; or another number, and ret_why. */
int server_start(int argc, char **argv, struct server_start *ret, char ret_why[256]);

#endif
