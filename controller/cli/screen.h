/* SPDX-License-Identifier: MIT */
/* The terminal that our output goes to: its size, and whether it has colours. Also times for people. One
 * thread; nothing here fails. */
#ifndef XENRECON_SCREEN_H
#define XENRECON_SCREEN_H

#include <stdint.h>

#include "schemas/terminal.h"

/* Takes the argument of --color: always, never or auto, which is where stdout is a terminal, $NO_COLOR is not
 * set and $TERM is not `dumb`. STATUS_OK; or STATUS_USAGE, having logged that it is none of these. */
int screen_take_colour(const char *command, const char *text, int *ret_colour);
enum { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

/* stdout's; $COLUMNS and $LINES count more than what the terminal says. */
struct terminal screen_of_stdout(int colour);

enum { LOCAL_TIME_SIZE = 32 };
/* `2026-11-30 09:15:02` in the reader's time zone, as in logs; `?` where there is none. Returns buf. */
const char *local_time_format(uint64_t milliseconds, char buf[static LOCAL_TIME_SIZE]);

#endif
