/* SPDX-License-Identifier: MIT */
/* The images that a qemu-storage-daemon has open, each with a socket on which it is served by vhost-user-blk.
 *
 * Owns them. Waits for the daemon. One thread. Errors are told in words. */
#ifndef XENRECON_BLOCK_IMAGES_H
#define XENRECON_BLOCK_IMAGES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct image;
struct images;

struct image_options {
    const char *params; /* FORMAT:PATH */
    bool read_only, discard, direct;
};

struct images_config {
    int daemon;    /* a socket on which to speak with it, the caller's */
    int opener;    /* where its calls to open files wait for us (opener.h), likewise; -1: they do not */
    bool network;  /* it opens what is somewhere else, and nothing of this host */
    bool io_uring; /* it reads and writes by it, where the kernel lets it; else by threads */
    const char *directory; /* for the images' sockets; kept, not copied */
    const char *secrets;   /* the passphrase of an image is in the file of its path below this; likewise */
    uid_t owner;           /* who may have made such files, besides root */
};

struct images *images_new(const struct images_config *config, char ret_why[256]);
void images_free(struct images *s); /* the daemon closes what is open, and ends */

/* NULL, and ret_why: it cannot be opened. */
struct image *images_open(struct images *s, const struct image_options *options, char ret_why[256]);
void images_close(struct images *s, struct image *image); /* all that was written is in the file then */

/* Makes it so many bytes long, while it is in use; never shorter. 0, or a negative errno and ret_why. */
int images_grow(struct images *s, const struct image *image, uint64_t size, char ret_why[256]);

/* The daemon waits for a file to be opened. */
void images_serve(struct images *s);

/* A connection to what serves it, the caller's; or a negative errno. */
int image_connect(const struct image *image);

/* Can the daemon still be spoken with? */
bool images_well(const struct images *s);

#endif
