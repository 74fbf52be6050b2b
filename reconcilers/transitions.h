/* SPDX-License-Identifier: MIT */
/* The three transitions of the handshake table that more than one row makes: released, closed, connected. */
#ifndef XENRECON_TRANSITIONS_H
#define XENRECON_TRANSITIONS_H

#include "reconcilers/situation.h"

/* Releases the object; the table is gone through again. */
enum outcome transition_release(struct situation *s, const char *why);
/* Disconnects, and writes the state: Closing at once, Closed once the data plane is disconnected. */
enum outcome transition_close(struct situation *s, enum xenbus_state state, const char *why);
/* Connects to the ring that F shows, and writes Connected once that is done. `anew`: even what is connected
 * to that ring starts over. */
void transition_connect(struct situation *s, bool anew, const char *why);

#endif
