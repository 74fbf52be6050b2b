/* SPDX-License-Identifier: MIT */
/* What a worker says on standard error, which is the controller's: `xenrecon-blk qdisk/7/51712: …`, one line
 * a call. Nothing that a guest wrote goes in here. Any thread. */
#ifndef XENRECON_BLOCK_SAY_H
#define XENRECON_BLOCK_SAY_H

void say_as(const char *device); /* kept, not copied */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, for a signal's handler. */
void say_in_handler(const char *text);

#endif
