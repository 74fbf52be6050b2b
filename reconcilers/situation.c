/* SPDX-License-Identifier: MIT */
#include "reconcilers/situation.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "reconcilers/transitions.h"
#include "schemas/printable.h"

enum { READ_AGAIN = 5000 }; /* milliseconds until what could not be read is read again */

/* ---- reading ---- */

static bool value_is(const struct value *v, char c)
{
    return v->presence == PRESENT && v->len == 1 && v->text[0] == c;
}

const char *const common_key_names[COMMON_KEYS] = {
    [KEY_STATE] = "state",       [KEY_ONLINE] = "online",
    [KEY_FRONTEND] = "frontend", [KEY_FRONTEND_ID] = "frontend-id",
    [KEY_MARKER] = MARKER_KEY,   [KEY_FRONT_STATE] = "state",
};

void situation_keys(const struct view *view, struct value ret_keys[static COMMON_KEYS])
{
    for (int i = 0; i < COMMON_KEYS; i++)
        ret_keys[i] = view_get(view, i < COMMON_BACKEND_KEYS ? BACKEND : FRONTEND, common_key_names[i]);
}

struct ends situation_ends(const struct view *view, const struct value keys[static COMMON_KEYS],
                           bool *ret_bad_frontend)
{
    struct ends ends = {-1, XENBUS_ABSENT, XENBUS_ABSENT};
    const struct value *b = &keys[KEY_STATE], *f = &keys[KEY_FRONT_STATE], *online = &keys[KEY_ONLINE];
    if (value_is(online, '0') || value_is(online, '1'))
        ends.online = online->text[0] == '1';
    if (b->presence == PRESENT && xenbus_state_parse(b->text, b->len, &ends.backend))
        ends.backend = XENBUS_INVALID;
    *ret_bad_frontend = false;
    if (f->presence == PRESENT && view->domain != ABSENT &&
        xenbus_state_parse(f->text, f->len, &ends.frontend)) {
        ends.frontend = XENBUS_UNKNOWN;
        *ret_bad_frontend = true;
    }
    return ends;
}

struct ends view_ends(const struct view *view)
{
    struct value keys[COMMON_KEYS];
    bool bad;
    situation_keys(view, keys);
    return situation_ends(view, keys, &bad);
}

static void say_unreadable(struct situation *s, const char *path)
{
    s->unreadable = true;
    plan_find(s->plan, FINDING_UNREADABLE, SEVERITY_WARNING, "%s cannot be read", path);
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

/* The keys of this side that decide whether a row's keys are complete: see keys_complete(). */
static bool key_counts(const struct key_spec *spec, enum side side, enum required moment)
{
    return side == BACKEND || (spec->required != REQUIRED_NO && spec->required <= moment);
}

static void need_declared(struct situation *s, enum side side, enum required moment)
{
    const struct view *v = s->view;
    for (size_t i = 0; i < v->n_keys[side]; i++) {
        const struct view_key *k = &v->keys[side][i];
        const struct key_spec *spec =
            k->value.presence == UNREADABLE ? policy_find_key(s->policy, side, k->name) : NULL;
        if (spec && key_counts(spec, side, moment))
            say_unreadable(s, view_key_path(v, side, k->name, &s->plan->arena));
    }
}

static bool looks_at_frontend(const struct situation *s)
{
    return s->view->domain != ABSENT && s->policy->handshake == HANDSHAKE_FULL;
}

/* Another worker is to be started, with B's keys. */
static bool wants_worker(const struct situation *s)
{
    return s->in->worker && s->policy->worker.command && s->marked && s->b >= XENBUS_INIT_WAIT &&
           STATE_IN(s->worker.state, WORKER_NONE, WORKER_DEAD) && s->in->now >= s->worker.until;
}

/* A value is needed when some row that could decide here would look at it. */
static void read_needed(struct situation *s)
{
    bool on = s->online == 1;
    if (s->view->directory == UNREADABLE) {
        say_unreadable(s, s->view->path[BACKEND]);
        return;
    }
    for (int i = 0; i < COMMON_BACKEND_KEYS; i++)
        need_value(s, BACKEND, common_key_names[i], &s->keys[i]);
    if (looks_at_frontend(s))
        need_value(s, FRONTEND, "state", &s->keys[KEY_FRONT_STATE]);
    if (policy_hotplug(s->policy, s->view->self)) {
        need(s, "script");
        need(s, "hotplug-status");
        need(s, "hotplug-error");
    }
    if (s->policy->owner != OWNER_XENRECON)
        return;
    if (on && (STATE_IN(s->b, XENBUS_ABSENT, XENBUS_INITIALISING) || wants_worker(s)))
        need_declared(s, BACKEND, REQUIRED_CREATE);
    if (on && STATE_IN(s->b, XENBUS_ABSENT, XENBUS_INITIALISING))
        need_declared(s, FRONTEND, REQUIRED_CREATE);
    if (on && s->marked && STATE_IN(s->b, XENBUS_INIT_WAIT, XENBUS_CONNECTED, XENBUS_CLOSED) &&
        STATE_IN(s->f, XENBUS_INITIALISED, XENBUS_CONNECTED))
        need_declared(s, FRONTEND, REQUIRED_CONNECT);
    if (s->policy->qemu && s->view->qemu == UNREADABLE &&
        ((on && s->b == XENBUS_INITIALISING) ||
         (!s->marked && s->online == 0 && s->b == XENBUS_CLOSING && !s->f_active)))
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
    plan_find(s->plan, FINDING_BAD_VALUE, SEVERITY_ERROR, "%s/%s is %s, not %s", s->view->path[BACKEND],
              common_key_names[key], situation_quote(s, &s->keys[key]), wanted);
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
    if (marker->presence == PRESENT) {
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
    situation_keys(in->view, s->keys);
    struct ends ends = situation_ends(in->view, s->keys, &bad_frontend);
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
        plan_find(plan, FINDING_BAD_FRONTEND_STATE, SEVERITY_WARNING, "%s/state is %s, which is no state",
                  s->view->path[FRONTEND], situation_quote(s, &s->keys[KEY_FRONT_STATE]));
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

void situation_overdue(struct situation *s, uint32_t limit, enum finding_code code, enum severity aged,
                       enum severity unaged, const char *format, ...)
{
    uint64_t since = situation_since(s);
    if (s->in->now && s->in->now < since + limit) {
        plan_wake(s->plan, since + limit, false);
        return;
    }
    char text[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (s->in->now)
        plan_find(s->plan, code, aged, "%s, for more than %u.%u s", text, limit / 1000, limit % 1000 / 100);
    else
        plan_find(s->plan, code, unaged, "%s (since when is not known)", text);
}

/* Is it valid? What is not goes to `say`, if given. */
static bool key_valid(const struct situation *s, enum side side, const struct key_spec *spec,
                      const char *name, const struct value *value, struct plan *say, enum severity severity)
{
    const char *wrong = key_spec_check(spec, value);
    if (wrong && say)
        plan_find(say, FINDING_INVALID_KEY, severity, "%s/%s %s", s->view->path[side], name, wrong);
    return !wrong;
}

/* Is there a key for this spec, and is each that there is valid? */
static bool key_complete(const struct situation *s, enum side side, const struct key_spec *spec,
                         bool required, struct plan *say, enum severity severity)
{
    const struct view *v = s->view;
    struct value named = view_get(v, side, spec->name);
    bool found = !spec->pattern && named.presence != ABSENT, valid = true;
    if (found)
        valid = key_valid(s, side, spec, spec->name, &named, say, severity);
    for (size_t i = 0; i < v->n_keys[side] && spec->pattern; i++) {
        const struct view_key *k = &v->keys[side][i];
        if (k->value.presence == ABSENT || policy_find_key(s->policy, side, k->name) != spec)
            continue;
        found = true;
        valid &= key_valid(s, side, spec, k->name, &k->value, say, severity);
    }
    if (!found && required && say)
        plan_find(say, FINDING_MISSING_KEY, severity, "%s/%s is missing",
                  v->path[side] ? v->path[side] : "the frontend's directory", spec->name);
    return valid && (found || !required);
}

/* Is the key not there, but the one that does as well? */
static bool other_key_does(const struct situation *s, enum side side, const struct key_spec *spec)
{
    return spec->alternative && view_get(s->view, side, spec->name).presence == ABSENT &&
           view_get(s->view, side, spec->alternative).presence == PRESENT;
}

static bool keys_complete(const struct situation *s, enum side side, enum required moment, struct plan *say,
                          enum severity severity)
{
    bool complete = true;
    for (size_t i = 0; i < s->policy->n_keys[side]; i++) {
        const struct key_spec *spec = &s->policy->keys[side][i];
        bool required = spec->required != REQUIRED_NO && spec->required <= moment;
        if (required && other_key_does(s, side, spec))
            spec = policy_find_key(s->policy, side, spec->alternative);
        /* what the toolstack wrote must be valid even where it is optional; guests may write what they like
         * there */
        if (required || key_counts(spec, side, moment))
            complete &= key_complete(s, side, spec, required, say, severity);
    }
    return complete;
}

bool situation_keys_complete(const struct situation *s, enum side side, enum required moment)
{
    return keys_complete(s, side, moment, NULL, SEVERITY_INFO);
}

void situation_say_keys(struct situation *s, enum side side, enum required moment, enum severity severity)
{
    keys_complete(s, side, moment, s->plan, severity);
}

/* ---- rows that every owner has ---- */

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
    object_release(s, "the backend directory is gone");
    if (script.phase == SCRIPT_RUNNING)
        s->object.script = script; /* it cannot be called back; no other one may run beside it */
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
        plan_wake(s->plan, s->in->now + READ_AGAIN, false);
    return DECIDED;
}

enum outcome on_incomplete_dir(struct situation *s)
{
    situation_overdue(s, s->policy->deadlines.create, FINDING_INCOMPLETE_DIR, SEVERITY_WARNING,
                      SEVERITY_WARNING, "%s has no `online` key: the toolstack has not finished writing it",
                      s->view->path[BACKEND]);
    return DECIDED;
}

enum outcome on_mismatched(struct situation *s)
{
    plan_find(s->plan, FINDING_MISMATCHED_FRONTEND, SEVERITY_ERROR,
              "frontend is %s and frontend-id is %s, but the directory is for domain %u",
              situation_quote(s, &s->keys[KEY_FRONTEND]), situation_quote(s, &s->keys[KEY_FRONTEND_ID]),
              s->view->device.domid);
    return DECIDED;
}
