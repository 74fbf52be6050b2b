/* SPDX-License-Identifier: MIT */
/* How the server of formats comes to be: as the guest's user, with a daemon that it speaks with.
 *
 * Errors are told in words. */
#ifndef XENRECON_BLOCK_SERVER_START_H
#define XENRECON_BLOCK_SERVER_START_H

#include "reconcilers/block/images.h"

struct server_start {
    int listening; /* for workers; -1: there is but one */
    int worker;    /* this one; -1: they connect */
    struct images_config images;
    char *directory; /* for free(); the one of images */
};

/* 0; or another number, and ret_why. */
int server_start(int argc, char **argv, struct server_start *ret, char ret_why[256]);
int server_start_network(int argc, char **argv, struct server_start *ret, char ret_why[256]);

#endif
