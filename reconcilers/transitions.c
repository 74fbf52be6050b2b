/* SPDX-License-Identifier: MIT */
#include "reconcilers/transitions.h"

#include "reconcilers/data_plane.h"
#include "reconcilers/phase.h"
#include "reconcilers/ring.h"
#include "reconcilers/writes.h"

enum outcome effect_release(struct situation *s, const char *why)
{
    object_release(s, why);
    return AGAIN;
}

enum outcome effect_close(struct situation *s, enum xenbus_state state, const char *why)
{
    if (worker_employed(s)) {
        if (!worker_disconnect(s, why) && state == XENBUS_CLOSED)
            return DECIDED;
    } else {
        if (object_connected(s))
            plan_act(s->plan, ACTION_DISCONNECT, why);
        object_enter(s, OBJECT_READY);
    }
    effect_put_state(s, plan_act(s->plan, ACTION_CLOSE, why), state, NULL);
    return DECIDED;
}

void effect_connect(struct situation *s, bool anew, const char *why)
{
    if (worker_connect(s, anew, why) == CONNECTION_WAITS)
        return;
    struct marker ring = {.connected = true, .ring = view_ring(s->policy, s->view)};
    effect_put_state(s,
                     plan_act(s->plan, ACTION_CONNECT, worker_employed(s) ? "the worker has connected" : why),
                     XENBUS_CONNECTED, &ring);
    object_enter(s, OBJECT_CONNECTED);
    s->object.front_connected = s->f == XENBUS_CONNECTED;
}
