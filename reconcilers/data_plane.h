/* SPDX-License-Identifier: MIT */
/* What the rows of the handshake table do with a device's worker. Where there is none (no worker in the
 * policy, or `plan`, which runs none), connecting and disconnecting are done as soon as they are decided. */
#ifndef XENRECON_DATA_PLANE_H
#define XENRECON_DATA_PLANE_H

#include "reconcilers/situation.h"

/* Ends one that the policy does not have, unless it is this directory's: that one serves until its end. */
void worker_dismiss(struct situation *s);

void worker_start(struct situation *s, const char *why);
/* Are the values there that it is started with? What is missing is said. */
bool worker_can_start(struct situation *s);

enum connection {
    CONNECTION_MADE, /* to the ring that F shows */
    CONNECTION_WAITS,
};
/* Brings the worker to the ring that F shows, a step at a time: what is connected to another, or must start
 * over, is disconnected first. */
enum connection worker_connect(struct situation *s, bool anew, const char *why);
/* False: it is still to be waited for. */
bool worker_disconnect(struct situation *s, const char *why);

/* The keys that belong to InitWait: the policy's, and the worker's. */
void worker_publish(struct situation *s, struct action *a);
bool worker_publishes_anew(const struct situation *s);
/* B was compared with it, and holds what it publishes. */
void worker_compared(struct situation *s);

/* What it says is wrong, if anything. */
void worker_say(struct situation *s);

#endif
