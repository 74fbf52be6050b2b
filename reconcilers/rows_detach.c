/* SPDX-License-Identifier: MIT */
#include "reconcilers/rows_detach.h"

#include <stdio.h>
#include <string.h>

#include "reconcilers/data_plane.h"
#include "reconcilers/phase.h"
#include "reconcilers/transitions.h"
#include "reconcilers/writes.h"

bool destroy(const struct situation *s)
{
    return s->online != 1 && STATE_IN(s->b, XENBUS_ABSENT, XENBUS_UNKNOWN, XENBUS_INITIALISING,
                                      XENBUS_INIT_WAIT, XENBUS_CLOSED);
}

/* F may only be removed where libxl puts it, and while it still belongs to this backend: the same place may
 * serve another device by now. */
static bool frontend_removable(const struct situation *s)
{
    char home[160];
    const struct view *v = s->view;
    struct value backend = view_get(v, FRONTEND, "backend");
    snprintf(home, sizeof home, "/local/domain/%u/device/%s/%s", v->device.domid, s->policy->frontend,
             v->device.devid);
    return v->path[FRONTEND] && strcmp(v->path[FRONTEND], home) == 0 &&
           (backend.presence == ABSENT ||
            (backend.presence == PRESENT && strcmp(backend.text, v->path[BACKEND]) == 0));
}

/* Is Closed still held for libxl to read it? Then the removal is requeued. */
static bool held_for_reading(struct situation *s)
{
    uint64_t due = situation_since(s) + policy_hold_closed(s->policy, s->view->backend_domid);
    if (!s->in->now || s->in->now >= due)
        return false;
    plan_requeue_at(s->plan, due, true);
    return true;
}

enum outcome on_destroy(struct situation *s)
{
    phase_release(s, "the device is detached");
    if (held_for_reading(s))
        return DECIDED;
    struct action *a =
        plan_add_action(s->plan, ACTION_DESTROY, "the device is detached, and both ends are done with it");
    const struct view *v = s->view;
    action_remove(s->plan, a, v->path[BACKEND], false);
    if (s->policy->destroy.frontend && v->backend_domid == 0 && frontend_removable(s))
        action_remove(s->plan, a, v->path[FRONTEND], false);
    remove_parents(s, a);
    return DECIDED;
}

bool closing_down(const struct situation *s)
{
    return s->online != 1; /* B between InitWait and Closed: row destroy has taken the others */
}

bool close_idle(const struct situation *s)
{
    return closing_down(s) && !s->f_active;
}

enum outcome on_close_idle(struct situation *s)
{
    return transition_close(s, XENBUS_CLOSED, "detached, and the frontend does not use it");
}

enum outcome on_close_wait(struct situation *s)
{
    if (s->b != XENBUS_CLOSING)
        put_state(s, plan_add_action(s->plan, ACTION_CLOSE, "detached: the frontend is asked to close"),
                  XENBUS_CLOSING, &s->marker);
    return DECIDED;
}

bool toolstack_closed(const struct situation *s)
{
    return s->b == XENBUS_CLOSED &&
           s->marker.wrote != XENBUS_CLOSED; /* online=1: row destroy has taken the others */
}

/* In a driver domain libxl waits for us to do it. */
static enum outcome remove_closed(struct situation *s)
{
    if (held_for_reading(s))
        return DECIDED;
    phase_release(s, "the toolstack wrote Closed");
    action_remove(
        s->plan,
        plan_add_action(s->plan, ACTION_DESTROY, "the toolstack wrote Closed, and waits for it to vanish"),
        s->view->path[BACKEND], false);
    return DECIDED;
}

enum outcome on_toolstack_closed(struct situation *s)
{
    static const char why[] = "the toolstack wrote Closed, and is about to remove the device";
    enum disconnect was = data_plane_disconnect(s, why);
    if (was == DISCONNECT_WAITS)
        return DECIDED;
    if (was == DISCONNECT_NOTHING && s->view->backend_domid != 0)
        return remove_closed(s);
    if (was == DISCONNECT_NOTHING && !s->marker.connected)
        return DECIDED;
    struct marker m = {.incarnation = s->object.incarnation, .wrote = s->marker.wrote};
    put_marker(s, plan_add_action(s->plan, ACTION_DISCONNECT, why), m);
    return DECIDED;
}

bool toolstack_close(const struct situation *s)
{
    return s->b == XENBUS_CLOSING && !s->f_active;
}

enum outcome on_toolstack_close(struct situation *s)
{
    return transition_close(s, XENBUS_CLOSED, "asked to close, and the frontend does not use it");
}
