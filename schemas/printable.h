/* SPDX-License-Identifier: MIT */
/* Bytes that somebody else wrote, made fit for a terminal, a log and JSON: what is not a printable UTF-8
 * character comes out as `\xhh`. That covers control characters, broken encodings, and characters that hide,
 * break or reorder the text around them. */
#ifndef XENRECON_PRINTABLE_H
#define XENRECON_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "schemas/arena.h"

/* Bytes of the printable character at s (len > 0); 0: this byte must be escaped. */
size_t printable_char(const char *s, size_t len);

/* Fills buf (size > 0), NUL-terminated, and returns the length; a text that does not fit is cut, never within
 * an escape or a character. `quoted`: for between double quotes, so `"` and `\` get a backslash too. */
size_t printable_copy(char *buf, size_t size, const char *text, size_t len, bool quoted);

/* The whole text, in the arena. */
const char *printable(struct arena *a, const char *text);
const char *printable_quoted(struct arena *a, const char *text); /* with the quotes */

#endif
