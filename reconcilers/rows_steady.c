/* SPDX-License-Identifier: MIT */
#include "reconcilers/rows_steady.h"

#include "reconcilers/data_plane.h"

static void observe_hotplug(struct situation *s)
{
    if (s->policy->owner == OWNER_KERNEL && s->online == 1 && s->policy->hotplug.run &&
        !policy_hotplug(s->policy, s->view->backend_domid))
        plan_add_finding(
            s->plan, FINDING_HOTPLUG_REFUSED, SEVERITY_WARNING,
            "the policy has hotplug scripts run, but this is dom0, where libxl runs them: nothing is run");
}

enum outcome on_steady(struct situation *s)
{
    if (s->object.phase == OBJECT_CONNECTED && s->f == XENBUS_CONNECTED)
        s->object.front_connected = true;
    data_plane_compared(s);
    observe_hotplug(s);
    return DECIDED;
}
