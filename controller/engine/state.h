/* SPDX-License-Identifier: MIT */
/* What the parts of the engine share: engine.c (events and the queue), pass.c (look at one device), batch.c
 * (act on several in one transaction), watch.c (what we are told of). */
#ifndef XENRECON_ENGINE_IMPL_H
#define XENRECON_ENGINE_IMPL_H

#include "controller/engine/device_table.h"
#include "controller/engine/due_heap.h"
#include "controller/engine/engine.h"
#include "reconcilers/decide.h"

enum {
    BATCH_MAX =
        16, /* devices in one transaction: measured to do well, and a conflict costs no more than these */
    PASSES_MAX = 32, /* snapshots in flight outside transactions */
    POLL = 5000,     /* milliseconds between looks at what the store refuses to watch for us */
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

uint64_t engine_now(const struct engine *e);
void engine_mark(struct engine *e, struct device *d, unsigned dirty);
void engine_set_due(struct engine *e, struct device *d, uint64_t due, bool acts);
void engine_hold(struct engine *e, struct device *d, uint64_t until);
/* The policy in force for a device; NULL: its type is not ours to look at. */
const struct policy *engine_policy(const struct engine *e, const struct device *d);
/* The device is no longer being looked at: queues it again if something happened meanwhile. May be the end of
 * it. */
void engine_looked(struct engine *e, struct device *d, bool gone);
void engine_wish(struct engine *e, uint64_t at); /* to be woken then, if not before */
/* The device, made if it is new; NULL when it is not for us. */
struct device *engine_know(struct engine *e, const struct device_key *key);
/* Looks at all that is known of a part of the tree, and for what is not known yet. */
void engine_look_over(struct engine *e, enum backend_place place, const struct device_key *at);
/* Takes the next device out of a queue; NULL: it is empty. */
struct device *engine_next(struct engine *e, bool batch);
/* Wants a tick as soon as the events that are there have been taken in. */
void engine_soon(struct engine *e);
/* Will F's state say whether there is anything to do, and that much so that a transaction may begin with it?
 */
bool engine_glances(const struct engine *e, const struct device *d);

/* How long to wait after so many failures in a row. */
uint64_t engine_backoff(struct engine *e, const struct policy *p, unsigned failures);

/* Scripts (hotplug.c): takes in, before a look, what became of the last one. */
void engine_fold_script(struct engine *e, struct device *d);

/* Workers (tasks.c): what the device's is like; false: it has none, and needs none. */
bool engine_look_at_worker(struct engine *e, const struct device *d, struct worker *ret_worker);
/* Gives out the plan's tasks. */
void engine_start_tasks(struct engine *e, struct device *d, const struct plan *plan);

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

void look_begin(struct look *l, struct engine *e, struct device *d);
void look_snapshot(struct look *l, uint32_t tx, void (*done)(void *arg, int status, struct view *view),
                   void *arg);
/* Was anything otherwise than it was known to be? Then the view is of no use. */
bool look_outdated(struct look *l, const struct view *view);
void look_decide(struct look *l, struct view *view);
/* Each of these ends the look. */
void look_done(struct look *l); /* everything in the plan was done (or nothing was in it) */
void look_failed(struct look *l,
                 int error);         /* an action failed: it is tried again after the policy's backoff */
void look_conflict(struct look *l);  /* somebody else was faster: look again, soon */
void look_unchanged(struct look *l); /* there was nothing to look at */
void look_again(struct look *l);     /* not its fault: look again at once */
void look_alone(struct look *l);     /* the transaction failed, and it was not alone: look again, alone */
void look_lost(struct look *l);      /* the store is gone: look again when it is back */

/* Watches: after a start none is there. Those that the store refuses (a driver domain has 128, and they may
 * be others') are asked for again, a device's with its next look, and what they would tell of is polled. */
void engine_watch_anew(struct engine *e);
void engine_watch_refused(struct engine *e);
void engine_watch_frontend(struct engine *e, struct device *d, const char *path);
void engine_unwatch_frontend(struct engine *e, struct device *d);

void pass_start(struct engine *e, struct device *d);
void probe_start(struct engine *e, struct device *d);
void batch_start(struct engine *e); /* with the devices at the queue's head that want a transaction */

#endif
