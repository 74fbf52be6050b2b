/* SPDX-License-Identifier: MIT */
/* What the controller knows of a device's worker when a decision is made: facts for the core.
 * controller/processes/workers.h fills it in, and owns the strings. */
#ifndef XENRECON_WORKER_H
#define XENRECON_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/plan.h"

#define WORKER_STATES(X)                                                                    \
    X(NONE, "none")                   /* there is none, or only one that is about to end */ \
    X(STARTING, "starting")           /* it runs, but has not said `ready` (again) */       \
    X(READY, "ready")                 /* nothing is connected */                            \
    X(CONNECTING, "connecting")       /* it was told to connect */                          \
    X(CONNECTED, "connected")         /* it is connected to `ring` */                       \
    X(DISCONNECTING, "disconnecting") /* it was told to disconnect */                       \
    X(DEAD, "dead")                   /* it ended without being told to */

enum worker_state {
#define X(name, text) WORKER_##name,
    WORKER_STATES(X)
#undef X
};

const char *worker_state_name(enum worker_state state);

struct worker {
    enum worker_state state;
    uint64_t incarnation; /* of the device that it was started for; meaningful unless NONE */
    uint64_t ring;        /* the ring of CONNECTING and CONNECTED */
    uint64_t refused;     /* the ring whose connection it last said to have failed; 0: none */
    uint32_t failures;    /* deaths in a row, since it served last */
    uint64_t until;       /* DEAD: not started again before then; milliseconds, decide()'s clock */
    bool ending;          /* one that is wanted no more has not ended yet, and may hold what it held */
    const char *died;     /* how the last of these died, also while another runs; NULL: there was none */
    const char *said;     /* why it died, or the error that it reported; NULL: nothing */
    const char *lost;  /* what of the guest's data was lost, for as long as this device is; NULL: nothing */
    const char *image; /* what it writes to, by a name that is the same for all who do; NULL: not said */
    const struct published *published; /* what it has published since it was first ready; sorted by key */
    size_t n_published;
};

/* The same number for the same keys and values that it publishes; never 0. */
uint64_t worker_published(const struct worker *w);

#endif
