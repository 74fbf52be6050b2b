/* SPDX-License-Identifier: MIT */
/* The end of what somebody has printed: the last TAIL_MAX bytes, as they came. Begins as zeroes; takes memory
 * with the first byte. No I/O; one thread. */
#ifndef XENRECON_TAIL_H
#define XENRECON_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TAIL_MAX = 4096 };

struct tail {
    char *text; /* TAIL_MAX bytes; NULL: nothing was ever printed */
    size_t len;
    uint64_t total; /* bytes that were ever printed */
};

void tail_add(struct tail *t, const char *text, size_t len);
void tail_clear(struct tail *t);

/* Calls `each` for the last `max` lines that are not empty, oldest first, made printable and cut to `size` -
 * 1 bytes in the buffer. The first line there is may lack its beginning, the last its end. */
void tail_lines(const struct tail *t, size_t max, char *buf, size_t size,
                void (*each)(void *arg, const char *line), void *arg);

/* The last line that is not empty, likewise; false: there is none. */
bool tail_last(const struct tail *t, char *buf, size_t size);

#endif
