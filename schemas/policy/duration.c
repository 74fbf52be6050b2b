/* SPDX-License-Identifier: MIT */
#include "schemas/policy/duration.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "schemas/value.h"

/* The longest first: duration_format() takes the first that divides. */
static const struct unit {
    const char *name;
    uint32_t ms;
} units[] = {{"h", 60 * 60 * 1000}, {"m", 60 * 1000}, {"s", 1000}, {"ms", 1}};

enum { UNITS = sizeof units / sizeof units[0] };

int duration_parse(const char *text, size_t len, uint32_t *ret)
{
    uint64_t n;
    size_t digits = 0;
    while (digits < len && text[digits] >= '0' && text[digits] <= '9')
        digits++;
    if (digits == 0)
        return -EINVAL;
    for (size_t i = 0; i < UNITS; i++) {
        size_t unit = strlen(units[i].name);
        if (len - digits != unit || memcmp(text + digits, units[i].name, unit) != 0)
            continue;
        if (digits > 1 && text[0] == '0')
            return -EINVAL;
        if (parse_decimal(text, digits, DURATION_MAX / units[i].ms, &n))
            return -ERANGE;
        *ret = (uint32_t)n * units[i].ms;
        return 0;
    }
    if (digits != len)
        return -EINVAL;
    if (len != 1 || text[0] != '0')
        return -ENOTSUP;
    *ret = 0;
    return 0;
}

const char *duration_format(uint32_t duration, char buf[static DURATION_SIZE])
{
    if (duration == 0)
        return memcpy(buf, "0", sizeof "0");
    for (size_t i = 0; i < UNITS; i++) /* GCOVR_EXCL_BR_LINE: the last unit divides everything */
        if (duration % units[i].ms == 0) {
            snprintf(buf, DURATION_SIZE, "%" PRIu32 "%s", duration / units[i].ms, units[i].name);
            break;
        }
    return buf;
}
