/* SPDX-License-Identifier: MIT */
/* How many lines may be logged of one device: some within a time, and the rest is counted. Devices lie in a
 * table of a fixed size. A new one takes the slot of another, whose count is told then.
 *
 * One thread; reads no clock. */
#ifndef XENRECON_LOG_LIMIT_H
#define XENRECON_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/device.h"

enum { LOG_SLOTS = 256 };

struct log_limit {
    struct log_slot {
        struct device_key key;
        uint64_t since; /* milliseconds */
        unsigned said, suppressed;
    } slots[LOG_SLOTS];
    unsigned pending; /* slots with a count to be told */
    void (*tell)(const struct device_key *key, unsigned suppressed);
};

/* May a line about this device be logged now? */
bool log_limit_allows(struct log_limit *l, const struct device_key *key, uint64_t now);
/* Tells the counts whose time is over; `all`: every count. */
void log_limit_tell(struct log_limit *l, uint64_t now, bool all);

#endif
