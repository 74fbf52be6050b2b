/* SPDX-License-Identifier: MIT */
/* The rows for `owner: kernel` and `owner: external`: somebody else drives the backend's state. We look, say
 * what is wrong, and where the policy wants it remove what nobody uses any more. */
#include "reconcilers/data_plane.h"
#include "reconcilers/rows_hotplug.h"
#include "reconcilers/transitions.h"

/* ---- a device at rest ---- */

/* A driver's last words: below error/ they stay when the reason is long gone, so they are quoted only where
 * something is wrong anyway. */
static void quote_errors(struct situation *s)
{
    static const char *const whose[] = {"the backend", "the guest"};
    static const enum finding_code codes[] = {FINDING_BACKEND_ERROR, FINDING_GUEST_ERROR};
    for (enum side side = 0; side < 2; side++)
        if (s->view->error[side].presence == PRESENT)
            plan_find(s->plan, codes[side], SEVERITY_WARNING, "%s reports %s", whose[side],
                      situation_quote(s, &s->view->error[side]));
}

static void observe_hotplug(struct situation *s)
{
    if (s->policy->owner != OWNER_KERNEL || s->online != 1)
        return;
    struct value error = view_get(s->view, BACKEND, "hotplug-error");
    if (s->policy->hotplug.run && !policy_hotplug(s->policy, s->view->self))
        plan_find(
            s->plan, FINDING_HOTPLUG_REFUSED, SEVERITY_WARNING,
            "the policy has hotplug scripts run, but this is dom0, where libxl runs them: nothing is run");
    if (situation_has(s, "hotplug-error"))
        plan_find(s->plan, FINDING_HOTPLUG_FAILED, SEVERITY_ERROR, "the hotplug script failed: %s",
                  situation_quote(s, &error));
    else if (situation_has(s, "script") && !situation_has(s, "hotplug-status") &&
             STATE_IN(s->b, XENBUS_INIT_WAIT, XENBUS_INITIALISED, XENBUS_CONNECTED))
        situation_overdue(s, s->policy->deadlines.create, FINDING_HOTPLUG_INCOMPLETE, SEVERITY_ERROR,
                          SEVERITY_WARNING, "the backend is %s, but its hotplug script has not completed",
                          xenbus_state_name(s->b));
}

static bool disagree(const struct situation *s)
{
    return (s->b == XENBUS_CONNECTED) != (s->f == XENBUS_CONNECTED) && s->b != XENBUS_RECONFIGURING &&
           s->b != XENBUS_RECONFIGURED;
}

/* Perhaps because of its keys. */
static void observe_unclaimed(struct situation *s)
{
    situation_overdue(s, s->policy->deadlines.create, FINDING_UNCLAIMED_BACKEND, SEVERITY_WARNING,
                      SEVERITY_WARNING, "no backend has claimed this device");
    if (s->plan->n_findings)
        situation_say_keys(s, BACKEND, REQUIRED_CREATE, SEVERITY_WARNING);
}

static void observe_states(struct situation *s)
{
    const struct policy *p = s->policy;
    const char *b = xenbus_state_name(s->b), *f = xenbus_state_name(s->f);
    if (s->online == 1 && s->b == XENBUS_INITIALISING && p->owner != OWNER_XENRECON)
        observe_unclaimed(s);
    else if (s->online == 1 && s->b == XENBUS_INIT_WAIT && s->f == XENBUS_INITIALISED)
        situation_overdue(s, p->deadlines.connect, FINDING_STUCK_CONNECT, SEVERITY_WARNING, SEVERITY_WARNING,
                          "the guest is ready, but its backend is still %s", b);
    else if (s->b == XENBUS_CLOSING && (s->f_active || s->online == 0))
        situation_overdue(s, p->deadlines.close, s->online == 1 ? FINDING_STUCK_CLOSE : FINDING_STUCK_DETACH,
                          SEVERITY_ERROR, SEVERITY_WARNING, "the backend is %s, and the frontend still %s", b,
                          f);
    else if (s->online == 0 && s->b == XENBUS_CLOSED) /* of ours it is destroyed */
        situation_overdue(s, p->deadlines.close, FINDING_NOT_REMOVED, SEVERITY_WARNING, SEVERITY_INFO,
                          "detached and Closed, but nobody removes it");
    else if (s->online == 1 && s->b == XENBUS_CLOSED && s->f == XENBUS_CLOSED)
        situation_overdue(s, p->deadlines.close, FINDING_CLOSED_ONLINE, SEVERITY_INFO, SEVERITY_INFO,
                          "attached, but both ends are Closed");
    else if (s->online == 1 && s->b == XENBUS_INIT_WAIT && !disagree(s) && s->f != XENBUS_CLOSED)
        situation_overdue(s, p->deadlines.connect, FINDING_STUCK_CONNECT, SEVERITY_WARNING, SEVERITY_INFO,
                          "waiting for the guest's driver: the frontend is %s", f);
    else if (disagree(s) && !s->plan->n_findings)
        situation_overdue(s, p->deadlines.connect, FINDING_ENDS_DISAGREE, SEVERITY_WARNING, SEVERITY_WARNING,
                          "the backend is %s, but the frontend %s", b, f);
}

enum outcome on_steady(struct situation *s)
{
    if (s->object.phase == OBJECT_CONNECTED && s->f == XENBUS_CONNECTED)
        s->object.front_connected = true;
    worker_compared(s);
    if (s->policy->handshake == HANDSHAKE_FULL)
        observe_states(s);
    observe_hotplug(s);
    if (s->plan->n_findings)
        quote_errors(s);
    return DECIDED;
}

/* ---- orphans ---- */

bool orphan(const struct situation *s)
{
    return s->view->domain == ABSENT || (s->view->path[FRONTEND] && s->view->front == ABSENT);
}

/* How long it has been one. */
static bool past_grace(const struct situation *s)
{
    const struct memory *m = s->in->memory;
    if (!s->in->now)
        return true; /* a report says what is done in the end */
    /* a script may have to run before it is collected; one that ran for a detached device is another matter
     */
    bool collecting = m->row == ROW_HOTPLUG_REMOVE && !(s->online != 1 && s->b == XENBUS_CLOSED);
    return m->row == ROW_COLLECT || collecting ||
           (m->row == ROW_ORPHAN && s->in->now - m->row_since >= s->policy->orphan.grace);
}

/* Never what is online in a living domain, or what a kernel still serves. */
static bool removable(const struct situation *s)
{
    return !(s->online == 1 && s->view->domain != ABSENT) &&
           !(s->policy->owner == OWNER_KERNEL && s->b == XENBUS_CONNECTED);
}

bool collect(const struct situation *s)
{
    return orphan(s) && s->policy->orphan.action == ORPHAN_REMOVE && removable(s) && past_grace(s);
}

enum outcome on_orphan(struct situation *s)
{
    if (s->policy->orphan.action == ORPHAN_REMOVE && removable(s)) /* time is known, or it was collect's */
        plan_wake(s->plan, situation_since(s) + s->policy->orphan.grace, true);
    situation_overdue(s, s->policy->orphan.grace, FINDING_ORPHAN, SEVERITY_WARNING, SEVERITY_WARNING,
                      s->view->domain == ABSENT ? "domain %u is gone" : "the frontend of domain %u is gone",
                      s->view->device.domid);
    return DECIDED;
}

enum outcome on_collect(struct situation *s)
{
    object_release(s, "its frontend is gone");
    struct action *a = plan_act(s->plan, ACTION_COLLECT, "its frontend is gone for longer than orphan.grace");
    action_remove(s->plan, a, s->view->path[BACKEND], false);
    effect_remove_parents(s, a);
    return DECIDED;
}

const struct rule observe_rules[ROW_COUNT] = {
    [ROW_VANISHED] = {vanished, on_vanished},
    [ROW_UNREADABLE] = {unreadable, on_unreadable},
    [ROW_BAD_VALUE] = {bad_value, on_nothing},
    [ROW_INCOMPLETE_DIR] = {incomplete_dir, on_incomplete_dir},
    [ROW_MISMATCHED] = {mismatched, on_mismatched},
    [ROW_HOTPLUG_ADD] = {hotplug_add, on_hotplug_add},
    [ROW_HOTPLUG_REMOVE] = {hotplug_remove, on_hotplug_remove},
    [ROW_COLLECT] = {collect, on_collect},
    [ROW_ORPHAN] = {orphan, on_orphan},
    [ROW_STEADY] = {always, on_steady},
};
