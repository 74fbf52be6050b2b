/* SPDX-License-Identifier: MIT */
/* The last decisions about all devices, and their outcomes, within a size that never changes. Of a decision,
 * it keeps what a person asks for afterwards: the time, the row, the values that it was made from, the
 * actions, the findings, the outcome. Of a secret, it keeps only that there was one.
 *
 * Only news are kept: a reconcile that found everything as before leaves no record, and one that came out as
 * the device's last one did is counted in its record. A guest that changes its state all the time pushes out
 * its own older records, which `forgotten` counts: what goes is always of the guest that holds the most, and
 * of its devices of the one that does.
 *
 * Owns its memory. One thread; reads no clock, and nothing fails. */
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

/* The records of a device, as in history.schema.json: the oldest first, and at most so many of the last ones.
 */
json_t *history_of(const struct history *h, const struct device_key *key, size_t most);

struct history_counts {
    size_t bytes;
    uint64_t records, forgotten; /* records that are there, and those that were pushed out */
    uint64_t oldest;             /* when the oldest was made first; 0: there is none */
};
struct history_counts history_counts(const struct history *h);

#endif
