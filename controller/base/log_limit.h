/* SPDX-License-Identifier: MIT */
/* How many lines may be logged of one guest, and of each of its devices. What is over either limit is only
 * counted. A guest's time begins with its first line, and when it is over, all that is kept of the guest is
 * told and forgotten. So nothing is kept of guests of which nothing is said, and what is kept of a guest is
 * bounded by what may be said of it.
 *
 * Owns its entries. One thread; reads no clock. Times are milliseconds. */
#ifndef XENRECON_LOG_LIMIT_H
#define XENRECON_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "controller/base/queue.h"
#include "schemas/device.h"

TAILQ_HEAD(log_guests, log_guest);

struct log_limit {
    struct log_guest *guests[DOMID_MAX + 1]; /* NULL: nothing was said lately */
    struct log_guests order;                 /* those that are there, by the end of their time */
    unsigned pending;                        /* guests of which something was suppressed */
    /* key: the device, or NULL for what all devices of the guest have said beyond the guest's limit. */
    void (*tell)(uint16_t domid, const struct device_key *key, unsigned suppressed);
};

void log_limit_init(struct log_limit *l,
                    void (*tell)(uint16_t domid, const struct device_key *key, unsigned suppressed));
/* May a line about this guest, or about this device of it, be logged now? `quoted`: as in log_about. */
bool log_limit_allows(struct log_limit *l, uint16_t domid, const struct device_key *key, bool quoted,
                      uint64_t now);
/* So many lines more may be logged of this guest than its limit says, until its time is over. */
void log_limit_raise(struct log_limit *l, uint16_t domid, unsigned lines, uint64_t now);
/* Tells the counts whose time is over; `all`: every count. Returns when there will be the next one to tell;
 * 0: nothing is suppressed. */
uint64_t log_limit_tell(struct log_limit *l, uint64_t now, bool all);

#endif
