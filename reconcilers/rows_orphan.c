/* SPDX-License-Identifier: MIT */
#include "reconcilers/rows_orphan.h"

#include "reconcilers/phase.h"
#include "reconcilers/writes.h"

bool orphan(const struct situation *s)
{
    return s->view->domain == ABSENT || (s->view->path[FRONTEND] && s->view->front == ABSENT);
}

/* Has it been an orphan for longer than the policy's grace? */
static bool past_grace(const struct situation *s)
{
    const struct memory *m = s->in->memory;
    if (!s->in->now)
        return true; /* a report shows what will be done in the end */
    /* a script may have to run before it is collected; one that ran for a detached device is another matter
     */
    bool collecting = m->row == ROW_HOTPLUG_REMOVE && !(s->online != 1 && s->b == XENBUS_CLOSED);
    return m->row == ROW_COLLECT || collecting ||
           (m->row == ROW_ORPHAN && s->in->now - m->row_since >= s->policy->orphan.grace);
}

/* May B be removed? Not if it is online in a living domain, and not while a kernel serves it. */
static bool removable(const struct situation *s)
{
    return !(s->online == 1 && s->view->domain != ABSENT) &&
           !(s->policy->owner == OWNER_KERNEL && s->b == XENBUS_CONNECTED);
}

bool collect(const struct situation *s)
{
    return orphan(s) && s->policy->orphan.action == ORPHAN_REMOVE && removable(s) && past_grace(s);
}

void orphan_say(struct situation *s, const char *before, const char *behind)
{
    struct finding *f = situation_overdue(s, LIMIT_GRACE, FINDING_ORPHAN, SEVERITY_WARNING, SEVERITY_WARNING,
                                          "%sdomain %u%s", before, s->view->device.domid, behind);
    if (f && s->view->domain == ABSENT)
        f->ends = "B"; /* nobody that is alive can be meant */
}

enum outcome on_orphan(struct situation *s)
{
    if (s->policy->orphan.action == ORPHAN_REMOVE && removable(s)) /* time is known, or it was collect's */
        plan_requeue_at(s->plan, situation_since(s) + s->policy->orphan.grace, true);
    orphan_say(s, s->view->domain == ABSENT ? "" : "the frontend of ", " is gone");
    return DECIDED;
}

enum outcome on_collect(struct situation *s)
{
    phase_release(s, "its frontend is gone");
    struct action *a =
        plan_add_action(s->plan, ACTION_COLLECT, "its frontend is gone for longer than orphan.grace");
    action_remove(s->plan, a, s->view->path[BACKEND], false);
    remove_parents(s, a);
    return DECIDED;
}
