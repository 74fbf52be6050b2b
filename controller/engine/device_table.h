/* SPDX-License-Identifier: MIT */
/* The devices that the engine knows: one entry each, found by key, with its place in the queue and all that
 * is remembered of it. Owns the entries; an entry owns no handles. A device's watch is taken away before it
 * is removed. One thread; nothing here fails. */
#ifndef XENRECON_DEVICE_TABLE_H
#define XENRECON_DEVICE_TABLE_H

#include "controller/base/queue.h"
#include "reconcilers/object.h"
#include "schemas/device.h"
#include "schemas/finding.h"
#include "schemas/health.h"
#include "schemas/marker.h"
#include "schemas/policy/policy.h"

/* Why a device must be reconciled: bits. All but DIRTY_ALL and DIRTY_LIKELY name one value: if it is still as
 * it was read last, there is nothing to do. F's ring is compared with F's state, where F is ready. */
enum dirty {
    DIRTY_B_STATE = 1,
    DIRTY_MARKER = 2,
    DIRTY_F_STATE = 4,
    DIRTY_ALL = 8,
    DIRTY_LIKELY =
        16, /* with DIRTY_ALL: there is probably something to write, so begin with the transaction */
    DIRTY_ONLINE = 32,
};

_Static_assert(FINDING_COUNT <= 64, "findings are bits of a number");

enum stage {
    STAGE_IDLE,
    STAGE_QUEUED,       /* for a probe or a pass */
    STAGE_BATCH_QUEUED, /* for a transaction */
    STAGE_RUNNING,
};

/* What was read of a device so far. */
enum seen {
    SEEN_NEVER,
    SEEN_VALUES, /* `last` is meaningful */
    SEEN_NAMED,  /* and B named the frontend that is watched, and the marker was there */
};

struct device {
    SLIST_ENTRY(device) same_bucket;
    TAILQ_ENTRY(device) queued;
    LIST_ENTRY(device) of_guest;
    size_t heap_place; /* in the heap, from 1; 0: neither `due` nor `held` is set */
    struct device_key key;
    uint8_t dirty;        /* bits of enum dirty */
    uint8_t stage;        /* enum stage */
    uint8_t seen;         /* enum seen */
    uint8_t conflicts;    /* transactions in a row that another client spoiled */
    bool own_transaction; /* shares none with others: the last one that it shared was spoiled */
    bool own_event;       /* its event arrived while it was being reconciled, so it is probably our own */
    bool renamed;         /* B's frontend or frontend-id may have been written since they were read */
    struct {
        uint64_t marker; /* hash */
        uint64_t ring;   /* of a ready F */
        enum xenbus_state b, f;
        int online; /* 0 or 1; -1: neither of these */
    } last;
    struct {
        enum xenbus_state b, f;
        int online;
        enum health health;
    } shown;       /* to who asks: nothing that was meant only */
    char *watched; /* F's path, whose state is watched; NULL: none is */
    bool by_guest; /* it is watched together with its guest's other frontends */
    int unwatched; /* why the store refused that watch, a negative errno; 0: it did not */
    uint64_t due;  /* reconcile again then, as the last plan asked; milliseconds; 0: never */
    bool due_acts; /* there will be something to do then, not only something to say */
    uint64_t held; /* not to be reconciled before then, whatever the guest does; 0: at any time */
    struct policy
        *retired_policy; /* a reload dropped it while the device was held: still in force for it; or NULL */
    uint64_t logged;     /* hash of the findings that were logged last */
    /* Their codes, a bit for each: all, those that are errors, and those that are warnings. */
    uint64_t findings, errors, warnings;
    /* What has happened to its script since it was last reconciled; tasks_update_script() takes it in. */
    struct {
        bool ended;
        bool renewed; /* B was removed or made: what was known of the script is of another B */
        int error;
        char *said;
    } script;
    char *script_said; /* what memory.object.script.said points to */
    bool recalled;     /* what was known of it before this process has been asked for */
    char *ages;        /* the line that is to be kept of it (reconcilers/ages_line.h); NULL: nothing is */
    struct image_holder image; /* in the engine's index, if it writes to one … */
    bool image_read;           /* … which is known */
    struct memory memory;
};

/* Is there anything of ours that a policy must see to its end: an object, a script? */
static inline bool device_held(const struct device *d)
{
    return d->memory.object.phase != OBJECT_NONE || d->memory.object.script.phase != SCRIPT_IDLE;
}

TAILQ_HEAD(device_queue, device);
SLIST_HEAD(device_bucket, device);

struct device_table {
    struct device_bucket *buckets;
    size_t n_buckets, n;
};

void device_table_init(struct device_table *t);
void device_table_finish(struct device_table *t); /* frees the entries too */
struct device *device_table_find(const struct device_table *t, const struct device_key *key);
struct device *device_table_add(struct device_table *t,
                                const struct device_key *key); /* it is not there yet */
void device_table_remove(struct device_table *t, struct device *d);

/* Calls `each` for every device of the scope: all, of one type, or of one type and domain. It may remove that
 * device. */
void device_table_each(struct device_table *t, enum backend_place scope, const struct device_key *at,
                       void (*each)(void *arg, struct device *d), void *arg);

#endif
