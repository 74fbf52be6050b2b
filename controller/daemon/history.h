/* SPDX-License-Identifier: MIT */
/* What was decided for devices, and what became of it: the last of it, of all devices, in one ring of bytes
 * of a size that never changes, so that it costs the same however long and however much. What is kept of a
 * decision is what a person asks for afterwards: when, which row, the values that it was made from, the
 * actions, the findings, the outcome. A secret is never kept, only that there was one.
 *
 * Only news are kept: a look that found everything as it was before leaves nothing. A guest that changes its
 * state all the time pushes out what is older; `forgotten` tells.
 *
 * Owns its memory; reads no clock. */
#ifndef XENRECON_HISTORY_H
#define XENRECON_HISTORY_H

#include <jansson.h>

#include "controller/engine/engine.h"

enum { HISTORY_SIZE = 1 << 20 };

struct history;

struct history *history_new(size_t size); /* bytes, for records */
void history_free(struct history *h);

/* `when` is milliseconds since 1970. */
void history_add(struct history *h, uint64_t when, const struct reconciled *r);

/* What there is of a device, as in history.schema.json: oldest first, at most so many of the last. */
json_t *history_of(const struct history *h, const struct device_key *key, size_t most);

struct history_counts {
    size_t bytes;
    uint64_t records, forgotten; /* records that are there, and those that were pushed out */
    uint64_t oldest;             /* when the oldest was made; 0: there is none */
};
struct history_counts history_counts(const struct history *h);

#endif
