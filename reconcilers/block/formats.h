/* SPDX-License-Identifier: MIT */
/* Images in formats that we do not read: the guest's server of formats opens them (server.h), and does what
 * is asked of it by vhost-user.
 *
 * For before the process is locked in, since it connects by names of files. Errors are negative errno. */
#ifndef XENRECON_BLOCK_FORMATS_H
#define XENRECON_BLOCK_FORMATS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct disk_options;

/* Does the image name a format that is none of ours, or is it somewhere else? */
bool formats_wanted(const char *image);

/* Has the image opened by the server at that path. *ret_lease: while it is open, so is the image.
 * *ret_socket: for vhost_open(). */
int formats_open(const struct disk_options *options, const char *server, const char *name, int *ret_lease,
                 int *ret_socket, char ret_why[256]);

/* What has come by the lease since: the image's size is another one now, in bytes. False: nothing like it.
 * *ret_gone: nothing will ever come. */
bool formats_size(int lease, uint64_t *ret_size, bool *ret_gone);

/* A connection to the server at that path, or a negative errno. An answer is waited for for a minute. */
int formats_dial(const char *server);

/* Has the image closed, and waits until it is. Takes the lease over. */
void formats_close(int lease);

#endif
