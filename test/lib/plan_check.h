/* SPDX-License-Identifier: MIT */
/* What must hold of every plan for a device that we own, whatever row made it. */
#ifndef XENRECON_TEST_PLAN_CHECK_H
#define XENRECON_TEST_PLAN_CHECK_H

#include "reconcilers/ends.h"
#include "test/lib/scene.h"

static inline void plan_check_key(const struct plan *plan, const struct view *v, enum side side,
                                  const char *key, const char *name)
{
    require(view_get(v, side, key).presence != UNREADABLE, "%s: row %s acts, and %s/%s could not be read",
            name, row_name(plan->row), v->path[side], key);
}

static inline void plan_check_declared(const struct plan *plan, const struct view *v, const struct policy *p,
                                       enum side side, enum required moment, const char *name)
{
    for (size_t i = 0; i < v->n_keys[side]; i++) {
        const struct key_spec *spec = policy_find_key(p, side, v->keys[side][i].name);
        if (spec && (side == BACKEND || (spec->required != REQUIRED_NO && spec->required <= moment)))
            plan_check_key(plan, v, side, v->keys[side][i].name, name);
    }
}

/* Could all be read that a plan which acts was made from? Nothing is ever decided from a guess. */
static inline void plan_check_basis(const struct plan *plan, const struct view *v, const struct policy *p,
                                    const char *name)
{
    static const char *const hotplug[] = {"script", "hotplug-status", "hotplug-error"};
    if (!plan->n_actions || v->directory == ABSENT)
        return;
    for (int i = 0; i < COMMON_BACKEND_KEYS; i++)
        plan_check_key(plan, v, BACKEND, common_key_names[i], name);
    if (v->domain != ABSENT && p->handshake == HANDSHAKE_FULL)
        plan_check_key(plan, v, FRONTEND, "state", name);
    for (int i = 0; policy_hotplug(p, v->backend_domid) && i < 3; i++)
        plan_check_key(plan, v, BACKEND, hotplug[i], name);
    if (plan->row == ROW_CREATE) {
        plan_check_declared(plan, v, p, BACKEND, REQUIRED_CREATE, name);
        plan_check_declared(plan, v, p, FRONTEND, REQUIRED_CREATE, name);
    }
    if (plan->row == ROW_CONNECT || plan->row == ROW_RECONNECT)
        plan_check_declared(plan, v, p, FRONTEND, REQUIRED_CONNECT, name);
    if (p->qemu && (plan->row == ROW_CREATE || plan->row == ROW_UNCLAIMED_CLOSE))
        require(v->qemu != UNREADABLE, "%s: row %s acts, and the device model is not known", name,
                row_name(plan->row));
}

/* With that key not to be read, nothing is done. */
static inline void plan_check_needs(struct decision_input in, enum side side, const char *key)
{
    struct object ignored;
    struct view *without = view_copy(in.view);
    view_replace(without, side, key, UNREADABLE, NULL, 0);
    view_seal(without);
    in.view = without;
    struct plan *plan = decide(&in, &ignored);
    require(plan->row == ROW_UNREADABLE && !plan_acts(plan), "without %s: row %s", key, row_name(plan->row));
    plan_free(plan);
    view_free(without);
}

/* `worker`: what it publishes may be written, too; or NULL. */
static inline void plan_check_write(const struct action *a, const struct view *v, const struct policy *p,
                                    const struct worker *worker, const struct write *w, const char *name)
{
    size_t n = strlen(v->path[BACKEND]);
    require(!strncmp(w->path, v->path[BACKEND], n) && w->path[n] == '/', "%s: writes outside of B: %s", name,
            w->path);
    const char *key = w->path + n + 1;
    bool ours = !strcmp(key, "state") || !strcmp(key, MARKER_KEY) || !strcmp(key, "hotplug-status");
    for (size_t i = 0; i < p->n_publish; i++)
        ours |= !strcmp(key, p->publish[i].key);
    for (size_t i = 0; worker && i < worker->n_published; i++)
        ours |= !strcmp(key, worker->published[i].key) && !policy_find_key(p, BACKEND, key);
    require(ours, "%s: writes %s, which is not ours to write", name, key);
    for (size_t i = 0; i < a->n_writes; i++)
        require(&a->writes[i] == w || strcmp(a->writes[i].path, w->path) != 0, "%s: writes %s twice", name,
                key);
    if (!strcmp(key, "state")) {
        struct marker m;
        struct value old = view_get(v, BACKEND, MARKER_KEY);
        const char *marker = old.presence == PRESENT ? old.text : NULL; /* if it says that already */
        for (size_t i = 0; i < a->n_writes; i++)
            if (!strcmp(a->writes[i].path + n, "/" MARKER_KEY))
                marker = a->writes[i].value;
        require(marker && !marker_parse(marker, strlen(marker), &m), "%s: a state without a marker", name);
        require(strlen(w->value) == 1 && w->value[0] - '0' == (int)m.wrote,
                "%s: writes state %s, and the marker says %d", name, w->value, m.wrote);
    }
}

static inline void plan_check_removal(const struct action *a, const struct view *v, const struct removal *r,
                                      const char *name)
{
    char type[BACKEND_PATH_SIZE], domain[BACKEND_PATH_SIZE + 8];
    snprintf(type, sizeof type, "/local/domain/%d/backend/%s", v->backend_domid, v->device.type);
    snprintf(domain, sizeof domain, "%s/%d", type, v->device.domid);
    require(a->kind == ACTION_DESTROY, "%s: %s removes %s", name, action_name(a->kind), r->path);
    bool device =
        !strcmp(r->path, v->path[BACKEND]) || (v->path[FRONTEND] && !strcmp(r->path, v->path[FRONTEND]));
    bool parent = !strcmp(r->path, type) || !strcmp(r->path, domain);
    if (v->path[FRONTEND]) {
        size_t up = (size_t)(strrchr(v->path[FRONTEND], '/') - v->path[FRONTEND]);
        parent |= strlen(r->path) == up && !strncmp(r->path, v->path[FRONTEND], up);
    }
    require(device || parent, "%s: removes %s", name, r->path);
    require(r->if_empty || !parent, "%s: removes %s with all that is in it", name, r->path);
}

static inline void plan_check_with(const struct plan *plan, const struct view *v, const struct policy *p,
                                   const struct worker *worker, uint64_t now, const char *name)
{
    size_t effects = 0;
    require(plan->row < ROW_COUNT, "%s: row %d", name, plan->row);
    for (size_t i = 0; i < plan->n_actions; i++) {
        const struct action *a = &plan->actions[i];
        require(a->reason && *a->reason, "%s: %s without a reason", name, action_name(a->kind));
        require(a->kind != ACTION_ADOPT && a->kind != ACTION_HOTPLUG && a->kind != ACTION_COLLECT,
                "%s: %s is not for a plan of ours", name, action_name(a->kind));
        require(!a->n_writes || !a->n_removals, "%s: writes and removes in one transaction", name);
        for (size_t j = 0; j < a->n_writes; j++)
            plan_check_write(a, v, p, worker, &a->writes[j], name);
        for (size_t j = 0; j < a->n_removals; j++)
            plan_check_removal(a, v, &a->removals[j], name);
        effects += a->n_writes + a->n_removals;
    }
    require(plan_has_writes(plan) == (effects > 0), "%s: plan_has_writes()", name);
    plan_check_basis(plan, v, p, name);
    for (size_t i = 0; i < plan->n_findings; i++)
        require(plan->findings[i].message && *plan->findings[i].message, "%s: a finding that says nothing",
                name);
    require(!plan->requeue_at || (now && plan->requeue_at > now), "%s: wakes in the past", name);
    require(!plan->requeue_acts || plan->requeue_at, "%s: requeue_acts for ever", name);
    if (plan->row == ROW_UNREADABLE || plan->row == ROW_BAD_VALUE)
        require(!plan->n_actions, "%s: acts on what cannot be understood", name);
}

static inline void plan_check(const struct plan *plan, const struct view *v, const struct policy *p,
                              uint64_t now, const char *name)
{
    plan_check_with(plan, v, p, NULL, now, name);
}

/* "create connect": the kinds, in order. */
static inline const char *plan_actions(const struct plan *plan, char *buf, size_t size)
{
    size_t n = 0;
    buf[0] = '\0';
    for (size_t i = 0; i < plan->n_actions && n < size; i++)
        n += (size_t)snprintf(buf + n, size - n, "%s%s", i ? " " : "", action_name(plan->actions[i].kind));
    return buf;
}

static inline const char *plan_findings(const struct plan *plan, char *buf, size_t size)
{
    size_t n = 0;
    buf[0] = '\0';
    for (size_t i = 0; i < plan->n_findings && n < size; i++)
        n += (size_t)snprintf(buf + n, size - n, "%s%s", i ? " " : "",
                              finding_code_name(plan->findings[i].code));
    return buf;
}

static inline void plan_assert_same(const struct plan *a, const struct plan *b, const char *name)
{
    require(a->row == b->row && a->n_actions == b->n_actions && a->n_findings == b->n_findings &&
                a->requeue_at == b->requeue_at && a->requeue_acts == b->requeue_acts,
            "%s: decided twice, two plans", name);
    for (size_t i = 0; i < a->n_actions; i++) {
        const struct action *x = &a->actions[i], *y = &b->actions[i];
        ck_assert(x->kind == y->kind && x->n_writes == y->n_writes && x->n_removals == y->n_removals);
        ck_assert_str_eq(x->reason, y->reason);
        for (size_t j = 0; j < x->n_writes; j++) {
            ck_assert_str_eq(x->writes[j].path, y->writes[j].path);
            ck_assert_str_eq(x->writes[j].value, y->writes[j].value);
        }
        for (size_t j = 0; j < x->n_removals; j++)
            ck_assert_str_eq(x->removals[j].path, y->removals[j].path);
    }
    for (size_t i = 0; i < a->n_findings; i++) {
        ck_assert_int_eq(a->findings[i].code, b->findings[i].code);
        ck_assert_int_eq(a->findings[i].severity, b->findings[i].severity);
        ck_assert_str_eq(a->findings[i].message, b->findings[i].message);
    }
}

/* One decision, with all that it was made from. */
struct run {
    struct policy *policy;
    struct view *view;
    struct object object;
    struct plan *plan;
};

static inline struct run run_decide(const struct scene *s)
{
    struct run r = {.policy = scene_policy(s)};
    r.view = scene_view(s);
    struct memory m = scene_memory(s);
    if (m.failure.digest == 1)
        m.failure.digest = view_digest(r.view);
    r.plan = scene_decide_with(s, r.policy, r.view, &m, &r.object);
    plan_check_with(r.plan, r.view, r.policy, s->worker, s->now, s->b ? s->b : "gone");
    return r;
}

static inline void run_free(struct run *r)
{
    plan_free(r->plan);
    view_free(r->view);
    policy_free(r->policy);
}

static inline void assert_plan(const struct run *r, enum row row, const char *actions, const char *findings)
{
    char buf[256];
    ck_assert_msg(r->plan->row == row, "row %s, not %s", row_name(r->plan->row), row_name(row));
    ck_assert_str_eq(plan_actions(r->plan, buf, sizeof buf), actions);
    ck_assert_str_eq(plan_findings(r->plan, buf, sizeof buf), findings);
}

/* The next decision, with what the last one left to be remembered. */
static inline struct run go_on(const struct scene *s, struct run *last)
{
    struct scene next = *s;
    next.rest.object = last->object;
    run_free(last);
    return run_decide(&next);
}

static inline const struct action *task_of(const struct run *r, enum task task)
{
    const struct action *a = plan_task(r->plan, task);
    ck_assert_msg(a, "row %s gives no task of kind %d", row_name(r->plan->row), task);
    ck_assert(plan_acts(r->plan));
    return a;
}

static inline void assert_tasks(const struct run *r, const char *tasks)
{
    static const char letters[] = {[TASK_NONE] = '-',    [TASK_SCRIPT] = 's',     [TASK_START] = '+',
                                   [TASK_CONNECT] = 'c', [TASK_DISCONNECT] = 'd', [TASK_STOP] = 'x'};
    char buf[PLAN_ACTIONS_MAX + 1] = "";
    for (size_t i = 0; i < r->plan->n_actions; i++)
        buf[i] = letters[r->plan->actions[i].task];
    ck_assert_str_eq(buf, tasks);
}

static inline void assert_writes(const struct run *r, const char *key, const char *value)
{
    const char *written = scene_written(r->plan, r->view, key);
    ck_assert_msg(value ? written && !strcmp(written, value) : !written, "%s is written %s, not %s", key,
                  written ? written : "not", value ? value : "not");
}

static inline void assert_says(const struct run *r, enum finding_code code, enum severity severity,
                               const char *text)
{
    for (size_t i = 0; i < r->plan->n_findings; i++)
        if (r->plan->findings[i].code == code && r->plan->findings[i].severity == severity &&
            strstr(r->plan->findings[i].message, text))
            return;
    ck_abort_msg("nothing says %s: %s", finding_code_name(code), text);
}

#endif
