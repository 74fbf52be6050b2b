/* SPDX-License-Identifier: MIT */
/* A device's data plane, as the rows of the handshake table use it: started, connected, disconnected, and
 * asked for what it publishes. It is a worker where the policy has one. Without one (none in the policy, or a
 * report, which runs none) the frontend is served by somebody who needs no telling: such a data plane is
 * ready, connects and disconnects at once. Works on the situation of one decide(): what the worker is to do
 * becomes an action of the plan. */
#ifndef XENRECON_DATA_PLANE_H
#define XENRECON_DATA_PLANE_H

#include "reconcilers/situation.h"

/* Ends a worker that the policy does not have, unless it is this directory's: that one serves until its end.
 */
void stop_unwanted_worker(struct situation *s);

/* A step of creating the device. Returns the action that what is published and InitWait are to be written
 * with; NULL: a worker was started for it, and is to become ready first. */
struct action *data_plane_start(struct situation *s, const char *why);
/* It was started with values that are not in B any more. */
bool data_plane_outdated(const struct situation *s);
/* The worker died, or has not answered since it was started. */
bool data_plane_lost(const struct situation *s);
/* Starts one that died anew, once its time has come and B has the values that it takes; those that are
 * missing are said. */
void data_plane_restart(struct situation *s);

/* A step towards the ring that F shows: what is connected to another one, or must start over (`anew`), is
 * disconnected first. Returns the reason for writing Connected; NULL: not yet connected. */
const char *data_plane_connect(struct situation *s, bool anew, const char *why);
/* It is not connected to the ring that the marker says. */
bool data_plane_strayed(const struct situation *s);

enum disconnect {
    DISCONNECT_NOTHING, /* nothing is connected */
    DISCONNECT_DONE,    /* it is disconnected now; the plan has no action that says so yet */
    DISCONNECT_WAITS,   /* the worker was told to disconnect, in this plan or before */
};
enum disconnect data_plane_disconnect(struct situation *s, const char *why);

/* Writes the keys that belong to InitWait: the policy's, and the worker's. */
void data_plane_publish(struct situation *s, struct action *a);
/* The same for a device that had InitWait before: B has the policy's already, but a worker may have others.
 */
void data_plane_publish_again(struct situation *s, struct action *a);
/* It publishes other values than B has. */
bool data_plane_publishes_anew(const struct situation *s);
/* Remembers that B holds what is published, if the view shows that it does. */
void data_plane_compared(struct situation *s);

/* Findings for what a worker says is wrong, and for keys that it may not publish. */
void data_plane_say(struct situation *s);

#endif
