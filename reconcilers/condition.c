/* SPDX-License-Identifier: MIT */
#include "reconcilers/condition.h"

#include <string.h>

#include "reconcilers/data_plane.h"
#include "reconcilers/keys.h"
#include "reconcilers/phase.h"
#include "reconcilers/rows_hotplug.h"
#include "reconcilers/rows_orphan.h"
#include "schemas/lasting.h"

/* ---- the place in the table ---- */

static bool by_us(const struct situation *s)
{
    return s->policy->owner == OWNER_XENRECON;
}

/* Is there a worker to be waited for? */
static bool worker_lacks(const struct situation *s)
{
    return STATE_IN(s->object.phase, OBJECT_STARTING, OBJECT_CONNECTING, OBJECT_DISCONNECTING, OBJECT_DEAD) ||
           (has_worker(s) && s->b == XENBUS_CONNECTED && s->object.phase != OBJECT_CONNECTED);
}

static unsigned aid(const struct situation *s)
{
    if (by_us(s))
        return worker_lacks(s) ? AID_TODO : AID_FINE;
    if (s->policy->owner != OWNER_KERNEL || !situation_has(s, "script") || s->object.script.added)
        return AID_FINE;
    struct value status = view_get(s->view, BACKEND, "hotplug-status");
    return status.presence == ABSENT                   ? AID_SILENT
           : status.presence == PRESENT && !status.len ? AID_TODO
                                                       : AID_FINE;
}

/* Who writes Closed with online=1 is about to remove it. */
static bool is_attached(const struct situation *s)
{
    return s->online == 1 && s->row != ROW_TOOLSTACK_CLOSED;
}

static const struct lasting *line_of(const struct situation *s)
{
    bool detached = s->online == 0 || by_us(s) || s->row == ROW_TOOLSTACK_CLOSED;
    unsigned online = is_attached(s) ? IS_ON : detached ? IS_OFF : IS_NEITHER;
    unsigned f = s->front_unread ? IN_UNREAD : lasting_state(s->f);
    return lasting_find(by_us(s) ? BY_US : BY_OTHERS, online, lasting_state(s->b), f, aid(s));
}

/* ---- ages ---- */

static enum want wanted_of(const struct situation *s)
{
    if ((s->online < 0 && !by_us(s)) || s->policy->handshake != HANDSHAKE_FULL || s->front_unread)
        return WANTED_NOTHING;
    if (!is_attached(s) || orphan(s))
        return WANTED_GONE;
    return s->b == XENBUS_CLOSING || STATE_IN(s->f, XENBUS_CLOSING, XENBUS_CLOSED) ? WANTED_CLOSED
                                                                                   : WANTED_CONNECTED;
}

static bool is_true(const struct situation *s, enum want wanted)
{
    switch (wanted) {
    case WANTED_NOTHING:
        return true;
    case WANTED_CONNECTED:
        return s->b == XENBUS_CONNECTED && s->f == XENBUS_CONNECTED && !(by_us(s) && worker_lacks(s));
    case WANTED_CLOSED:
        return s->b == XENBUS_CLOSED && !s->f_active;
    case WANTED_GONE:
        break;
    }
    return false;
}

static uint64_t kept(uint64_t since, bool same, uint64_t now)
{
    return same && since ? since : now;
}

/* Who is waited for, and for what, are one condition as long as both stay: other rows, another state on the
 * way and another worker are no end of it. */
static void age(struct situation *s, enum waits_for who)
{
    const struct condition *was = &s->in->memory->condition;
    struct condition *is = &s->plan->condition;
    bool same;
    is->wanted = wanted_of(s);
    is->who = who;
    same = was->wanted == is->wanted;
    is->unmet = !is_true(s, is->wanted);
    if (is->unmet)
        is->wanted_since = kept(was->wanted_since, same, s->in->now);
    if (who != WAITS_FOR_NOBODY)
        is->who_since = kept(was->who_since, same && was->who == who, s->in->now);
}

/* ---- words ---- */

enum { CARDS_NAMED = 8 };

/* %b and %f in the words are the states. */
static const char *words_of(struct situation *s, const struct lasting *l)
{
    struct arena *a = &s->plan->arena;
    const char *text = "", *at = l->words, *sign;
    for (; (sign = strchr(at, '%')); at = sign + 2)
        text = arena_printf(a, "%s%.*s%s", text, (int)(sign - at), at,
                            xenbus_state_name(sign[1] == 'b' ? s->b : s->f));
    return arena_printf(a, "%s%s", text, at);
}

/* What of ours is waited for, where it is a worker. */
static const char *whom(const struct situation *s, const struct lasting *l)
{
    if (!by_us(s) || l->who != WAITS_FOR_BACKEND)
        return "";
    switch (s->object.phase) {
    case OBJECT_STARTING:
        return ": the worker is not ready yet";
    case OBJECT_CONNECTING:
        return ": the worker is still connecting";
    case OBJECT_DISCONNECTING:
        return ": the worker is still disconnecting";
    case OBJECT_DEAD:
        return ": its worker died";
    case OBJECT_NONE:
    case OBJECT_READY:
    case OBJECT_CONNECTED:
        break;
    }
    return "";
}

/* The cards of a pci device that are not where they should be: `state-N` is not Connected. */
static const char *cards(struct situation *s)
{
    struct arena *a = &s->plan->arena;
    const struct view *v = s->view;
    const char *text = "";
    int named = 0;
    for (size_t i = 0; i < v->n_keys[BACKEND] && named < CARDS_NAMED; i++) {
        const struct view_key *k = &v->keys[BACKEND][i];
        if (strncmp(k->name, "state-", 6) != 0 || k->value.presence != PRESENT ||
            (k->value.len == 1 && k->value.text[0] == '4'))
            continue;
        named++;
        struct value dev = view_get(v, BACKEND, arena_printf(a, "dev-%s", k->name + 6));
        text = arena_printf(a, "%s%s %s is %s%s%s", text, *text ? "," : ":", k->name,
                            situation_quote(s, &k->value), dev.presence == PRESENT ? ", card " : "",
                            dev.presence == PRESENT ? situation_quote(s, &dev) : "");
    }
    return text;
}

static void say(struct situation *s, const struct lasting *l)
{
    uint64_t now = s->in->now, since = s->plan->condition.who_since;
    uint32_t limit = policy_limit(s->policy, l->limit);
    struct finding *f;
    if (now && now < since + limit) {
        plan_requeue_at(s->plan, since + limit, false);
        return;
    }
    const char *more = l->code == FINDING_STUCK_RECONFIGURE ? cards(s) : whom(s, l);
    if (now)
        f = plan_add_finding(s->plan, l->code, l->aged, "%s%s, for more than %u.%u s", words_of(s, l), more,
                             limit / 1000, limit % 1000 / 100);
    else
        f = plan_add_finding(s->plan, l->code, l->unaged, "%s%s", words_of(s, l), more);
    f->who = l->who;
    f->ends = l->ends;
    f->limit = l->limit;
    f->since = since;
    if (l->code == FINDING_UNCLAIMED_BACKEND) /* its keys may be the reason */
        keys_say(s, BACKEND, REQUIRED_CREATE, (struct patience){SEVERITY_WARNING, false});
}

/* ---- a script that failed ---- */

static bool script_failed(struct situation *s)
{
    if (s->policy->owner != OWNER_KERNEL || s->online != 1)
        return false;
    struct value error = view_get(s->view, BACKEND, "hotplug-error"),
                 status = view_get(s->view, BACKEND, "hotplug-status");
    bool bad = status.presence == PRESENT && status.len == 5 && memcmp(status.text, "error", 5) == 0;
    if (!bad && !situation_has(s, "hotplug-error"))
        return false;
    const char *why =
        situation_has(s, "hotplug-error")
            ? arena_printf(&s->plan->arena, "the hotplug script failed: %s", situation_quote(s, &error))
            : "the hotplug script failed, and does not say why";
    struct finding *f = plan_add_finding(s->plan, FINDING_HOTPLUG_FAILED, SEVERITY_ERROR, "%s", why);
    f->who = WAITS_FOR_SCRIPT;
    f->ends = bad || s->b != XENBUS_CONNECTED ? "B/hotplug-status=connected" : "B/hotplug-error=";
    return true;
}

/* ---- what is said ---- */

/* A driver's last words: below error/ they stay when the reason is long gone, so they are quoted only where
 * something is wrong anyway. */
static void quote_errors(struct situation *s)
{
    static const char *const whose[] = {"the backend", "the guest"};
    static const enum finding_code codes[] = {FINDING_BACKEND_ERROR, FINDING_GUEST_ERROR};
    for (enum side side = 0; side < 2; side++)
        if (s->view->error[side].presence == PRESENT)
            plan_add_finding(s->plan, codes[side], SEVERITY_WARNING, "%s reports %s", whose[side],
                             situation_quote(s, &s->view->error[side]))
                ->who = side == BACKEND ? WAITS_FOR_BACKEND : WAITS_FOR_FRONTEND;
}

/* The rows under which a device waits for somebody. The others say themselves what is wrong, or cannot know.
 */
static bool waits(enum row row)
{
    static const bool rows[ROW_COUNT] = {
        [ROW_UNCLAIMED_CLOSE] = true,  [ROW_STARTING] = true,
        [ROW_CLOSE_IDLE] = true,       [ROW_CLOSE_WAIT] = true,
        [ROW_TOOLSTACK_CLOSED] = true, [ROW_BUSY] = true,
        [ROW_RESPAWN] = true,          [ROW_CONNECT] = true,
        [ROW_RECONNECT] = true,        [ROW_FRONT_CLOSING] = true,
        [ROW_FRONT_CLOSED] = true,     [ROW_FRONT_RESTART] = true,
        [ROW_TOOLSTACK_CLOSE] = true,  [ROW_CYCLE] = true,
        [ROW_PUBLISH] = true,          [ROW_STEADY] = true,
    };
    return rows[row];
}

/* Is what was known still all that is known? Where nothing could be read; and where something is written, for
 * it is decided again on what becomes of that. */
static bool unknown(const struct situation *s)
{
    return s->row == ROW_UNREADABLE || s->row == ROW_BAD_VALUE || plan_has_writes(s->plan);
}

/* Has the row said what it waits for? */
static bool explained(const struct plan *p)
{
    for (size_t i = 0; i < p->n_findings; i++)
        if (p->findings[i].code == FINDING_MISSING_KEY || p->findings[i].code == FINDING_INVALID_KEY ||
            p->findings[i].code == FINDING_FLAPPING || p->findings[i].code == FINDING_BAD_FRONTEND_STATE)
            return true;
    return false;
}

/* Is anything done but to let go of what there was before? */
static bool goes_on(const struct plan *p)
{
    for (size_t i = 0; i < p->n_actions; i++)
        if (p->actions[i].kind != ACTION_RELEASE)
            return true;
    return false;
}

/* Was this found before, of the condition that still lasts? Then what is done now is no end of it. */
static bool found(const struct situation *s, enum finding_code code)
{
    const struct memory *m = s->in->memory;
    for (size_t i = 0; i < m->n_said; i++)
        if (m->said[i].code == code)
            return s->plan->condition.who_since == m->condition.who_since;
    return false;
}

/* Without ages: is it likely to be on its way? What is up to us or to a toolstack takes a moment as a rule.
 */
static bool may_pass(const struct situation *s, const struct lasting *l)
{
    bool works = STATE_IN(s->object.phase, OBJECT_STARTING, OBJECT_CONNECTING, OBJECT_DISCONNECTING) &&
                 s->row != ROW_STEADY;
    return !s->in->now && by_us(s) &&
           (l->who == WAITS_FOR_TOOLSTACK || (l->who == WAITS_FOR_BACKEND && !works));
}

void condition_say(struct situation *s)
{
    struct plan *p = s->plan;
    if (unknown(s)) {
        p->condition = s->in->memory->condition;
        return;
    }
    if (s->view->directory == ABSENT)
        return;
    const struct lasting *l = waits(s->row) && s->policy->handshake == HANDSHAKE_FULL ? line_of(s) : NULL;
    age(s, l ? l->who : WAITS_FOR_NOBODY);
    if (s->row == ROW_STEADY && script_failed(s))
        l = NULL;
    /* where something is done now, or keys are the reason, another decision follows */
    if (l && l->who != WAITS_FOR_NOBODY && (!goes_on(p) || found(s, l->code)) && !explained(p) &&
        !may_pass(s, l))
        say(s, l);
    if (s->row == ROW_STEADY && p->n_findings)
        quote_errors(s);
}

static uint64_t since_of(const struct memory *m, enum finding_code code, uint64_t now)
{
    for (size_t i = 0; i < m->n_said; i++)
        if (m->said[i].code == code)
            return m->said[i].since;
    return now;
}

void condition_date(struct situation *s)
{
    for (size_t i = 0; i < s->plan->n_findings; i++) {
        struct finding *f = &s->plan->findings[i];
        if (!f->since)
            f->since = since_of(s->in->memory, f->code, s->in->now);
    }
}
