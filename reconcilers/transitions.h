/* SPDX-License-Identifier: MIT */
/* The three transitions of the handshake table that more than one row makes: released, closed, connected. */
#ifndef XENRECON_TRANSITIONS_H
#define XENRECON_TRANSITIONS_H

#include "reconcilers/situation.h"

enum outcome transition_release(struct situation *s, const char *why); /* and looks again */
/* Ends the connection, and says so with the state: Closing at once, Closed when it has ended. */
enum outcome transition_close(struct situation *s, enum xenbus_state state, const char *why);
/* With `anew`, also what is connected already starts over. */
void transition_connect(struct situation *s, bool anew, const char *why);

#endif
