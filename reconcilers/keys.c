/* SPDX-License-Identifier: MIT */
#include "reconcilers/keys.h"

/* How often connect keys that are missing are looked for, before their deadline and after it; milliseconds.
 */
enum { LOOK_SOON = 500, LOOK_SLOWLY = 5000 };

/* Milliseconds for which missing keys are no news: some toolstacks write each by itself. */
enum { MOMENT = 2000 };

static const char *key_that_ends(struct plan *p, enum side side, const char *name)
{
    return arena_printf(&p->arena, "%c/%s", side == BACKEND ? 'B' : 'F', name);
}

/* Is the value valid? If not, a finding goes to `say`, unless that is NULL. */
static bool key_valid(const struct situation *s, enum side side, const struct key_spec *spec,
                      const char *name, const struct value *value, struct plan *say, enum severity severity)
{
    const char *wrong = key_spec_check(spec, value);
    if (wrong && say && value->presence == PRESENT) /* what could not be read is no fault of its own */
        plan_add_finding(say, FINDING_INVALID_KEY, severity, "%s/%s %s", s->view->path[side], name, wrong)
            ->ends = key_that_ends(say, side, name);
    return !wrong;
}

/* Is there a key for this spec if there must be, and are all keys for it valid? */
static bool check_key(const struct situation *s, enum side side, const struct key_spec *spec, bool required,
                      struct plan *say, struct patience patience)
{
    const struct view *v = s->view;
    struct value named = view_get(v, side, spec->name);
    bool found = !spec->pattern && named.presence != ABSENT, valid = true;
    if (found)
        valid = key_valid(s, side, spec, spec->name, &named, say, patience.severity);
    for (size_t i = 0; i < v->n_keys[side] && spec->pattern; i++) {
        const struct view_key *k = &v->keys[side][i];
        if (k->value.presence == ABSENT || policy_find_key(s->policy, side, k->name) != spec)
            continue;
        found = true;
        valid &= key_valid(s, side, spec, k->name, &k->value, say, patience.severity);
    }
    if (!found && required && say && !patience.waits)
        plan_add_finding(say, FINDING_MISSING_KEY, patience.severity, "%s/%s is missing",
                         v->path[side] ? v->path[side] : "the frontend's directory", spec->name)
            ->ends = key_that_ends(say, side, spec->name);
    return valid && (found || !required);
}

/* Is the key absent, and its alternative there? */
static bool other_key_does(const struct situation *s, enum side side, const struct key_spec *spec)
{
    return spec->alternative && view_get(s->view, side, spec->name).presence == ABSENT &&
           view_get(s->view, side, spec->alternative).presence == PRESENT;
}

static bool check_keys(const struct situation *s, enum side side, enum required moment, struct plan *say,
                       struct patience patience)
{
    bool complete = true;
    for (size_t i = 0; i < s->policy->n_keys[side]; i++) {
        const struct key_spec *spec = &s->policy->keys[side][i];
        bool required = spec->required != REQUIRED_NO && spec->required <= moment;
        if (required && other_key_does(s, side, spec))
            spec = policy_find_key(s->policy, side, spec->alternative);
        if (required || policy_key_counts(spec, side, moment))
            complete &= check_key(s, side, spec, required, say, patience);
    }
    return complete;
}

bool keys_complete(const struct situation *s, enum side side, enum required moment)
{
    return check_keys(s, side, moment, NULL, (struct patience){SEVERITY_INFO, true});
}

void keys_say(struct situation *s, enum side side, enum required moment, struct patience patience)
{
    check_keys(s, side, moment, s->plan, patience);
}

struct patience keys_patience(struct situation *s, uint32_t deadline)
{
    uint64_t since = situation_since(s), age = s->in->now - since;
    uint32_t moment = deadline / 2 < MOMENT ? deadline / 2 : MOMENT;
    if (!s->in->now)
        return (struct patience){SEVERITY_WARNING, false};
    if (age >= deadline)
        return (struct patience){SEVERITY_ERROR, false};
    plan_requeue_at(s->plan, since + (age < moment ? moment : deadline), false);
    return (struct patience){SEVERITY_WARNING, age < moment};
}

/* Only F's state is watched, and some guests and toolstacks write other keys of F after it. */
static void look_again(struct situation *s, uint32_t deadline)
{
    if (s->in->now)
        plan_requeue_at(s->plan,
                        s->in->now + (s->in->now - situation_since(s) >= deadline ? LOOK_SLOWLY : LOOK_SOON),
                        false);
}

void look_for_frontend_keys(struct situation *s)
{
    if (!keys_complete(s, FRONTEND, REQUIRED_CREATE))
        look_again(s, s->policy->deadlines.create);
}

bool keys_for_connecting(struct situation *s)
{
    if (keys_complete(s, FRONTEND, REQUIRED_CONNECT))
        return true;
    keys_say(s, FRONTEND, REQUIRED_CONNECT, keys_patience(s, s->policy->deadlines.connect));
    look_again(s, s->policy->deadlines.connect);
    return false;
}
