/* SPDX-License-Identifier: MIT */
#include "reconcilers/rows_steady.h"

#include <string.h>

#include "reconcilers/data_plane.h"
#include "reconcilers/needs.h"

static void observe_hotplug(struct situation *s)
{
    if (s->policy->owner == OWNER_KERNEL && s->online == 1 && s->policy->hotplug.run &&
        !policy_hotplug(s->policy, s->view->backend_domid))
        plan_add_finding(
            s->plan, FINDING_HOTPLUG_REFUSED, SEVERITY_WARNING,
            "the policy has hotplug scripts run, but this is dom0, where libxl runs them: nothing is run");
}

/* Only where it is looked for: of a network card that others serve. */
static void observe_carrier(struct situation *s)
{
    struct value v = view_get(s->view, FRONTEND, needs_carrier);
    if (s->policy->owner == OWNER_XENRECON || s->b != XENBUS_CONNECTED || s->f != XENBUS_CONNECTED ||
        strcmp(s->policy->frontend, "vif") != 0 || v.presence != PRESENT || v.len != 1 || *v.text != '1')
        return;
    struct finding *f = plan_add_finding(
        s->plan, FINDING_CARRIER_OFF, SEVERITY_INFO,
        "both ends are Connected, but the toolstack has pulled its cable out: %s/%s is \"1\"",
        s->view->path[FRONTEND], needs_carrier);
    f->who = WAITS_FOR_TOOLSTACK;
    f->ends = "F/disconnect=0";
}

enum outcome on_steady(struct situation *s)
{
    if (s->object.phase == OBJECT_CONNECTED && s->f == XENBUS_CONNECTED)
        s->object.front_connected = true;
    data_plane_compared(s);
    observe_hotplug(s);
    observe_carrier(s);
    return DECIDED;
}
