/* SPDX-License-Identifier: MIT */
#include "reconcilers/rows_steady.h"

#include <string.h>

#include "reconcilers/data_plane.h"
#include "reconcilers/keys.h"

/* A driver's last words: below error/ they stay when the reason is long gone, so they are quoted only where
 * something is wrong anyway. */
static void quote_errors(struct situation *s)
{
    static const char *const whose[] = {"the backend", "the guest"};
    static const enum finding_code codes[] = {FINDING_BACKEND_ERROR, FINDING_GUEST_ERROR};
    for (enum side side = 0; side < 2; side++)
        if (s->view->error[side].presence == PRESENT)
            plan_add_finding(s->plan, codes[side], SEVERITY_WARNING, "%s reports %s", whose[side],
                             situation_quote(s, &s->view->error[side]));
}

static void observe_hotplug(struct situation *s)
{
    if (s->policy->owner != OWNER_KERNEL || s->online != 1)
        return;
    struct value error = view_get(s->view, BACKEND, "hotplug-error"),
                 status = view_get(s->view, BACKEND, "hotplug-status");
    /* not everybody writes the status, and some kernels remove it once they have connected */
    bool to_come = status.presence == PRESENT ? !status.len : s->b != XENBUS_CONNECTED;
    if (s->policy->hotplug.run && !policy_hotplug(s->policy, s->view->backend_domid))
        plan_add_finding(
            s->plan, FINDING_HOTPLUG_REFUSED, SEVERITY_WARNING,
            "the policy has hotplug scripts run, but this is dom0, where libxl runs them: nothing is run");
    if (situation_has(s, "hotplug-error"))
        plan_add_finding(s->plan, FINDING_HOTPLUG_FAILED, SEVERITY_ERROR, "the hotplug script failed: %s",
                         situation_quote(s, &error));
    else if (status.presence == PRESENT && status.len == 5 && memcmp(status.text, "error", 5) == 0)
        plan_add_finding(s->plan, FINDING_HOTPLUG_FAILED, SEVERITY_ERROR,
                         "the hotplug script failed, and does not say why");
    else if (situation_has(s, "script") && to_come && !s->object.script.added &&
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

/* No backend took it; its keys may be the reason, so that they are checked. */
static void observe_unclaimed(struct situation *s)
{
    situation_overdue(s, s->policy->deadlines.create, FINDING_UNCLAIMED_BACKEND, SEVERITY_WARNING,
                      SEVERITY_WARNING, "no backend has claimed this device");
    if (s->plan->n_findings)
        keys_say(s, BACKEND, REQUIRED_CREATE, (struct patience){SEVERITY_WARNING, false});
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
    data_plane_compared(s);
    if (s->policy->handshake == HANDSHAKE_FULL)
        observe_states(s);
    observe_hotplug(s);
    if (s->plan->n_findings)
        quote_errors(s);
    return DECIDED;
}
