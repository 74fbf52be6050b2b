/* SPDX-License-Identifier: MIT */
/* Reads one device from the store into a view. What is asked for is what reconcilers/needs.h
 * says that a decision reads:
 *
 *   1. the five keys of B that every decision needs, or those of them that are not known (and B's listing
 * when none of them is there)
 *   2. F's state; and where a device could be created, its declared keys and the device model's state
 *   3. where a frontend could be connected, its connect keys; where it is gone, whether F and its domain are
 *
 * Each step's requests are in flight together. Inside a transaction the view is atomic; outside it may be
 * torn, and a decision that writes needs another one from inside. */
#ifndef XENRECON_SNAPSHOT_H
#define XENRECON_SNAPSHOT_H

#include "controller/store/store.h"
#include "reconcilers/object.h"
#include "reconcilers/worker.h"
#include "schemas/policy/policy.h"
#include "schemas/view.h"

struct snapshot_request {
    struct store *store;
    uint32_t tx; /* 0: outside any transaction */
    uint16_t backend_domid;
    struct device_key device;
    const struct policy *policy; /* must live until done is called */
    /* F's path, where B's `frontend` and `frontend-id` are known and not read again; else NULL. Copied. */
    const char *frontend;
    bool unless;              /* then F's state comes first, and nothing else if it is this: */
    enum xenbus_state as_was; /* the view is NULL then */
    const char *ring_of;      /* only the connect keys, of the frontend directory there; else NULL */
    bool everything;          /* all declared keys of both sides, needed or not */
    /* The device's worker, or NULL, and what is remembered of the device, or NULL: for what a decision reads
     * because of them. Only looked at by snapshot_take() itself. */
    const struct worker *worker;
    const struct object *object;
    bool image;    /* what it writes to is to be found out */
    bool diagnose; /* what only helps to say what is wrong, where something may be */
    /* Called with F's path before anything below it is read, so that a watch can be there first. May be NULL.
     */
    void (*frontend_found)(void *frontend_arg, const char *path);
    void *frontend_arg;
    /* status 0 and a view that the callee owns (or NULL, see as_was); or a negative errno (the store is lost)
     * and NULL. */
    void (*done)(void *arg, int status, struct view *view);
    void *arg;
};

void snapshot_take(const struct snapshot_request *request);

#endif
