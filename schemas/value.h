/* SPDX-License-Identifier: MIT */
/* A value read from the store: PRESENT, ABSENT or UNREADABLE. UNREADABLE is neither of the others: nothing is
 * ever decided from it. Store values are bytes; `text` is NUL-terminated for convenience but may hold more.
 */
#ifndef XENRECON_VALUE_H
#define XENRECON_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum presence {
    ABSENT,
    PRESENT,
    UNREADABLE,
};

struct value {
    enum presence presence;
    const char *text; /* not NULL when PRESENT */
    size_t len;
};

bool value_equal(const struct value *a, const struct value *b);

/* Strict decimal: digits only, no leading zero, at most max. 0 and *ret, or -EINVAL. */
int parse_decimal(const char *text, size_t len, uint64_t max, uint64_t *ret);

/* 64-bit FNV-1a over more bytes; begin with HASH_INIT. Not for secrets. */
#define HASH_INIT UINT64_C(0xcbf29ce484222325)
uint64_t hash_bytes(uint64_t hash, const void *data, size_t len);

#endif
