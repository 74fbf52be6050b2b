/* SPDX-License-Identifier: MIT */
/* What a worker says on standard error, one line a call. The controller reads it, and logs it behind the
 * device and the worker. Nothing that a guest wrote goes in here. Any thread. */
#ifndef XENRECON_BLOCK_SAY_H
#define XENRECON_BLOCK_SAY_H

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, for a signal's handler. */
void say_in_handler(const char *text);

#endif
