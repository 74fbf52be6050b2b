/* SPDX-License-Identifier: MIT */
#include "reconcilers/situation.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "reconcilers/needs.h"
#include "schemas/printable.h"

/* ---- reading ---- */

static void say_unreadable(struct situation *s, const char *path)
{
    s->unreadable = true;
    s->plan->unread = true;
    if (!s->view->listing)
        plan_add_finding(s->plan, FINDING_UNREADABLE, SEVERITY_WARNING, "%s cannot be read", path);
}

static void need_value(struct situation *s, enum side side, const char *key, const struct value *v)
{
    if (v->presence == UNREADABLE)
        say_unreadable(s, view_key_path(s->view, side, key, &s->plan->arena));
}

static void need(struct situation *s, const char *key)
{
    struct value v = view_get(s->view, BACKEND, key);
    need_value(s, BACKEND, key, &v);
}

static void need_declared(struct situation *s, enum side side, unsigned required)
{
    const struct view *v = s->view;
    for (size_t i = 0; i < v->n_keys[side]; i++) {
        const struct view_key *k = &v->keys[side][i];
        const struct key_spec *spec =
            k->value.presence == UNREADABLE ? policy_find_key(s->policy, side, k->name) : NULL;
        if (spec && needs_requires_key(required, side, spec))
            say_unreadable(s, view_key_path(v, side, k->name, &s->plan->arena));
    }
}

static unsigned required(const struct situation *s)
{
    const struct needs_input in = {.policy = s->policy,
                                   .backend_domid = s->view->backend_domid,
                                   .ends = {s->online, s->b, s->f},
                                   .marked = s->marked,
                                   .domain_gone = s->view->domain == ABSENT,
                                   .worker = s->in->worker,
                                   .now = s->in->now};
    return needs_of(&in).required;
}

static void read_front_unread(struct situation *s)
{
    bool link = s->keys[KEY_FRONTEND].presence == UNREADABLE, bad = s->unreadable;
    say_unreadable(s, link ? view_key_path(s->view, BACKEND, "frontend", &s->plan->arena)
                           : view_key_path(s->view, FRONTEND, "state", &s->plan->arena));
    s->unreadable = bad;
}

static void read_needed(struct situation *s)
{
    unsigned needs = required(s);
    if (s->view->directory == UNREADABLE) {
        say_unreadable(s, s->view->path[BACKEND]);
        return;
    }
    bool acts = s->policy->owner == OWNER_XENRECON || s->policy->orphan.action == ORPHAN_REMOVE ||
                policy_hotplug(s->policy, s->view->backend_domid);
    for (int i = 0; i < COMMON_BACKEND_KEYS; i++)
        if (acts || i == KEY_STATE || i == KEY_ONLINE)
            need_value(s, BACKEND, common_key_names[i], &s->keys[i]);
    /* of somebody else's device, which is only looked at, B alone tells what it tells */
    s->front_unread =
        !acts && s->policy->handshake == HANDSHAKE_FULL && s->view->domain != ABSENT &&
        (s->keys[KEY_FRONTEND].presence == UNREADABLE || s->keys[KEY_FRONT_STATE].presence == UNREADABLE);
    if (s->front_unread)
        read_front_unread(s);
    else if (needs & NEED_FRONT_STATE)
        need_value(s, FRONTEND, "state", &s->keys[KEY_FRONT_STATE]);
    for (const char *const *key = needs_hotplug; (needs & NEED_HOTPLUG) && *key; key++)
        need(s, *key);
    if (needs & NEEDS_OF_BACKEND_KEYS)
        need_declared(s, BACKEND, needs);
    if (needs & NEEDS_OF_FRONTEND_KEYS)
        need_declared(s, FRONTEND, needs);
    if ((needs & NEED_FRONTEND_PRESENCE) && s->view->front == UNREADABLE)
        say_unreadable(s, s->view->path[FRONTEND]);
    if ((needs & NEED_DEVICE_MODEL) && s->view->qemu == UNREADABLE)
        say_unreadable(s, "the device model's state");
}

bool situation_has(const struct situation *s, const char *key)
{
    struct value v = view_get(s->view, BACKEND, key);
    return v.presence == PRESENT && v.len;
}

const char *situation_quote(struct situation *s, const struct value *v)
{
    char text[256];
    if (v->presence != PRESENT)
        return "absent"; /* what cannot be read was said before */
    size_t shown = v->len < 128 ? v->len : 128;
    printable_copy(text, sizeof text, v->text, shown, true);
    return arena_printf(&s->plan->arena, "\"%s\"%s", text, shown < v->len ? "..." : "");
}

static void say_bad(struct situation *s, enum common_key key, const char *wanted)
{
    s->bad = true;
    plan_add_finding(s->plan, FINDING_BAD_VALUE, SEVERITY_ERROR, "%s/%s is %s, not %s",
                     s->view->path[BACKEND], common_key_names[key], situation_quote(s, &s->keys[key]), wanted)
        ->ends = arena_printf(&s->plan->arena, "B/%s", common_key_names[key]);
}

static void read_values(struct situation *s)
{
    const struct value *id = &s->keys[KEY_FRONTEND_ID], *marker = &s->keys[KEY_MARKER];
    if (s->b == XENBUS_INVALID)
        say_bad(s, KEY_STATE, "a state from 0 to 8");
    if (s->keys[KEY_ONLINE].presence == PRESENT && s->online < 0)
        say_bad(s, KEY_ONLINE, "0 or 1");
    s->frontend_id = s->view->device.domid;
    if (id->presence == PRESENT && parse_decimal(id->text, id->len, DOMID_MAX, &s->frontend_id))
        say_bad(s, KEY_FRONTEND_ID, "a domain's number");
    if (marker->presence == PRESENT && s->policy->owner == OWNER_XENRECON) {
        if (marker_parse(marker->text, marker->len, &s->marker))
            say_bad(s, KEY_MARKER, "a marker of ours");
        else
            s->marked = true;
    }
}

void situation_read(struct situation *s, const struct decision_input *in, struct plan *plan)
{
    bool bad_frontend;
    *s = (struct situation){
        .in = in, .policy = in->policy, .view = in->view, .plan = plan, .object = in->memory->object};
    ends_keys(in->view, s->keys);
    struct ends ends = ends_of_keys(in->view, s->keys, &bad_frontend);
    s->online = ends.online;
    s->b = ends.backend;
    s->f = ends.frontend;
    if (s->policy->handshake == HANDSHAKE_NONE) {
        s->f = XENBUS_UNKNOWN;
        bad_frontend = false;
    }
    if (in->worker)
        s->worker = *in->worker;
    s->f_active = STATE_IN(s->f, XENBUS_INIT_WAIT, XENBUS_INITIALISED, XENBUS_CONNECTED, XENBUS_CLOSING);
    if (s->view->directory == ABSENT)
        return;
    read_values(s);
    read_needed(s);
    if (bad_frontend && !s->unreadable)
        plan_add_finding(plan, FINDING_BAD_FRONTEND_STATE, SEVERITY_WARNING,
                         "%s/state is %s, which is no state", s->view->path[FRONTEND],
                         situation_quote(s, &s->keys[KEY_FRONT_STATE]))
            ->ends = "F/state";
}

/* ---- deciding ---- */

void situation_decide(struct situation *s, const struct rule rules[static ROW_COUNT])
{
    /* Each AGAIN takes the object away or makes one, so that three rounds are the most there can be. */
    enum outcome outcome = AGAIN;
    for (int round = 0; outcome == AGAIN; round++) {
        assert(round < 4);
        for (s->row = 0; !rules[s->row].applies || !rules[s->row].applies(s); s->row++)
            assert(s->row < ROW_COUNT - 1);
        s->plan->row = s->row;
        outcome = rules[s->row].act(s);
    }
}

uint64_t situation_since(const struct situation *s)
{
    const struct memory *m = s->in->memory;
    return m->row_since && m->row == s->row ? m->row_since : s->in->now;
}

struct finding *situation_overdue(struct situation *s, enum policy_limit which, enum finding_code code,
                                  enum severity aged, enum severity unaged, const char *format, ...)
{
    uint32_t limit = policy_limit(s->policy, which);
    uint64_t since = situation_since(s);
    struct finding *f;
    if (s->in->now && s->in->now < since + limit) {
        plan_requeue_at(s->plan, since + limit, false);
        return NULL;
    }
    char text[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (s->in->now)
        f = plan_add_finding(s->plan, code, aged, "%s, for more than %u.%u s", text, limit / 1000,
                             limit % 1000 / 100);
    else
        f = plan_add_finding(s->plan, code, unaged, "%s", text);
    f->limit = which;
    if (s->in->now)
        f->since = since;
    return f;
}
