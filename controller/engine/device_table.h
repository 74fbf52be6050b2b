/* SPDX-License-Identifier: MIT */
/* The devices that the engine knows: one entry each, found by key, with its place in the queue and what is
 * remembered of it. Entries own no handles; whoever removes one has taken its watch away first. */
#ifndef XENRECON_DEVICES_H
#define XENRECON_DEVICES_H

#include <sys/queue.h>

#include "reconcilers/object.h"
#include "schemas/device.h"
#include "schemas/finding.h"
#include "schemas/marker.h"
#include "schemas/policy/policy.h"

/* Why a device must be looked at. All but DIRTY_ALL name one value: if it is still what we saw last, nothing
 * happened. With a ready F's state goes its ring. */
enum dirty {
    DIRTY_B_STATE = 1,
    DIRTY_MARKER = 2,
    DIRTY_F_STATE = 4,
    DIRTY_ALL = 8,
    DIRTY_ONLINE = 32,
    DIRTY_LIKELY = 16, /* with DIRTY_ALL: there is probably something to do, so begin with the transaction */
};

_Static_assert(FINDING_COUNT <= 64, "findings are bits of a number");

enum stage {
    STAGE_IDLE,
    STAGE_QUEUED,
    STAGE_RUNNING,
};

struct device {
    SLIST_ENTRY(device) same_bucket;
    TAILQ_ENTRY(device) queued;
    size_t waiting; /* its place in the heap, from 1; 0: neither `due` nor `held` is set */
    struct device_key key;
    uint8_t dirty;     /* bits of enum dirty */
    uint8_t stage;     /* enum stage */
    uint8_t conflicts; /* transactions in a row that another client spoiled */
    bool alone;        /* shares no transaction: the last one that it shared was spoiled */
    bool batched;      /* in which queue it is */
    bool due_acts;     /* when it is due there will be something to do, not only something to say */
    bool echo;         /* what it is dirty for came while it was looked at, and was hardly missed */
    bool seen;         /* `last` is meaningful */
    bool renamed;      /* B's frontend or frontend-id may have been written since they were read */
    struct {
        uint64_t marker; /* hash */
        uint64_t ring;   /* where F was ready */
        enum xenbus_state b, f;
        int online;
        bool named; /* its frontend was as it should be, and the marker was there */
    } last;
    char *watched;          /* F's path, whose state is watched; or NULL */
    bool by_guest;          /* by a watch of all frontends of its guest, not by one of its own */
    int unwatched;          /* why the store refused that watch, a negative errno; 0: it did not */
    struct policy *kept;    /* a policy that a reload dropped while we held an object; else NULL */
    uint64_t due;           /* look again then, as the last plan asked; milliseconds; 0: never */
    uint64_t held;          /* do not look before then, whatever the guest does; 0: look */
    uint64_t guest_allowed; /* the guest's events are paid for until then, in microseconds */
    uint64_t logged;        /* hash of the findings that were logged last */
    uint64_t findings;      /* their codes, a bit for each */
    /* What happened to its script since the last look; engine_fold_script() takes it in. */
    struct {
        bool ended;
        bool renewed; /* B was removed, or made: what was known of the script is of another B */
        int error;
        char *said;
    } script;
    char *script_said; /* for memory.object.script.said */
    struct memory memory;
};

/* Is there anything of ours that a policy must see to its end: an object, a script? */
static inline bool device_held(const struct device *d)
{
    return d->memory.object.phase != OBJECT_NONE || d->memory.object.script.phase != SCRIPT_IDLE;
}

TAILQ_HEAD(device_queue, device);
SLIST_HEAD(device_bucket, device);

struct devices {
    struct device_bucket *buckets;
    size_t n_buckets, n;
};

void devices_init(struct devices *t);
void devices_finish(struct devices *t); /* frees the entries too */
struct device *devices_find(const struct devices *t, const struct device_key *key);
struct device *devices_add(struct devices *t, const struct device_key *key); /* which is not there yet */
void devices_remove(struct devices *t, struct device *d);

/* Calls `each` for every device of the scope: all, of one type, or of one type and domain. It may remove that
 * device. */
void devices_each(struct devices *t, enum backend_place scope, const struct device_key *at,
                  void (*each)(void *arg, struct device *d), void *arg);

#endif
