/* SPDX-License-Identifier: MIT */
/* What a plan's action writes to B, and removes beside it. A value that is there already is not written. */
#ifndef XENRECON_WRITES_H
#define XENRECON_WRITES_H

#include "reconcilers/situation.h"

void put_key(struct situation *s, struct action *a, const char *key, const char *value);
void put_marker(struct situation *s, struct action *a, struct marker m);
/* The marker and the state that belongs to it, in this order: who sees the state sees the marker. `ring`: the
 * marker whose ring stays connected, or NULL. */
void put_state(struct situation *s, struct action *a, enum xenbus_state state, const struct marker *ring);
/* The state once more, for those who watch it. */
void put_state_again(struct situation *s, struct action *a);

/* Removes the parents of B, where the policy says so and B leaves them empty. In a driver domain they are
 * dom0's. */
void remove_parents(struct situation *s, struct action *a);

#endif
