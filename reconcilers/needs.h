/* SPDX-License-Identifier: MIT */
/* What one decision reads of a device, said once: for those that read devices, and for decide(), which must
 * not decide from what could not be read. Beyond the keys of enum common_key, which are always read, a
 * decision needs some of the groups below; which ones follows from the policy and from what is known so far.
 * Pure. */
#ifndef XENRECON_NEEDS_H
#define XENRECON_NEEDS_H

#include "reconcilers/ends.h"
#include "reconcilers/worker.h"
#include "schemas/policy/policy.h"

/* Groups of what is read, as bits. */
enum need {
    NEED_FRONT_STATE = 1 << 0,        /* F's `state` */
    NEED_HOTPLUG = 1 << 1,            /* B's keys of needs_hotplug */
    NEED_VIF = 1 << 2,                /* B's keys of needs_vif */
    NEED_BACKEND_REQUIRED = 1 << 3,   /* B's declared keys that are required */
    NEED_BACKEND_DECLARED = 1 << 4,   /* B's declared keys */
    NEED_FRONTEND_REQUIRED = 1 << 5,  /* F's declared keys that are `required: true` */
    NEED_FRONTEND_DECLARED = 1 << 6,  /* F's declared keys */
    NEED_RING = 1 << 7,               /* F's declared keys that make the ring: see ring.h */
    NEED_PUBLISHED = 1 << 8,          /* B's keys that the worker publishes */
    NEED_DEVICE_MODEL = 1 << 9,       /* whether a device model runs for the frontend's domain */
    NEED_BACK_LINK = 1 << 10,         /* F's `backend` */
    NEED_FRONTEND_PRESENCE = 1 << 11, /* whether F and its domain are there */
    NEED_CARDS = 1 << 12,             /* B's keys `state-*` and `dev-*`, of each card of a pci device */
    NEED_CARRIER = 1 << 13,           /* F's key needs_carrier */
    NEED_IMAGE = 1 << 14,             /* B's keys of needs_image, unless its declared keys are read */
    NEEDS_OF_BACKEND_KEYS = NEED_BACKEND_REQUIRED | NEED_BACKEND_DECLARED,
    NEEDS_OF_FRONTEND_KEYS = NEED_FRONTEND_REQUIRED | NEED_FRONTEND_DECLARED | NEED_RING,
    /* These follow from F's state; the others are known once B was read. */
    NEEDS_BEYOND_FRONT_STATE = NEED_FRONTEND_REQUIRED | NEED_RING | NEED_FRONTEND_PRESENCE | NEED_CARRIER,
};

/* Keys of B, each list ending in NULL: those for any hotplug script, those that a network card's script
 * takes beside them, and those that say what a disk writes to. */
extern const char *const needs_hotplug[];
extern const char *const needs_vif[];
extern const char *const needs_image[];
/* Some toolstacks pull a network card's cable out with this key of F. */
extern const char needs_carrier[];

/* What is known of the device when its needs are asked for. */
struct needs_input {
    const struct policy *policy;
    uint16_t backend_domid; /* the backend's domain */
    struct ends ends;
    bool marked;                 /* B has a marker */
    bool domain_gone;            /* the frontend's domain is known not to exist */
    const struct worker *worker; /* NULL: none is run */
    bool published_unknown;      /* B may hold other values than the worker publishes */
    bool image_unknown;          /* what it writes to */
    uint64_t now;                /* milliseconds, decide()'s clock */
    bool everything;             /* for a reader to whom all declared keys are to be shown */
};

/* Both are enum need, as bits. */
struct needs {
    unsigned read; /* is read */
    unsigned
        required; /* some row that could decide here looks at it: nothing is decided while it is unreadable */
};

struct needs needs_of(const struct needs_input *in);

/* Is a declared key of this side among the groups that are read, or does it do as well as one that is? */
bool needs_reads_key(unsigned read, const struct policy *p, enum side side, const struct key_spec *spec);
/* Is it among those that are required? */
bool needs_requires_key(unsigned required, enum side side, const struct key_spec *spec);

#endif
