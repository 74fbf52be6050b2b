/* SPDX-License-Identifier: MIT */
/* The images that a qemu-storage-daemon has open, each with a socket on which it is served by vhost-user-blk.
 *
 * Owns them. Waits for the daemon. One thread. Errors are told in words. */
#ifndef XENRECON_BLOCK_IMAGES_H
#define XENRECON_BLOCK_IMAGES_H

#include <stdbool.h>

struct image;
struct images;

struct image_options {
    const char *params; /* FORMAT:PATH */
    bool read_only, discard, direct;
};

/* Speaks with the daemon over this socket, which stays the caller's, as does the other one, where its calls
 * to open files wait for us (opener.h). The sockets are made in the directory, whose name is kept. io_uring:
 * the daemon reads and writes by it, where the kernel lets it; else by threads. */
struct images *images_new(int daemon, int opener, const char *directory, bool io_uring, char ret_why[256]);
void images_free(struct images *s); /* the daemon closes what is open, and ends */

/* NULL, and ret_why: it cannot be opened. */
struct image *images_open(struct images *s, const struct image_options *options, char ret_why[256]);
void images_close(struct images *s, struct image *image); /* all that was written is in the file then */

/* The daemon waits for a file to be opened. */
void images_serve(struct images *s);

const char *image_socket(const struct image *image);

/* Can the daemon still be spoken with? */
bool images_well(const struct images *s);

#endif
