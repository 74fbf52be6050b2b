/* SPDX-License-Identifier: MIT */
/* What a device model says of itself in the store, below `device-model/<domid>` of its own domain: `state`,
 * for which libxl waits, and before that `xenrecon` = "null", by which the controller knows that this one
 * serves no devices. Through libxenstore, so it blocks while the store does. One thread. Errors are negative
 * errno. */
#ifndef XENRECON_DM_CLAIM_H
#define XENRECON_DM_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

struct claim {
    struct xs_handle *store; /* NULL: the store is lost */
    uint16_t domid;
    bool ours; /* claim_make() has written the keys */
};

/* Connects, and watches for the ends of domains. */
int claim_open(struct claim *c, uint16_t domid);

/* A descriptor that becomes readable when something may have happened to a domain; see claim_check(). */
int claim_fd(const struct claim *c);

/* Writes `xenrecon`, and `state` if it runs. -EBUSY: another device model has claimed the domain. */
int claim_make(struct claim *c, bool running);

enum claim_fate {
    CLAIM_STANDS,
    CLAIM_OVER, /* the domain is gone */
    CLAIM_LOST, /* the store is lost */
};
enum claim_fate claim_check(struct claim *c);

/* Takes back what claim_make() wrote, if nobody else has removed it, and disconnects. */
void claim_close(struct claim *c);
/* Disconnects only. */
void claim_drop(struct claim *c);

#endif
