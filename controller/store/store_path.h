/* SPDX-License-Identifier: MIT */
/* Where the store is, and a way in. */
#ifndef XENRECON_STORE_PATH_H
#define XENRECON_STORE_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* As libxenstore finds it: $XENSTORED_PATH alone where it is set; else the socket in $XENSTORED_RUNDIR or
 * /run/xenstored; else the device of the kernel, /dev/xen/xenbus. With none of them there, the socket.
 * Returns buf, or NULL when the path does not fit. */
const char *store_default_path(char *buf, size_t size);

/* A connection that does not block, of the caller; path NULL: the default. *ret_device: it is the kernel's
 * device, which takes one whole message per write(2), at any time. Or a negative errno. */
int store_open(const char *path, bool *ret_device);

/* What to do when it cannot be opened. */
#define STORE_HINT "is xenstored running? XENSTORED_PATH says where its socket is, if not at the usual place"

#endif
