/* SPDX-License-Identifier: MIT */
#include "schemas/plan.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"

static const char *const action_names[] = {
#define X(name, text) [ACTION_##name] = (text),
    ACTIONS(X)
#undef X
};
_Static_assert(sizeof action_names / sizeof *action_names == ACTION_COUNT, "every action has a name");

const char *action_name(enum action_kind kind)
{
    return action_names[kind];
}

const char *wanted_name(enum want wanted)
{
    static const char *const names[] = {
#define X(name, text) [WANTED_##name] = (text),
        WANTS(X)
#undef X
    };
    return names[wanted];
}

struct plan *plan_new(void)
{
    struct plan *p = xrealloc(NULL, sizeof *p); /* calloc() would not take it from what is at hand */
    *p = (struct plan){0};
    return p;
}

void plan_free(struct plan *p)
{
    if (!p)
        return;
    arena_free(&p->arena);
    free(p);
}

/* Room for one more element of `size` bytes behind the n that there are. What is outgrown stays in the arena:
 * by doubling, that is never more than what is in use. */
static void *more(struct arena *a, void *array, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return array;
    size_t want = *cap ? *cap * 2 : 4;
    void *bigger = arena_alloc(a, want * size);
    if (n)
        memcpy(bigger, array, n * size);
    *cap = want;
    return bigger;
}

struct action *plan_add_action(struct plan *p, enum action_kind kind, const char *reason)
{
    assert(p->n_actions < PLAN_ACTIONS_MAX);
    struct action *a = &p->actions[p->n_actions++];
    *a = (struct action){.kind = kind, .reason = reason};
    return a;
}

void action_write(struct plan *p, struct action *a, const char *path, const char *value)
{
    a->writes = more(&p->arena, a->writes, a->n_writes, &a->cap_writes, sizeof *a->writes);
    a->writes[a->n_writes++] = (struct write){path, arena_strdup(&p->arena, value)};
}

void action_remove(struct plan *p, struct action *a, const char *path, bool if_empty)
{
    a->removals = more(&p->arena, a->removals, a->n_removals, &a->cap_removals, sizeof *a->removals);
    a->removals[a->n_removals++] = (struct removal){arena_strdup(&p->arena, path), if_empty};
}

struct finding *plan_add_finding(struct plan *p, enum finding_code code, enum severity severity,
                                 const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    const char *message = arena_vprintf(&p->arena, format, ap);
    va_end(ap);
    p->findings = more(&p->arena, p->findings, p->n_findings, &p->cap_findings, sizeof *p->findings);
    p->findings[p->n_findings] = (struct finding){.code = code, .severity = severity, .message = message};
    return &p->findings[p->n_findings++];
}

void plan_requeue_at(struct plan *p, uint64_t at, bool requeue_acts)
{
    if (at && (p->requeue_at == 0 || at < p->requeue_at))
        p->requeue_at = at;
    p->requeue_acts |= requeue_acts;
}

bool plan_has_writes(const struct plan *p)
{
    for (size_t i = 0; i < p->n_actions; i++)
        if (p->actions[i].n_writes || p->actions[i].n_removals)
            return true;
    return false;
}

const struct action *plan_task(const struct plan *p, enum task task)
{
    for (size_t i = 0; i < p->n_actions; i++)
        if (p->actions[i].task == task)
            return &p->actions[i];
    return NULL;
}

bool plan_acts(const struct plan *p)
{
    for (size_t i = 0; i < p->n_actions; i++)
        if (p->actions[i].task != TASK_NONE)
            return true;
    return plan_has_writes(p);
}
