/* SPDX-License-Identifier: MIT */
#include "schemas/value.h"

#include <errno.h>
#include <string.h>

bool value_equal(const struct value *a, const struct value *b)
{
    if (a->presence != b->presence)
        return false;
    return a->presence != PRESENT || (a->len == b->len && memcmp(a->text, b->text, a->len) == 0);
}

int parse_decimal(const char *text, size_t len, uint64_t max, uint64_t *ret)
{
    uint64_t n = 0;
    if (len == 0 || (len > 1 && text[0] == '0'))
        return -EINVAL;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned char)text[i] - (unsigned)'0';
        if (digit > 9 || __builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, digit, &n))
            return -EINVAL;
    }
    if (n > max)
        return -EINVAL;
    *ret = n;
    return 0;
}

uint64_t hash_bytes(uint64_t hash, const void *data, size_t len)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    return hash;
}
