/* SPDX-License-Identifier: MIT */
/* What rows of the handshake table do to the plan and to the object: one function for each thing that more
 * than one row does. */
#ifndef XENRECON_EFFECTS_H
#define XENRECON_EFFECTS_H

#include "reconcilers/situation.h"

/* The object */
bool object_held(const struct situation *s);
bool object_connected(const struct situation *s); /* of one without a worker; or as the marker has it */
void object_enter(struct situation *s, enum object_phase phase);
/* Ends it, its worker with it; it is said why if there was anything to end. */
void object_release(struct situation *s, const char *why);

/* A key of B, unless it has that value already. */
void effect_put(struct situation *s, struct action *a, const char *key, const char *value);
void effect_put_marker(struct situation *s, struct action *a, struct marker m);
/* The marker and the state that belongs to it, in this order: who sees the state sees the marker. `ring`: the
 * marker whose ring stays connected, or NULL. */
void effect_put_state(struct situation *s, struct action *a, enum xenbus_state state,
                      const struct marker *ring);

/* The state once more, for those who watch it. */
void effect_touch_state(struct situation *s, struct action *a);

/* Removes the parents of B, where the policy says so and B leaves them empty. In a driver domain they are
 * dom0's. */
void effect_remove_parents(struct situation *s, struct action *a);

enum outcome effect_release(struct situation *s, const char *why); /* and looks again */
/* Ends the connection, and says so with the state: Closing at once, Closed when it has ended. */
enum outcome effect_close(struct situation *s, enum xenbus_state state, const char *why);
/* With `anew`, also what is connected already starts over. */
void effect_connect(struct situation *s, bool anew, const char *why);

/* Are they there, and valid? What is missing is said. */
bool effect_connect_keys(struct situation *s);
/* The severity of keys that are not there: somebody may be about to write them, until the deadline is over.
 */
enum severity effect_patience(struct situation *s, uint32_t deadline);

#endif
