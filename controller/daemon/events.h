/* SPDX-License-Identifier: MIT */
/* What happened on this host: the lines that the daemon logged, with what they are about, kept within a size
 * that never changes, in memory and in a file of the run directory, from which the next daemon goes on. Where
 * it is full, the guest that holds the most loses its oldest event, so that none pushes out another one's;
 * what is about no guest counts as one.
 *
 * An event is a line of JSON, as events.schema.json says. Lines of the file that are none are dropped. The
 * file is appended to, and written anew when it has grown to twice the size.
 *
 * Owns its memory and the file. One thread. When the file cannot be written, the events in memory go on. */
#ifndef XENRECON_EVENTS_H
#define XENRECON_EVENTS_H

#include <jansson.h>
#include <stdint.h>

#include "controller/base/log.h"

enum { EVENTS_SIZE = 1 << 20 };
#define EVENTS_FILE "events"

struct events;

struct events *events_new(size_t size);
/* From now on there is a file; what it has comes before what there is in memory. Once. 0, or a negative
 * errno: it cannot be written. */
int events_open(struct events *e, const char *path);
void events_free(struct events *e); /* NULL is fine */

/* Adds what was logged, at `when`: milliseconds since 1970. */
void events_add(struct events *e, uint64_t when, const struct log_entry *entry);

/* Writes the file anew, where it was removed. */
void events_mend(struct events *e);

/* An array of the events after number `after` and not before `since`, the oldest first. */
json_t *events_list(const struct events *e, uint64_t after, uint64_t since);

#endif
