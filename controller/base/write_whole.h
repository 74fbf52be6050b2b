/* SPDX-License-Identifier: MIT */
/* Writes all of it, however many calls that takes. 0, or a negative errno: some of it may be written. Any
 * thread. */
#ifndef XENRECON_WRITE_WHOLE_H
#define XENRECON_WRITE_WHOLE_H

#include <stddef.h>

int write_whole(int fd, const char *data, size_t len);

#endif
