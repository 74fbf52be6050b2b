/* SPDX-License-Identifier: MIT */
/* The terminal that our output goes to: its size, and whether it has colours. Also times for people. One
 * thread; nothing here fails. */
#ifndef XENRECON_SCREEN_H
#define XENRECON_SCREEN_H

#include <stdint.h>

#include "schemas/terminal.h"

/* Parses the argument of --color: always, never or auto, which is where stdout is a terminal, $NO_COLOR is
 * not set and $TERM is not `dumb`. -1: it is none of these. */
int screen_parse_colour(const char *text);
enum { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

/* stdout's; $COLUMNS and $LINES count more than what the terminal says. */
struct terminal screen_of_stdout(int colour);

enum { LOCAL_TIME_SIZE = 32 };
/* `2026-11-30 09:15:02` in the reader's time zone, as in logs; `?` where there is none. Returns buf. */
const char *local_time_format(uint64_t milliseconds, char buf[static LOCAL_TIME_SIZE]);

#endif
