/* SPDX-License-Identifier: MIT */
/* How a device is, in one word: the worst of what was decided and said of it. Whatever lists devices shows
 * this first, and the sickest on top. Pure. */
#ifndef XENRECON_HEALTH_H
#define XENRECON_HEALTH_H

#include "schemas/plan.h"

/* In the order in which they are listed. */
#define HEALTHS(X)                                                        \
    X(FAILED, "failed")     /* there is an error */                       \
    X(DEGRADED, "degraded") /* there is a warning */                      \
    X(UNKNOWN, "unknown")   /* what it would be told by cannot be read */ \
    X(PENDING, "pending")   /* on its way, and not overdue */             \
    X(OK, "ok")

enum health {
#define X(name, text) HEALTH_##name,
    HEALTHS(X)
#undef X
        HEALTH_COUNT,
};

const char *health_name(enum health health);

enum health health_parse(const char *name); /* UNKNOWN: there is no such word, or it is NULL */

enum health health_of(const struct plan *plan);

#endif
