/* SPDX-License-Identifier: MIT */
/* One reconcile of a device, outside a transaction (pass) or inside one (batch): begun, given a snapshot,
 * decided, and ended by exactly one of the functions below, which remembers what has become of it and says
 * when to reconcile the device again.
 *
 * Belongs to the pass or the batch that began it; its view and plan are freed when it ends. One thread.
 * Errors of the store are negative errno. */
#ifndef XENRECON_ENGINE_RECONCILE_H
#define XENRECON_ENGINE_RECONCILE_H

#include "controller/engine/state.h"

void reconcile_begin(struct reconcile *r, struct engine *e, struct device *d);
/* Reads what a decision needs; `tx`: the transaction to read it in, or 0. `writes`: the plan will be carried
 * out, and not only made. `done` gets a view to take over, or
 * NULL: nothing has changed. */
void reconcile_snapshot(struct reconcile *r, uint32_t tx, bool writes,
                        void (*done)(void *arg, int status, struct view *view), void *arg);
/* Was something otherwise than it was taken to be when the snapshot began? Then the view is of no use. */
bool reconcile_outdated(struct reconcile *r, const struct view *view);
/* Takes the view over, and makes the plan. */
void reconcile_decide(struct reconcile *r, struct view *view);

/* ---- each of these ends it ---- */

/* The plan was carried out, or there was nothing in it. */
void reconcile_done(struct reconcile *r);
/* One of its actions failed: tried again after the policy's backoff. */
void reconcile_failed(struct reconcile *r, int error);
/* Another client changed what it relied on: tried again soon, in a transaction of its own. */
void reconcile_conflict(struct reconcile *r);
/* There was nothing to decide. */
void reconcile_unchanged(struct reconcile *r);
/* It came to nothing, through no fault of its own: again at once. */
void reconcile_again(struct reconcile *r);
/* The transaction that it shared failed: again at once, in one of its own. */
void reconcile_in_own_transaction(struct reconcile *r);
/* The store is gone: again when it is back. */
void reconcile_store_lost(struct reconcile *r);

/* The end of a reconcile or a probe, for the queue: the device is queued again if something has happened
 * meanwhile. It is freed where it is `gone` and nothing is left of it. */
void reconcile_finished(struct engine *e, struct device *d, bool gone);

#endif
