/* SPDX-License-Identifier: MIT */
#include "reconcilers/rows_common.h"

#include "reconcilers/phase.h"
#include "reconcilers/rows_orphan.h"

enum { READ_AGAIN = 5000 }; /* milliseconds until what could not be read is read again */

bool vanished(const struct situation *s)
{
    return s->view->directory == ABSENT;
}

bool unreadable(const struct situation *s)
{
    return s->unreadable;
}

bool bad_value(const struct situation *s)
{
    return s->bad;
}

bool incomplete_dir(const struct situation *s)
{
    return !s->marked && s->keys[KEY_ONLINE].presence == ABSENT;
}

bool mismatched(const struct situation *s)
{
    const struct value *frontend = &s->keys[KEY_FRONTEND];
    return s->frontend_id != s->view->device.domid ||
           (frontend->presence == PRESENT &&
            !device_frontend_path_valid(frontend->text, frontend->len, s->view->device.domid));
}

bool always(const struct situation *s)
{
    (void)s;
    return true;
}

enum outcome on_vanished(struct situation *s)
{
    struct script script = s->object.script;
    phase_release(s, "the backend directory is gone");
    if (script.phase == SCRIPT_RUNNING)
        s->object.script = script; /* it still runs, and no other may run beside it */
    return DECIDED;
}

enum outcome on_nothing(struct situation *s)
{
    (void)s;
    return DECIDED;
}

enum outcome on_unreadable(struct situation *s)
{
    if (s->in->now)
        plan_requeue_at(s->plan, s->in->now + READ_AGAIN, false);
    return DECIDED;
}

/* What a guest that is gone has left, or what somebody else keeps there: toolstacks have inventories, too. */
static bool no_device(struct situation *s)
{
    bool empty = s->keys[KEY_FRONTEND].presence == ABSENT && s->b == XENBUS_ABSENT;
    if (s->view->domain == ABSENT)
        orphan_say(s, "left of ", ", which is gone");
    else if (empty && s->policy->owner != OWNER_XENRECON)
        plan_add_finding(s->plan, FINDING_INCOMPLETE_DIR, SEVERITY_INFO,
                         "%s has neither `frontend` nor `state`: it is no device", s->view->path[BACKEND]);
    else
        return false;
    return true;
}

enum outcome on_incomplete_dir(struct situation *s)
{
    if (no_device(s))
        return DECIDED;
    situation_overdue(s, LIMIT_CREATE, FINDING_INCOMPLETE_DIR, SEVERITY_WARNING, SEVERITY_WARNING,
                      "%s has no `online` key: the toolstack has not finished writing it",
                      s->view->path[BACKEND]);
    return DECIDED;
}

enum outcome on_mismatched(struct situation *s)
{
    plan_add_finding(s->plan, FINDING_MISMATCHED_FRONTEND, SEVERITY_ERROR,
                     "frontend is %s and frontend-id is %s, but the directory is for domain %u",
                     situation_quote(s, &s->keys[KEY_FRONTEND]),
                     situation_quote(s, &s->keys[KEY_FRONTEND_ID]), s->view->device.domid)
        ->ends = s->frontend_id != s->view->device.domid ? "B/frontend-id" : "B/frontend";
    return DECIDED;
}
