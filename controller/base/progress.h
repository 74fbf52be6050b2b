/* SPDX-License-Identifier: MIT */
/* What a command is at, for somebody who waits for it at a terminal: one line on stderr, drawn once a second
 * has passed, and erased at the end. Never in a file or a pipe, on a dumb terminal, or when it is to be
 * quiet.
 *
 * Drawn by a thread of its own, as who is waited for may not answer: no signal disturbs the calls that wait.
 * All functions are for the main thread. */
#ifndef XENRECON_PROGRESS_H
#define XENRECON_PROGRESS_H

#include <stddef.h>

/* From now on nothing is drawn. */
void progress_quiet(void);

/* Begins, or goes on with something else. `unit` comes behind the counts: " KiB". */
void progress_begin(const char *unit, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* So many are done; of a total of 0, nobody knows how many there will be. Cheap. */
void progress_at(size_t done, size_t total);
/* Before anything else is printed, and when it is over. Without a beginning it does nothing. */
void progress_end(void);

/* Around whatever is said on stderr meanwhile: the line is erased, and not drawn in between. */
void progress_hold(void);
void progress_release(void);

#endif
