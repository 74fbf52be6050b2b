/* SPDX-License-Identifier: MIT */
#include "schemas/report/answer.h"

#include <string.h>

#include "schemas/domain_name.h"
#include "schemas/health_text.h"
#include "schemas/policy/locate.h"
#include "schemas/printable.h"

struct answer {
    const struct report *report;
    const struct report_device *device;
    const struct policy *policy;
    const struct view *view;
    const struct finding *finding; /* NULL: there is none */
    struct ending ending;
    struct arena arena;
    FILE *to;
};

/* ---- what it is about ---- */

struct ending ending_of(const struct finding *f, struct arena *a)
{
    const char *what = f ? f->ends : NULL;
    if (!what)
        return (struct ending){.kind = ENDING_UNKNOWN};
    if (strcmp(what, "worker") == 0)
        return (struct ending){.kind = ENDING_WORKER};
    if (strcmp(what, "B") == 0)
        return (struct ending){.kind = ENDING_REMOVAL};
    size_t len = strcspn(what, "=");
    return (struct ending){.kind = ENDING_KEY,
                           .side = what[0] == 'B' ? BACKEND : FRONTEND,
                           .key = arena_strndup(a, what + 2, len - 2),
                           .value = what[len] ? what + len + 1 : NULL};
}

/* Of those that weigh the same, one that says who is waited for. */
const struct finding *answer_finding(const struct plan *p)
{
    const struct finding *best = NULL;
    for (size_t i = 0; i < p->n_findings; i++) {
        const struct finding *f = &p->findings[i];
        bool weighs_more = !best || f->severity > best->severity;
        bool says_more = best && f->severity == best->severity && !best->who && f->who;
        if (weighs_more || says_more)
            best = f;
    }
    return best;
}

/* Which key is it that could not be read? The states first. */
static struct ending unread(const struct view *v)
{
    for (enum side side = BACKEND; side <= FRONTEND; side++)
        if (view_get(v, side, "state").presence == UNREADABLE)
            return (struct ending){.kind = ENDING_KEY, .side = side, .key = "state"};
    for (enum side side = BACKEND; side <= FRONTEND; side++)
        for (size_t i = 0; i < v->n_keys[side]; i++)
            if (v->keys[side][i].value.presence == UNREADABLE)
                return (struct ending){.kind = ENDING_KEY, .side = side, .key = v->keys[side][i].name};
    return (struct ending){.kind = ENDING_UNKNOWN};
}

static const char *who_text(enum waits_for who)
{
    switch (who) {
    case WAITS_FOR_NOBODY:
        break;
    case WAITS_FOR_BACKEND:
        return "the backend";
    case WAITS_FOR_FRONTEND:
        return "the frontend, which is the guest's driver";
    case WAITS_FOR_SCRIPT:
        return "the hotplug script";
    case WAITS_FOR_TOOLSTACK:
        return "the toolstack";
    }
    return NULL;
}

/* ---- the first line ---- */

static const char *ends_text(struct answer *x)
{
    const struct report_device *d = x->device;
    if (x->policy->handshake != HANDSHAKE_FULL)
        return arena_printf(&x->arena, "its backend is %s, and the frontend's state means nothing",
                            xenbus_state_name(d->backend_state));
    if (d->backend_state == d->frontend_state)
        return arena_printf(&x->arena, "both ends are %s", xenbus_state_name(d->backend_state));
    return arena_printf(&x->arena, "the backend is %s, the frontend %s", xenbus_state_name(d->backend_state),
                        xenbus_state_name(d->frontend_state));
}

static const char *first_words(struct answer *x, enum health health)
{
    const struct plan *p = x->device->plan;
    if (x->finding)
        return arena_printf(&x->arena, "%s: %s", finding_code_name(x->finding->code),
                            printable(&x->arena, x->finding->message));
    if (health == HEALTH_UNKNOWN)
        return arena_printf(&x->arena, "not all that is needed %s; %s",
                            x->view->listing ? "is in the listing" : "can be read", ends_text(x));
    if (p->n_actions)
        return arena_printf(&x->arena, "%s: %s", action_name(p->actions[0].kind), p->actions[0].reason);
    return ends_text(x);
}

/* ---- the others, a subject each ---- */

static void subject(struct answer *x, const char *name)
{
    fprintf(x->to, "    %-10s", name);
}

static void print_since(struct answer *x, uint64_t since)
{
    char text[REPORT_SINCE_SIZE];
    fprintf(x->to, ", %s", report_since(x->report, since, text) ? text : "since when is not known");
}

static void print_who(struct answer *x)
{
    const struct condition *c = &x->device->plan->condition;
    const char *who = who_text(x->finding ? x->finding->who : c->who);
    if (!who)
        return;
    subject(x, "waits for");
    fputs(who, x->to);
    print_since(x, x->finding ? x->finding->since : c->who_since);
    fputc('\n', x->to);
}

static void print_value(struct answer *x, enum side side, const char *key)
{
    const struct key_spec *spec = policy_find_key(x->policy, side, key);
    struct value v = view_get(x->view, side, key);
    enum xenbus_state state;
    if (v.presence == ABSENT)
        fputs(" is absent", x->to);
    else if (v.presence == UNREADABLE)
        fputs(x->view->listing ? " is not known from the listing" : " cannot be read", x->to);
    else if (spec && spec->secret)
        fputs(" (secret)", x->to);
    else
        fprintf(x->to, " = %s", printable_quoted(&x->arena, v.text));
    if (v.presence == PRESENT && strcmp(key, "state") == 0 && !xenbus_state_parse(v.text, v.len, &state))
        fprintf(x->to, " %s", xenbus_state_name(state));
}

static const char *side_letter(enum side side)
{
    return side == BACKEND ? "B" : "F";
}

static void print_key(struct answer *x)
{
    if (x->ending.kind != ENDING_KEY)
        return;
    enum side side = x->ending.side;
    subject(x, "hangs on");
    fprintf(x->to, "%s/%s", side_letter(side), printable(&x->arena, x->ending.key));
    print_value(x, side, x->ending.key);
    if (x->view->path[side])
        fprintf(x->to, "  (%s/%s)", printable(&x->arena, x->view->path[side]),
                printable(&x->arena, x->ending.key));
    fputc('\n', x->to);
}

static void print_place(struct answer *x, unsigned line)
{
    fprintf(x->to, ", %s", printable(&x->arena, x->policy->source));
    if (line)
        fprintf(x->to, ":%u", line);
    fputc('\n', x->to);
}

/* What the policy asks of a key. */
static const char *demand(struct answer *x, const struct key_spec *spec)
{
    static const char *const types[] = {[KEY_BOOLEAN] = "0 or 1",
                                        [KEY_UINT16] = "a 16-bit number",
                                        [KEY_UINT32] = "a 32-bit number",
                                        [KEY_UINT64] = "a 64-bit number",
                                        [KEY_HEX] = "a hexadecimal number"};
    struct arena *a = &x->arena;
    const char *text = "one of";
    if (spec->match)
        return arena_printf(a, "a value that matches %s", printable_quoted(a, spec->match));
    for (size_t i = 0; i < spec->n_choices; i++)
        text = arena_printf(a, "%s%s %s", text, i ? "," : "", printable_quoted(a, spec->choices[i]));
    return spec->n_choices ? text : types[spec->type] ? types[spec->type] : "any value";
}

/* The policy's, where it is one; else the row that decided. */
static void print_rule(struct answer *x)
{
    static const char *const sections[] = {[BACKEND] = "backend-keys", [FRONTEND] = "frontend-keys"};
    enum policy_limit limit = x->finding ? x->finding->limit : LIMIT_NONE;
    enum row row = x->device->plan->row;
    const struct key_spec *spec =
        x->ending.kind == ENDING_KEY ? policy_find_key(x->policy, x->ending.side, x->ending.key) : NULL;
    if (!limit && !spec && row == ROW_STEADY)
        return; /* that is no rule */
    subject(x, "rule");
    if (limit) {
        struct policy_field f = policy_limit_field(limit);
        uint32_t last = policy_limit(x->policy, limit);
        unsigned line = policy_line(x->policy, f.section, f.field);
        fprintf(x->to, "%s: %s %u.%u s%s", f.section, f.field, last / 1000, last % 1000 / 100,
                line ? "" : ", the default");
        print_place(x, line);
    } else if (spec) {
        const char *section = sections[x->ending.side];
        fprintf(x->to, "%s: %s%s", section, spec->name, spec->required ? " is required" : "");
        print_place(x, policy_line(x->policy, section, spec->name));
    } else {
        fprintf(x->to, "row %s: %s", row_name(row), row_condition(row));
        print_place(x, 0);
    }
}

static void print_new_value(struct answer *x)
{
    const struct ending *e = &x->ending;
    const struct key_spec *spec = policy_find_key(x->policy, e->side, e->key);
    enum xenbus_state state;
    fprintf(x->to, "%s/%s", side_letter(e->side), printable(&x->arena, e->key));
    if (!e->value)
        fprintf(x->to, " = %s", spec ? demand(x, spec) : "a value that fits");
    else if (!*e->value)
        fputs(" removed", x->to);
    else
        fprintf(x->to, " = \"%s\"", e->value);
    if (e->value && strcmp(e->key, "state") == 0 && !xenbus_state_parse(e->value, strlen(e->value), &state))
        fprintf(x->to, " %s%s", xenbus_state_name(state),
                e->side == FRONTEND && state == XENBUS_INITIALISED ? ", or \"4\" Connected at once" : "");
}

/* Who writes a key, unless the finding says so. */
static enum waits_for writer(const struct answer *x)
{
    if (x->finding->who || x->ending.kind != ENDING_KEY)
        return x->finding->who;
    return x->ending.side == BACKEND ? WAITS_FOR_TOOLSTACK : WAITS_FOR_FRONTEND;
}

static void print_ending(struct answer *x)
{
    const char *who = x->finding ? who_text(writer(x)) : NULL;
    subject(x, "ends with");
    switch (x->ending.kind) {
    case ENDING_UNKNOWN:
        fprintf(x->to, "what is to be done: %s\n",
                finding_advice(x->finding ? x->finding->code : FINDING_UNREADABLE));
        return;
    case ENDING_WORKER:
        fputs("a worker that serves it\n", x->to);
        return;
    case ENDING_REMOVAL:
        fprintf(x->to, "B removed (%s)", printable(&x->arena, x->view->path[BACKEND]));
        break;
    case ENDING_KEY:
        print_new_value(x);
        break;
    }
    fprintf(x->to, "%s%s\n", who ? ", by " : "", who ? who : "");
}

void report_print_answer(const struct report *r, const struct report_device *device,
                         const struct policy *policy, const struct view *view, FILE *to)
{
    struct answer x = {r, device, policy, view, answer_finding(device->plan), {0}, {0}, to};
    enum health health = health_of(device->plan);
    char key[DEVICE_KEY_SIZE], domain[DOMAIN_NAME_SIZE];
    enum colour colour = health_text_colour(health);
    device_key_format(&device->key, key);
    x.ending = health == HEALTH_UNKNOWN ? unread(view) : ending_of(x.finding, &x.arena);
    fputs(key, to);
    if (device->frontend_name)
        fprintf(to, " of %s", domain_name_format(device->frontend_name, device->key.domid, domain));
    fputs(" is ", to);
    terminal_begin(&r->terminal, colour, to);
    fputs(health_name(health), to);
    terminal_end(&r->terminal, colour, to);
    fprintf(to, ": %s\n", first_words(&x, health));
    if (health != HEALTH_OK) {
        print_who(&x);
        print_key(&x);
        if (health != HEALTH_UNKNOWN)
            print_rule(&x);
        if (x.finding)
            print_ending(&x);
    }
    arena_free(&x.arena);
}
