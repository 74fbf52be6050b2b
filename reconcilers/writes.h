/* SPDX-License-Identifier: MIT */
/* What a plan's action writes to B, and removes beside it. A value that is there already is not written. */
#ifndef XENRECON_WRITES_H
#define XENRECON_WRITES_H

#include "reconcilers/situation.h"

void put_key(struct situation *s, struct action *a, const char *key, const char *value);
void put_marker(struct situation *s, struct action *a, struct marker m);
/* The marker and the state that belongs to it, in this order: whoever reads the state finds the marker.
 * `ring`: the marker whose ring stays connected, or NULL. */
void put_state(struct situation *s, struct action *a, enum xenbus_state state, const struct marker *ring);
/* Writes the state that B has once more, so that its watches fire. */
void put_state_again(struct situation *s, struct action *a);

/* Removes the parents of B, where the policy says so and B leaves them empty. In a driver domain they are
 * dom0's. */
void remove_parents(struct situation *s, struct action *a);

#endif
