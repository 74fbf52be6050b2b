/* SPDX-License-Identifier: MIT */
/* One look at a device, outside a transaction (pass) or inside one (batch): begun, given a snapshot, decided,
 * and ended by exactly one of the functions below, which remember what has become of it and say when to look
 * again.
 *
 * A look belongs to the pass or the batch that began it; its view and plan are freed when it ends. One
 * thread. Errors of the store arrive as negative errno. */
#ifndef XENRECON_ENGINE_RECONCILE_H
#define XENRECON_ENGINE_RECONCILE_H

#include "controller/engine/state.h"

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

/* The device is no longer being looked at: queues it again if something happened meanwhile. May be the end of
 * it. */
void engine_looked(struct engine *e, struct device *d, bool gone);

#endif
