/* SPDX-License-Identifier: MIT */
/* The phase of a device's object: the only functions that change it. With a worker the phase follows from
 * what the worker says; without one it is what the rows say. */
#ifndef XENRECON_PHASE_H
#define XENRECON_PHASE_H

#include "reconcilers/situation.h"

bool phase_held(const struct situation *s);
bool phase_connected(const struct situation *s); /* of one without a worker; or as the marker has it */
void phase_enter(struct situation *s, enum object_phase phase);
/* Ends it, its worker with it; it is said why if there was anything to end. */
void phase_release(struct situation *s, const char *why);

/* Is there a worker to ask? Not without one in the policy, but for one that was started when there was. */
bool has_worker(const struct situation *s);
/* The object's phase follows from what the worker says. */
void phase_from_worker(struct situation *s);

#endif
