/* SPDX-License-Identifier: MIT */
/* The decision table, row by row: what decides, what is planned, what is found, what is written. The cases
 * are written from the table's words. One libcheck loop per row; every row has at least two cases. */
#include "reconcilers/decide.h"

#include <check.h>

#include "test/lib/plan_check.h"
#include "test/lib/unit.h"
#include "test/unit/decide_cases.h"

static const char *find_word(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = words; (p = strstr(p, word)); p += n)
        if ((p == words || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
            return p;
    return NULL;
}

/* Every write that changes something was expected, and every one expected is there. */
static void check_writes(const struct decide_case *c, const struct plan *plan, const struct view *v)
{
    size_t n = strlen(v->path[BACKEND]) + 1, expected = c->marker.whose ? 1 : 0, found = 0;
    for (const char *p = c->writes; p && *p; p = strchr(p, ' ') ? strchr(p, ' ') + 1 : "")
        expected++;
    for (size_t i = 0; i < plan->n_actions; i++)
        for (size_t j = 0; j < plan->actions[i].n_writes; j++) {
            const struct write *w = &plan->actions[i].writes[j];
            char word[256], marker[MARKER_SIZE];
            struct value is = view_get(v, BACKEND, w->path + n), will = {PRESENT, w->value, strlen(w->value)};
            if (value_equal(&is, &will))
                continue;
            found++;
            snprintf(word, sizeof word, "%s=%s", w->path + n, w->value);
            if (!strcmp(w->path + n, MARKER_KEY)) {
                ck_assert_msg(c->marker.whose, "%s: writes a marker", c->name);
                scene_marker_text(&c->marker, marker);
                ck_assert_str_eq(w->value, marker);
            } else {
                ck_assert_msg(c->writes && find_word(c->writes, word), "%s: writes %s", c->name, word);
            }
        }
    ck_assert_msg(found == expected, "%s: %zu writes, not %zu", c->name, found, expected);
}

/* May a daemon that does not hold the device take it over? */
static bool adoptable(const struct scene *s)
{
    const char *state = s->b ? strstr(s->b, "state=") : NULL;
    return state && state[6] >= '2' && s->marker.whose;
}

/* What the device is afterwards: the marker that was written says it, else it is as it was. */
static void check_object(const struct decide_case *c, const struct scene *s, const struct plan *plan,
                         const struct object *o)
{
    enum object_phase phase = s->phase;
    if (c->actions && !strncmp(c->actions, "release", 7))
        phase = OBJECT_NONE;
    enum object_phase kept = phase;
    if (plan->row == ROW_VANISHED || plan->row == ROW_DESTROY)
        phase = OBJECT_NONE;
    else if (c->marker.whose && plan->row != ROW_UNCLAIMED_CLOSE)
        phase = c->marker.ring ? OBJECT_CONNECTED : OBJECT_READY;
    else if (kept == OBJECT_NONE && adoptable(s) && plan->row > ROW_ADOPT)
        phase = s->marker.ring ? OBJECT_CONNECTED : OBJECT_READY;
    ck_assert_msg(o->phase == phase, "%s: the object is in phase %d, not %d", c->name, o->phase, phase);
    if (phase != OBJECT_NONE && plan->row != ROW_UNCLAIMED_CLOSE)
        ck_assert_uint_eq(o->incarnation, scene_incarnation[plan->row == ROW_CREATE ? FRESH
                                                            : s->marker.whose       ? s->marker.whose
                                                                                    : OURS]);
    if (phase == OBJECT_CONNECTED) {
        bool is_4 = s->f && !strncmp(s->f, "state=4", 7) && (s->f[7] == ' ' || !s->f[7]);
        bool begins = plan->row == ROW_CONNECT || plan->row == ROW_RECONNECT;
        bool saw = ((begins || plan->row == ROW_STEADY) && is_4) || (s->front_connected && !begins);
        ck_assert_msg(o->front_connected == saw, "%s: front_connected is %d", c->name, o->front_connected);
    }
}

static void decide_once(const struct decide_case *c, const struct scene *s, const struct policy *p,
                        const struct view *v, enum row row)
{
    struct memory m = scene_memory(s);
    struct object o = {.incarnation = 1}, again = {.incarnation = 2};
    char buf[256];
    struct plan *plan = scene_decide_with(s, p, v, &m, &o);
    struct plan *twice = scene_decide_with(s, p, v, &m, &again);
    plan_check(plan, v, p, s->now, c->name);
    plan_assert_same(plan, twice, c->name);
    ck_assert(o.phase == again.phase && o.incarnation == again.incarnation && o.cycles == again.cycles);
    ck_assert_msg(plan->row == row, "%s: row %s, not %s", c->name, row_name(plan->row), row_name(row));
    const char *actions = c->actions ? c->actions : "", *findings = c->findings ? c->findings : "";
    if (!strncmp(actions, "release ", 8) && s->phase == OBJECT_NONE)
        actions += 8; /* there is nothing to release */
    if (c->unaged && !s->now)
        findings = c->unaged;
    plan_actions(plan, buf, sizeof buf);
    ck_assert_msg(!strcmp(actions, "*") || !strcmp(buf, actions), "%s: plans `%s`, not `%s`", c->name, buf,
                  actions);
    plan_findings(plan, buf, sizeof buf);
    ck_assert_msg(!strcmp(buf, findings), "%s: finds `%s`", c->name, buf);
    check_writes(c, plan, v);
    if (strcmp(actions, "*") != 0)
        check_object(c, s, plan, &o);
    plan_free(plan);
    plan_free(twice);
}

static bool keys_are_missed(enum row row)
{
    return row == ROW_INCOMPLETE || row == ROW_CONNECT || row == ROW_RECONNECT;
}

static void check_case(const struct decide_case *c)
{
    struct scene s = c->scene;
    struct policy *p = scene_policy(&s);
    struct view *v = scene_view(&s);
    enum row row = c->then ? c->then : c->row;
    decide_once(c, &s, p, v, row);
    if (!c->memory) { /* a daemon that just started, or `plan` */
        struct scene fresh = s;
        fresh.phase = OBJECT_NONE;
        fresh.front_connected = false;
        decide_once(c, &fresh, p, v, row);
    }
    if (row != ROW_DESTROY) { /* that one waits, where time is known */
        s.now = 4000;         /* missing keys are no news for a moment */
        s.rest.row = row;
        s.rest.row_since = keys_are_missed(row) ? 1000 : 4000;
        decide_once(c, &s, p, v, row);
    }
    view_free(v);
    policy_free(p);
}

static int row_case(enum row row, int nth)
{
    for (int i = 0; i < COUNT(cases); i++)
        if (cases[i].row == row && nth-- == 0)
            return i;
    return -1;
}

#define X(name, text, condition, effect)              \
    START_TEST(row_##name)                            \
    {                                                 \
        check_case(&cases[row_case(ROW_##name, _i)]); \
    }                                                 \
    END_TEST
ROWS(X)
#undef X

/* Which rows stand in whose table. */
START_TEST(rows_of_owners)
{
    for (int row = 0; row < ROW_COUNT; row++) {
        bool all = row == ROW_VANISHED || row == ROW_UNREADABLE || row == ROW_BAD_VALUE ||
                   row == ROW_INCOMPLETE_DIR || row == ROW_MISMATCHED || row == ROW_COLLECT ||
                   row == ROW_ORPHAN || row == ROW_STEADY;
        bool scripts = row == ROW_HOTPLUG_ADD || row == ROW_HOTPLUG_REMOVE;
        ck_assert_int_eq(row_belongs((enum row)row, OWNER_XENRECON), !scripts);
        ck_assert_int_eq(row_belongs((enum row)row, OWNER_KERNEL), all || scripts);
        ck_assert_int_eq(row_belongs((enum row)row, OWNER_EXTERNAL), all || scripts);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("decide");
    TCase *t = tcase_create("owners");
    int n;
    tcase_add_test(t, rows_of_owners);
    suite_add_tcase(s, t);
#define X(name, text, condition, effect)           \
    for (n = 0; row_case(ROW_##name, n) >= 0; n++) \
        ;                                          \
    t = tcase_create(text);                        \
    tcase_add_loop_test(t, row_##name, 0, n);      \
    suite_add_tcase(s, t);
    ROWS(X)
#undef X
    return run_suite(s);
}
