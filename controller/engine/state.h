/* SPDX-License-Identifier: MIT */
/* The engine's state, which its files share. Nobody else includes this but the simulation, which checks it.
 */
#ifndef XENRECON_ENGINE_STATE_H
#define XENRECON_ENGINE_STATE_H

#include "controller/engine/config.h"
#include "controller/engine/device_table.h"
#include "controller/engine/due_heap.h"
#include "controller/engine/guest.h"
#include "reconcilers/ends.h"

enum { POLL = UNWATCHED_POLL }; /* milliseconds between looks at what the store refuses to watch for us */

enum engine_phase {
    ENGINE_STOPPED, /* not started yet, or stopped */
    ENGINE_STARTED, /* the backend tree was not listed yet */
    ENGINE_LISTED,  /* every device there is will be in the queue, and ready() is still to be called */
    ENGINE_READY,   /* every device that was there has been reconciled */
};

/* Asking which domains are gone. */
enum scan_phase {
    SCAN_NONE,
    SCAN_RUNNING,
    SCAN_AGAIN, /* it is running, and another is to follow it */
};

struct engine {
    struct engine_config cfg;
    enum engine_phase phase;
    void (*dispatch)(
        struct engine *e); /* starts what can be started now; called when a reconcile has ended */

    struct policy_set policies;
    struct policy_set coming; /* takes their place when nothing is in flight */
    bool reload;              /* `coming` is meant */
    struct policy **retired;  /* dropped by a reload; a device's `retired_policy` points to one of these */
    size_t n_retired, cap_retired;

    struct device_table devices;
    struct guest *guests;      /* by domain */
    struct image_index images; /* what devices write to */
    size_t n_over;             /* types of theirs of which there are more than are looked after */
    struct device_key *room;   /* types and domains whose devices are to be listed, as one of them has gone */
    size_t n_room, cap_room;
    bool room_again; /* all types that are over are to be listed */

    struct device_queue queue;       /* for probes and passes */
    struct device_queue batch_queue; /* for transactions */
    struct due_heap due_heap;        /* devices whose time is still to come */
    size_t queued;                   /* devices, in both queues */
    uint64_t adds;                   /* to the queues, ever */
    uint64_t wake_at;                /* when engine_tick() is wanted, milliseconds; 0: it is not */

    unsigned passes;    /* devices that are being reconciled */
    unsigned listings;  /* of the backend tree, in flight */
    unsigned scripts;   /* that run, or wait for their turn */
    bool batching;      /* a transaction is open: one at a time */
    bool begin_refused; /* the last one could not even begin */
    enum scan_phase scan;

    unsigned n_own;         /* guests with a watch of their own */
    unsigned n_shared;      /* guests that share one */
    unsigned refused_roots; /* watches that every engine has and the store refused, a bit for each */
    uint64_t rewatch_at;    /* when to ask for these again, milliseconds; 0: all are there */

    uint64_t resynced_at; /* when everything was looked over last, milliseconds; 0: never */
    uint64_t resync_at;   /* when it will be next; 0: never */
    uint64_t
        relist_at; /* when to list everything again since some of it could not be, milliseconds; 0: never */
    unsigned unlisted; /* how often in a row it could not be */
};

/* Watch tokens */
#define TOKEN_BACKEND  "b"
#define TOKEN_DOMAINS  "d"
#define TOKEN_MODELS   "m"
#define TOKEN_GUESTS   "g"
#define TOKEN_GUEST    "g/" /* and the domain */
#define TOKEN_FRONTEND "f/" /* and the device's key */

/* A device's reconcile, from its beginning to its end. */
struct reconcile {
    struct engine *e;
    struct device *d;
    const struct policy *policy;
    struct view *view;
    struct plan *plan;
    struct ends read;     /* both ends, as they were read */
    bool first;           /* the device was never reconciled before */
    bool state_only;      /* only F's state may have changed: nothing more is read if it has not */
    bool writes;          /* the plan's writes will be made, if there are any */
    bool named;           /* B's frontend was known before it was read: see reconcile_outdated() */
    uint64_t begun;       /* by the stopwatch */
    struct worker worker; /* as it was when the plan was decided, for the observer; NONE: without one */
    struct object object; /* to be remembered when the plan's actions have succeeded */
};

static inline bool engine_running(const struct engine *e)
{
    return e->phase != ENGINE_STOPPED;
}

static inline uint64_t engine_now(const struct engine *e)
{
    return e->cfg.clock(e->cfg.arg);
}

/* Has engine_tick() called at this time, or earlier. */
static inline void engine_wake_at(struct engine *e, uint64_t at)
{
    if (e->wake_at && e->wake_at <= at)
        return;
    e->wake_at = at;
    e->cfg.wake(e->cfg.arg, at);
}

/* Has it called once the events that are there have been taken in: those of one transaction arrive together.
 */
static inline void engine_wake_soon(struct engine *e)
{
    engine_wake_at(e, engine_now(e));
}

/* The policy in force for a device; NULL: its type is not ours to look after. */
static inline const struct policy *engine_policy(const struct engine *e, const struct device *d)
{
    return d->retired_policy ? d->retired_policy : policy_set_find(&e->policies, d->key.type);
}

#endif
