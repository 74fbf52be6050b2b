/* SPDX-License-Identifier: MIT */
/* The engine's state, which its files share. Nobody else includes this, but for the simulation, which checks
 * it. */
#ifndef XENRECON_ENGINE_STATE_H
#define XENRECON_ENGINE_STATE_H

#include "controller/engine/config.h"
#include "controller/engine/device_table.h"
#include "controller/engine/due_heap.h"

enum {
    POLL = 5000, /* milliseconds between looks at what the store refuses to watch for us */
};

/* Of a guest: its devices whose frontend a watch tells of that is not the device's own. */
struct guest {
    uint16_t devices;
    bool shared; /* and that watch is the one that guests share, not the guest's own */
};

struct engine {
    struct engine_config cfg;
    void (*dispatch)(struct engine *e); /* starts what can be started now; called when a look has ended */
    struct policy_set policies;
    struct policy_set coming; /* taken over when nothing is in flight */
    bool reload;              /* `coming` is meant */
    struct policy **retired;  /* dropped by a reload; some device's `kept` may point to one */
    size_t n_retired, cap_retired;
    struct devices devices;
    struct device_queue queue, batch_queue; /* for probes and passes; for transactions */
    struct waiting waiting;
    struct guest *guests;      /* by domain */
    unsigned n_own, n_shared;  /* guests with a watch of their own; that share one */
    uint16_t *per_domain;      /* devices, by frontend domain */
    bool running;              /* between engine_start and engine_stop */
    bool looked_over;          /* since engine_start, everything is in the queue or was looked at */
    bool announce;             /* ready() is still to be called */
    bool batching;             /* a transaction is open: one at a time */
    bool begin_refused;        /* the last one could not even begin */
    bool scanning, scan_again; /* which domains are gone? */
    bool refused;              /* a device over the limit was logged since the last resync */
    unsigned passes;           /* in flight, probes included */
    unsigned listings;         /* in flight */
    unsigned scripts;          /* that run, or wait for their turn */
    unsigned refused_roots; /* watches that every engine has, and which the store refused: a bit for each */
    uint64_t resync_at, wake_at; /* milliseconds; 0: none */
    uint64_t rewatch_at;         /* likewise: when to ask for them again */
    uint64_t relist_at;   /* likewise: when to look over everything again, since some of it was refused */
    unsigned unlisted;    /* how often in a row */
    size_t queued;        /* devices, in both queues */
    uint64_t adds;        /* to them, ever */
    uint64_t resynced_at; /* milliseconds: when everything was looked over last; 0: never */
};

/* Watch tokens */
#define TOKEN_BACKEND  "b"
#define TOKEN_DOMAINS  "d"
#define TOKEN_MODELS   "m"
#define TOKEN_GUESTS   "g"
#define TOKEN_GUEST    "g/" /* and the domain */
#define TOKEN_FRONTEND "f/" /* and the device's key */

/* One look at a device, until its end. */
struct look {
    struct engine *e;
    struct device *d;
    const struct policy *policy;
    struct view *view;
    struct plan *plan;
    bool first;           /* it was never looked at before */
    uint64_t begun;       /* by the stopwatch */
    struct worker worker; /* that was decided with, for the observer; NONE: with none */
    bool glance;          /* only F's state may have changed: nothing more is read if it has not */
    bool writes;          /* the plan's writes are made if its decision has any */
    bool named;           /* B's frontend was known: see look_outdated() */
    struct object object; /* what to remember when the plan's actions have succeeded */
};

static inline uint64_t engine_now(const struct engine *e)
{
    return e->cfg.clock(e->cfg.arg);
}

/* The policy in force for a device; NULL: its type is not ours to look at. */
static inline const struct policy *engine_policy(const struct engine *e, const struct device *d)
{
    return d->kept ? d->kept : policy_set_find(&e->policies, d->key.type);
}

#endif
