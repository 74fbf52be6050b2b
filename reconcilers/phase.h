/* SPDX-License-Identifier: MIT */
/* The phase of a device's object: the only functions that change it. With a worker the phase follows from
 * what the worker says; without one it is what the rows say. */
#ifndef XENRECON_PHASE_H
#define XENRECON_PHASE_H

#include "reconcilers/situation.h"

/* Is there an object, so that the device is ours to serve? */
bool phase_held(const struct situation *s);
/* Is it connected, as its phase or the marker says? */
bool phase_connected(const struct situation *s);
void phase_enter(struct situation *s, enum object_phase phase);
/* Ends the object and its worker, by an action with this reason if there was either. */
void phase_release(struct situation *s, const char *why);

/* Is there a worker's process that is not to end? */
bool phase_worker_lives(const struct situation *s);
/* Is a process that may hold the ring of a former device still to end? One that nobody has told so is told.
 */
bool phase_worker_ends(struct situation *s, const char *why);

/* Does a worker serve the device? Either the policy has one, or one still runs that was started when it did.
 */
bool has_worker(const struct situation *s);
/* The object's phase follows from what the worker says. */
void phase_from_worker(struct situation *s);

#endif
