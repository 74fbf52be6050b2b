/* SPDX-License-Identifier: MIT */
/* Opens images for a program that may open none of them itself. Its calls to open a file wait for us, by
 * seccomp(2): what is on our list is opened here, with our rights, and put among its descriptors; all else it
 * may open with its own, those of a user who owns nothing. It can connect to nothing, and trace nobody.
 *
 * Linux 5.9 or later. One thread. Errors are negative errno. */
#ifndef XENRECON_BLOCK_OPENER_H
#define XENRECON_BLOCK_OPENER_H

#include <stdbool.h>

/* For the process that calls it, and whatever it becomes by exec(), for good. ret_listener: for
 * opener_serve() in another process. io_uring: it may have rings, and what is done by these passes none of
 * this, but for the rights that it lacks. */
int opener_restrict(bool io_uring, int *ret_listener);

struct opener_list {
    /* Is there an image of this name? *ret_writable: it may be opened for writing. */
    bool (*find)(void *arg, const char *path, bool *ret_writable);
    void *arg;
};

/* Answers a call that waits; to be called when `listener` is readable. */
void opener_serve(int listener, const struct opener_list *list);

#endif
