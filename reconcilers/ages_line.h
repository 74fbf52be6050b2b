/* SPDX-License-Identifier: MIT */
/* Ages as a line of text, in the file that outlives the daemon:
 *
 *   qdisk/7/51712 marker=<16 hex digits> ends=<B>,<F>,<online> [<what>=<value>[,<value>...]]...
 *
 * Which parts there are is in ages_line.c, in a table. A part that is not known, or that says what cannot be,
 * spoils its line: rather no age than a wrong one. Pure; values only. */
#ifndef XENRECON_AGES_LINE_H
#define XENRECON_AGES_LINE_H

#include "reconcilers/ages.h"

enum { AGES_LINE_SIZE = 1024 /* a buffer for a line */ };

/* Returns the length; the line has no newline. What does not fit is left out. */
size_t ages_line_format(const struct ages *a, char ret_line[static AGES_LINE_SIZE]);
/* NULL and *ret, or what is wrong with it: a phrase such as "says one thing twice". `now`: nothing is since
 * later. */
const char *ages_line_parse(const char *line, size_t len, uint64_t now, struct ages *ret);

#endif
