/* SPDX-License-Identifier: MIT */
/* How many lines may be said of one device: some within a time, the rest is counted. Devices are told apart
 * by a table of a fixed size, in which the newcomer takes a slot; then the count of who had it is told, too.
 * Reads no clock. */
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
    unsigned pending; /* slots with something to tell */
    void (*tell)(const struct device_key *key, unsigned suppressed);
};

/* May this be said now? */
bool log_limit_allows(struct log_limit *l, const struct device_key *key, uint64_t now);
/* Tells of those whose time is over; of all. */
void log_limit_tell(struct log_limit *l, uint64_t now, bool all);

#endif
