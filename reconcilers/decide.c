/* SPDX-License-Identifier: MIT */
#include "reconcilers/decide.h"

#include <errno.h>
#include <string.h>

#include "reconcilers/condition.h"
#include "reconcilers/data_plane.h"
#include "reconcilers/phase.h"
#include "reconcilers/rows_handshake.h"
#include "reconcilers/rows_observe.h"

static const struct rule *rules_of(enum owner owner)
{
    switch (owner) {
    case OWNER_XENRECON:
        return handshake_rules;
    case OWNER_KERNEL:
    case OWNER_EXTERNAL:
        break;
    }
    return observe_rules;
}

bool row_belongs(enum row row, enum owner owner)
{
    return rules_of(owner)[row].applies != NULL;
}

/* A row whose last action failed is held until its backoff ends; a change in the view ends the backoff early.
 */
static bool held_back(const struct decision_input *in, const struct plan *p)
{
    const struct failure *f = &in->memory->failure;
    return f->error && p->n_actions && f->row == p->row && in->now < f->until &&
           f->digest == view_digest(in->view);
}

/* Findings that do not depend on the row: about the device's policy, the watch of its frontend, and other
 * devices. */
static void say_circumstances(struct situation *s)
{
    const struct memory *m = s->in->memory;
    struct plan *p = s->plan;
    uint64_t contended = m->contended_since ? m->contended_since + s->policy->deadlines.create : 0;
    if (contended && s->in->now >= contended)
        plan_add_finding(p, FINDING_CONTENDED, SEVERITY_WARNING,
                         "every transaction is spoiled by another client, for more than %u.%u s",
                         s->policy->deadlines.create / 1000, s->policy->deadlines.create % 1000 / 100);
    if (m->retired_policy)
        plan_add_finding(p, FINDING_POLICY_CHANGED, SEVERITY_WARNING,
                         "the policy that this device was created under is not in force any more");
    if (m->unwatched)
        plan_add_finding(p, FINDING_UNWATCHED, SEVERITY_WARNING,
                         "the store refuses to watch its frontend (%s): looked at every %d s",
                         strerror(-m->unwatched), UNWATCHED_POLL / 1000);
    image_say(p, &m->shared);
}

struct plan *decide(const struct decision_input *in, struct object *ret_object)
{
    struct situation s;
    struct plan *p = plan_new();
    situation_read(&s, in, p);
    stop_unwanted_worker(&s);
    phase_from_worker(&s);
    situation_decide(&s, rules_of(in->policy->owner));
    condition_say(&s);
    data_plane_say(&s);
    if (in->memory->failure.error && in->memory->failure.row == p->row && p->n_actions)
        plan_add_finding(p, FINDING_ACTION_FAILED, SEVERITY_ERROR, "%s failed %u times: %s",
                         action_name(p->actions[p->n_actions - 1].kind), in->memory->failure.attempt,
                         strerror(-in->memory->failure.error));
    if (held_back(in, p)) {
        p->n_actions = 0;
        plan_requeue_at(p, in->memory->failure.until, true);
        s.object = in->memory->object;
    }
    say_circumstances(&s);
    condition_date(&s);
    *ret_object = s.object;
    return p;
}
