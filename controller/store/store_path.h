/* SPDX-License-Identifier: MIT */
/* Where the store is, and how to open it. The caller owns the descriptor. Any thread. Errors are negative
 * errno. */
#ifndef XENRECON_STORE_PATH_H
#define XENRECON_STORE_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* The store's path, found as libxenstore does it: $XENSTORED_PATH alone where it is set; otherwise the socket
 * in $XENSTORED_RUNDIR or /run/xenstored; otherwise the kernel's device, /dev/xen/xenbus. If none of them is
 * there, the socket. Returns buf; NULL: the path does not fit. */
const char *store_path_default(char *buf, size_t size);

/* Opens a connection that does not block; path NULL: the default. *ret_device: it is the kernel's device,
 * which takes one whole message per write(2), at any time. */
int store_path_open(const char *path, bool *ret_device);

/* What to do when the store cannot be opened. */
#define STORE_HINT "is xenstored running? XENSTORED_PATH says where its socket is, if not at the usual place"

#endif
