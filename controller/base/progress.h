/* SPDX-License-Identifier: MIT */
/* Shows at a terminal what a command is doing: one line on stderr, drawn once a second has passed, and erased
 * at the end. Never in a file or a pipe, on a dumb terminal, or where progress_quiet() was called.
 *
 * A thread of its own draws it, as the main thread may be waiting for an answer. All functions are for the
 * main thread; they do nothing where nothing can be drawn. */
#ifndef XENRECON_PROGRESS_H
#define XENRECON_PROGRESS_H

#include <stddef.h>

/* From now on nothing is drawn. */
void progress_quiet(void);

/* Begins, or goes on with something else. `unit` follows the counts, as " KiB". */
void progress_begin(const char *unit, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* So many are done. `total` 0: it is not known. Cheap. */
void progress_at(size_t done, size_t total);
/* To be called at the end, and before anything else is printed. */
void progress_end(void);

/* To be called around other output on stderr: the line is erased, and not drawn in between. */
void progress_hold(void);
void progress_release(void);

#endif
