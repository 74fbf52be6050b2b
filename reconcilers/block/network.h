/* SPDX-License-Identifier: MIT */
/* Images that are somewhere else, and how a program of QEMU's is told of them. Names only: nothing is
 * connected to. */
#ifndef XENRECON_BLOCK_NETWORK_H
#define XENRECON_BLOCK_NETWORK_H

#include <jansson.h>

/* The address in what a toolstack calls an image, behind its format if there is one; NULL: it is none. */
const char *network_address(const char *params);

/* Its options, as blockdev-add has them for the protocol. A new reference; NULL and ret_why: it is no address
 * of its kind. */
json_t *network_options(const char *address, char ret_why[256]);

#endif
