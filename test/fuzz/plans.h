/* SPDX-License-Identifier: MIT */
/* What holds of every plan, whoever owns the device; and plan_check.h without libcheck, whose assertions end
 * here as all others do. */
#ifndef XENRECON_TEST_FUZZ_PLANS_H
#define XENRECON_TEST_FUZZ_PLANS_H

#include "reconcilers/ends.h"
#include "test/fuzz/fuzz.h"
#include "test/lib/plan_check.h"

/* NOLINTBEGIN(bugprone-reserved-identifier): libcheck's names, behind its macros */
void _ck_assert_failed(const char *file, int line, const char *expr, const char *msg, ...)
{
    va_list ap;
    fprintf(stderr, "%s:%d: does not hold: %s: ", file, line, expr);
    va_start(ap, msg);
    if (msg)
        vfprintf(stderr, msg, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}

void _mark_point(const char *file, int line)
{
    (void)file;
    (void)line;
}
/* NOLINTEND(bugprone-reserved-identifier) */

static inline const char *below(const char *path, const struct view *v)
{
    size_t n = strlen(v->path[BACKEND]);
    return strncmp(path, v->path[BACKEND], n) == 0 && path[n] == '/' ? path + n + 1 : NULL;
}

static inline bool is_hotplug_key(const char *key)
{
    return key && (strcmp(key, "hotplug-status") == 0 || strcmp(key, "hotplug-error") == 0);
}

/* Ours are B itself and, where it leaves them empty, those above it. */
static inline void check_observed_removal(const struct action *a, const struct removal *r,
                                          const struct view *v)
{
    char type[BACKEND_PATH_SIZE], domain[BACKEND_PATH_SIZE + 8];
    snprintf(type, sizeof type, "/local/domain/%d/backend/%s", v->backend_domid, v->device.type);
    snprintf(domain, sizeof domain, "%s/%d", type, v->device.domid);
    if (a->kind == ACTION_HOTPLUG) {
        holds(is_hotplug_key(below(r->path, v)), "hotplug removes %s", r->path);
        return;
    }
    bool parent = strcmp(r->path, type) == 0 || strcmp(r->path, domain) == 0;
    holds(parent ? r->if_empty && v->backend_domid == 0 : strcmp(r->path, v->path[BACKEND]) == 0,
          "removes %s", r->path);
}

static inline void check_collected(const struct plan *plan, const struct view *v, const struct policy *p)
{
    struct ends e = ends_of(v);
    holds(plan->row == ROW_COLLECT && p->orphan.action == ORPHAN_REMOVE, "collected in row %s",
          row_name(plan->row));
    holds(e.online != 1 || v->domain == ABSENT, "collects what is online in a living domain");
    holds(p->owner != OWNER_KERNEL || e.backend != XENBUS_CONNECTED, "collects what a kernel serves");
    holds(v->domain == ABSENT || v->front == ABSENT, "collects what is no orphan");
}

static inline void check_script(const struct action *a, const struct view *v, const struct policy *p)
{
    static const char odd[] = " \t\n'\"$`\\;&|<>(){}[]*?!#~";
    holds(p->owner == OWNER_KERNEL && policy_hotplug(p, v->backend_domid) && a->kind == ACTION_HOTPLUG,
          "%s of %s runs a script", action_name(a->kind), p->type);
    for (const char *const *word = a->argv; *word; word++)
        holds(!strpbrk(*word, odd) && !strstr(*word, ".."), "the word %s", *word);
    for (const char *const *word = a->env; *word; word++)
        holds(!strpbrk(*word, odd) && strchr(*word, '='), "the variable %s", *word);
}

/* Somebody else drives the state: it is never written, nor anything else that is not the scripts'. */
static inline void check_observed(const struct plan *plan, const struct view *v, const struct policy *p,
                                  uint64_t now)
{
    for (size_t i = 0; i < plan->n_actions; i++) {
        const struct action *a = &plan->actions[i];
        for (size_t j = 0; j < a->n_writes; j++)
            holds(a->kind == ACTION_HOTPLUG && is_hotplug_key(below(a->writes[j].path, v)), "%s writes %s",
                  action_name(a->kind), a->writes[j].path);
        for (size_t j = 0; j < a->n_removals; j++)
            check_observed_removal(a, &a->removals[j], v);
        if (a->kind == ACTION_COLLECT)
            check_collected(plan, v, p);
        else if (a->kind == ACTION_DESTROY)
            holds(v->backend_domid != 0 && policy_hotplug(p, v->backend_domid), "destroys another's device");
        else
            holds(a->kind == ACTION_HOTPLUG || a->kind == ACTION_RELEASE, "%s", action_name(a->kind));
        if (a->argv)
            check_script(a, v, p);
    }
    plan_check_basis(plan, v, p, p->type);
    for (size_t i = 0; i < plan->n_findings; i++)
        holds(*plan->findings[i].message, "a finding that says nothing");
    holds(!plan->requeue_at || (now && plan->requeue_at > now), "wakes in the past");
    holds(!plan->requeue_acts || plan->requeue_at, "deferred for ever");
}

/* From which states of B each that we write may come: nobody who waits for one is to miss it. */
static inline void check_transition(const char *value, const struct view *v)
{
    static const unsigned from[] = {
        [XENBUS_INIT_WAIT] = 1u << XENBUS_INITIALISING | 1u << XENBUS_CLOSED,
        [XENBUS_CONNECTED] = 1u << XENBUS_INIT_WAIT | 1u << XENBUS_CLOSED,
        [XENBUS_CLOSING] = 1u << XENBUS_INIT_WAIT | 1u << XENBUS_INITIALISED | 1u << XENBUS_CONNECTED |
                           1u << XENBUS_RECONFIGURING | 1u << XENBUS_RECONFIGURED,
        [XENBUS_CLOSED] = 1u << XENBUS_INIT_WAIT | 1u << XENBUS_INITIALISED | 1u << XENBUS_CONNECTED |
                          1u << XENBUS_CLOSING | 1u << XENBUS_RECONFIGURING | 1u << XENBUS_RECONFIGURED,
    };
    enum xenbus_state to = XENBUS_UNKNOWN, is = ends_of(v).backend;
    holds(!xenbus_state_parse(value, strlen(value), &to) && to <= XENBUS_CLOSED, "writes state %s", value);
    holds(is >= 0 && from[to] >> is & 1, "from %s to %s", xenbus_state_name(is), xenbus_state_name(to));
}

static inline void check_states(const struct plan *plan, const struct view *v)
{
    for (size_t i = 0; i < plan->n_actions; i++)
        for (size_t j = 0; j < plan->actions[i].n_writes; j++) {
            const struct write *w = &plan->actions[i].writes[j];
            const char *key = below(w->path, v);
            if (key && strcmp(key, "state") == 0)
                check_transition(w->value, v);
        }
}

static inline void check_plan(const struct plan *plan, const struct view *v, const struct policy *p,
                              uint64_t now)
{
    if (p->owner == OWNER_XENRECON && plan->row != ROW_COLLECT)
        plan_check(plan, v, p, now, "plan");
    else
        check_observed(plan, v, p, now);
    check_states(plan, v);
    for (size_t i = 0; i < plan->n_findings; i++)
        holds_printable(plan->findings[i].message, strlen(plan->findings[i].message), false);
}

#endif
