/* SPDX-License-Identifier: MIT */
/* Ages and times as people read them. Values. */
#ifndef XENRECON_AGE_H
#define XENRECON_AGE_H

#include <stdbool.h>
#include <stdint.h>

enum { AGE_SIZE = 24, MOMENT_SIZE = 32 };

/* `0.4s`, `12s`, `5m10s`, `3h05m`, `2d04h`; `-` below 0. Returns buf. */
const char *age_format(double seconds, char buf[static AGE_SIZE]);
/* `2026-11-30 09:15:02 UTC`; milliseconds since 1970. Returns buf. */
const char *moment_format(uint64_t milliseconds, char buf[static MOMENT_SIZE]);
/* RFC 3339 in UTC, for programs: `2026-11-30T09:15:02.123Z`. Returns buf. */
const char *moment_rfc3339(uint64_t milliseconds, char buf[static MOMENT_SIZE]);
/* What that, or jtime() of schemas/json.h, has written. False: it is no such time, or NULL. */
bool moment_parse(const char *text, uint64_t *ret_milliseconds);

#endif
