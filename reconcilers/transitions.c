/* SPDX-License-Identifier: MIT */
#include "reconcilers/transitions.h"

#include "reconcilers/data_plane.h"
#include "reconcilers/phase.h"
#include "reconcilers/ring.h"
#include "reconcilers/writes.h"

/* Milliseconds between looks whether a worker has ended, beside the news of its end. */
enum { LOOK_FOR_END = 1000 };

enum outcome transition_release(struct situation *s, const char *why)
{
    phase_release(s, why);
    return AGAIN;
}

enum outcome transition_close(struct situation *s, enum xenbus_state state, const char *why)
{
    enum disconnect was = data_plane_disconnect(s, why);
    if (state == XENBUS_CLOSED && was != DISCONNECT_WAITS && phase_worker_ends(s, why)) {
        if (s->in->now)
            plan_requeue_at(s->plan, s->in->now + LOOK_FOR_END, true);
        return DECIDED;
    }
    if (was == DISCONNECT_WAITS && state == XENBUS_CLOSED)
        return DECIDED;
    if (was == DISCONNECT_DONE)
        plan_add_action(s->plan, ACTION_DISCONNECT, why);
    put_state(s, plan_add_action(s->plan, ACTION_CLOSE, why), state, NULL);
    return DECIDED;
}

void transition_connect(struct situation *s, bool anew, const char *why)
{
    const char *reason = data_plane_connect(s, anew, why);
    if (!reason)
        return;
    struct marker ring = {.connected = true, .ring = ring_of(s->policy, s->view)};
    put_state(s, plan_add_action(s->plan, ACTION_CONNECT, reason), XENBUS_CONNECTED, &ring);
    phase_enter(s, OBJECT_CONNECTED);
    s->object.front_connected = s->f == XENBUS_CONNECTED;
}
