/* SPDX-License-Identifier: MIT */
/* The server of formats of one guest: opens images for that guest's workers by a qemu-storage-daemon that it
 * runs for all of them. Started by the controller when a worker first connects to it; ends by itself when
 * nobody has needed it for a while.
 *
 * A worker says which image it wants, and gets a connection to a vhost-user-blk server for it. The image is
 * open for as long as that connection is, so a worker that dies leaves none open. When the daemon dies, so
 * does the server, and the workers' connections with it.
 *
 * Until it has become the guest's user, it does nothing but that: images it opens as that user. One thread.
 */
#ifndef XENRECON_BLOCK_SERVER_H
#define XENRECON_BLOCK_SERVER_H

#include <stdbool.h>

/* What is behind the option that leads here. `network`: for one worker, of images that are reached over a
 * network, as a unit of systemd's (xenrecon-network@.service). Returns the status to exit with. */
int server_main(int argc, char **argv, bool network);

#endif
