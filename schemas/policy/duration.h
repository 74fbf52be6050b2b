/* SPDX-License-Identifier: MIT */
/* Durations as people write them: `0`, `250ms`, `10s`, `5m`, `1h`. In milliseconds, at most 7 days. */
#ifndef XENRECON_DURATION_H
#define XENRECON_DURATION_H

#include <stddef.h>
#include <stdint.h>

enum {
    DURATION_MAX = 7 * 24 * 60 * 60 * 1000,
    DURATION_SIZE = 16,
};

/* 0 and *ret; -EINVAL, or -ERANGE when it is too long, or -ENOTSUP when it is a number without a unit. */
int duration_parse(const char *text, size_t len, uint32_t *ret);
/* In the largest unit that loses nothing; returns buf. */
const char *duration_format(uint32_t duration, char buf[static DURATION_SIZE]);

#endif
