/* SPDX-License-Identifier: MIT */
/* What is said about devices that somebody else drives, and what becomes of those that nobody uses any more.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reconcilers/decide.h"
#include "test/lib/unit.h"

enum { SINCE = 1000, LATE = SINCE + 100 * 1000, SOON = SINCE + 10 };

struct world {
    const char *b; /* `key=value ...` of B, % for a blank */
    const char *f; /* F's state, or NULL */
    bool front_gone, domain_gone;
    const char *guest_error, *backend_error;
};

static struct policy *policy(const char *owner, const char *more)
{
    char text[512];
    struct diagnostic why;
    struct policy *p;
    int n = snprintf(text, sizeof text, "version: 1\ntype: vbd\nowner: %s\n%s", owner, more);
    ck_assert_msg(policy_parse("test", text, (size_t)n, &p, &why) == 0, "%s", why.message);
    return p;
}

static struct view *view_of(const struct world *w)
{
    struct device_key key = {.type = "vbd", .devid = "51712", .domid = 7};
    struct view *v = view_new(0, &key);
    char words[256], *save;
    v->directory = PRESENT;
    v->front = w->front_gone ? ABSENT : PRESENT;
    v->domain = w->domain_gone ? ABSENT : PRESENT;
    snprintf(words, sizeof words, "frontend=/local/domain/7/device/vbd/51712 frontend-id=7 %s", w->b);
    for (char *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *value = strchr(word, '=');
        *value++ = '\0';
        for (char *blank = value; (blank = strchr(blank, '%'));)
            *blank = ' ';
        view_add(v, BACKEND, word, PRESENT, value, strlen(value));
    }
    view_set_frontend(v, "/local/domain/7/device/vbd/51712");
    if (w->f)
        view_add(v, FRONTEND, "state", PRESENT, w->f, strlen(w->f));
    if (w->guest_error)
        view_set_error(v, FRONTEND, PRESENT, w->guest_error, strlen(w->guest_error));
    if (w->backend_error)
        view_set_error(v, BACKEND, PRESENT, w->backend_error, strlen(w->backend_error));
    view_seal(v);
    return v;
}

static struct plan *look(const struct policy *p, const struct world *w, const struct memory *m, uint64_t now)
{
    struct object object;
    struct view *v = view_of(w);
    struct decision_input in = {.policy = p, .view = v, .memory = m, .now = now, .fresh_incarnation = 1};
    struct plan *plan = decide(&in, &object);
    view_free(v);
    return plan;
}

/* What is remembered of one that has been like this since SINCE. */
static struct memory since_then(const struct policy *p, const struct world *w)
{
    struct memory m = {.row = ROW_STEADY, .row_since = SINCE};
    struct plan *then = look(p, w, &m, SINCE);
    m.condition = then->condition;
    plan_free(then);
    return m;
}

/* "code:severity code:severity" */
static const char *findings(const struct plan *p, char buf[static 256])
{
    int n = 0;
    buf[0] = '\0';
    for (size_t i = 0; i < p->n_findings; i++)
        n += snprintf(buf + n, 256 - (size_t)n, "%s%s:%s", n ? " " : "",
                      finding_code_name(p->findings[i].code), severity_name(p->findings[i].severity));
    return buf;
}

static const struct {
    const char *owner;
    struct world world;
    const char *late, *unaged; /* findings past every deadline, and where time is unknown */
} observed[] = {
    {"kernel", {.b = "online=1 state=4 hotplug-status=connected script=/x", .f = "4"}, "", ""},
    {"kernel", {.b = "online=1 state=1", .f = "1"}, "unclaimed-backend:warning", "unclaimed-backend:warning"},
    {"external",
     {.b = "online=1 state=1", .f = "1"},
     "unclaimed-backend:warning",
     "unclaimed-backend:warning"},
    {"kernel",
     {.b = "online=1 state=2 hotplug-status=connected script=/x", .f = "1"},
     "stuck-connect:warning",
     "stuck-connect:info"},
    {"kernel",
     {.b = "online=1 state=4 script=/x", .f = "4"}, /* some kernels and systems have no status then */
     "",
     ""},
    {"kernel",
     {.b = "online=1 state=2 script=/x hotplug-status=error", .f = "1"},
     "hotplug-failed:error",
     "hotplug-failed:error"},
    {"kernel",
     {.b = "online=1 state=4 script=/x hotplug-status=", .f = "4"},
     "hotplug-incomplete:info",
     "hotplug-incomplete:info"},
    {"kernel",
     {.b = "online=1 state=2 hotplug-status=connected", .f = "3"},
     "stuck-connect:warning",
     "stuck-connect:warning"},                                           /* now it is the backend's turn */
    {"external", {.b = "online=1 state=4 script=/x", .f = "4"}, "", ""}, /* not somebody who runs scripts */
    {"kernel",
     {.b = "online=1 state=2 hotplug-error=no-such-bridge", .f = "1"},
     "hotplug-failed:error",
     "hotplug-failed:error"},
    {"kernel",
     {.b = "online=1 state=4 hotplug-status=connected", .f = "1"},
     "ends-disagree:warning",
     "ends-disagree:warning"},
    {"kernel",
     {.b = "online=1 state=2 hotplug-status=connected", .f = "4"}, /* netfront connects by itself */
     "stuck-connect:warning",
     "stuck-connect:warning"},
    {"external", {.b = "online=1 state=7", .f = "4"}, "stuck-reconfigure:warning", "stuck-reconfigure:info"},
    {"kernel", {.b = "online=1 state=6", .f = "6"}, "closed-online:info", "closed-online:info"},
    {"kernel", {.b = "online=0 state=5", .f = "4"}, "stuck-detach:error", "stuck-detach:warning"},
    {"external", {.b = "online=1 state=5", .f = "5"}, "stuck-close:error", "stuck-close:warning"},
    {"kernel",
     {.b = "online=1 state=2 hotplug-status=connected", .f = "1", .guest_error = "2 reading sector"},
     "stuck-connect:warning guest-error:warning",
     "stuck-connect:info guest-error:warning"},
    {"kernel",
     {.b = "online=1 state=1", .f = "1", .backend_error = "13 creating vbd"},
     "unclaimed-backend:warning backend-error:warning",
     "unclaimed-backend:warning backend-error:warning"},
    {"kernel", {.b = "online=1 state=4 hotplug-status=connected", .f = "4", .guest_error = "old"}, "", ""},
    {"kernel", {.b = "online=1 state=4", .f = "4"}, "", ""}, /* no script, nothing to wait for */
    {"kernel",
     {.b = "online=1 state=1 script=/x", .f = "1"},
     "unclaimed-backend:warning",
     "unclaimed-backend:warning"},
    {"kernel",
     {.b = "online=1 state=2 script=/x", .f = "1"},
     "stuck-connect:warning", /* that the script says nothing is no evidence yet */
     "stuck-connect:info"},
    {"kernel",
     {.b = "online=1 state=2 script=/x hotplug-status=", .f = "1"},
     "hotplug-incomplete:error",
     "hotplug-incomplete:warning"},
    {"kernel",
     {.b = "online=1 state=2 script=/x", .f = "4"},
     "hotplug-incomplete:error",
     "hotplug-incomplete:warning"},
    {"kernel",
     {.b = "online=1 state=2 hotplug-status=connected", .f = "5"}, /* the backend does not follow */
     "stuck-close:warning",
     "stuck-close:warning"},
    {"kernel",
     {.b = "online=1 state=4 hotplug-status=connected", .f = "3"},
     "stuck-connect:warning",
     "stuck-connect:warning"},
    {"kernel",
     {.b = "online=1 state=6 hotplug-status=connected", .f = "1"},
     "stuck-connect:warning",
     "stuck-connect:warning"},
    {"kernel",
     {.b = "online=1 state=3 script=/x", .f = "3"},
     "hotplug-incomplete:error",
     "hotplug-incomplete:warning"},
    {"kernel",
     {.b = "online=0 state=5 hotplug-error=x", .f = "4"},
     "stuck-detach:error",
     "stuck-detach:warning"}, /* what the script did is of no interest any more */
    {"external", {.b = "online=1 state=8", .f = "4"}, "stuck-reconfigure:warning", "stuck-reconfigure:info"},
    {"kernel", {.b = "online=0 state=1", .f = "1"}, "not-removed:warning", "not-removed:info"},
    {"kernel", {.b = "online=0 state=2", .f = "3"}, "stuck-detach:warning", "stuck-detach:warning"},
    {"kernel", {.b = "online=0 state=2", .f = "1"}, "stuck-detach:warning", "stuck-detach:warning"},
    {"kernel", {.b = "online=0 state=4", .f = "4"}, "stuck-detach:warning", "stuck-detach:warning"},
    {"kernel", {.b = "online=1 state=5", .f = "1"}, "stuck-close:error", "stuck-close:warning"},
    {"kernel", {.b = "online=0 state=5", .f = "6"}, "stuck-detach:error", "stuck-detach:warning"},
    {"kernel", {.b = "online=0 state=6", .f = "6"}, "not-removed:warning", "not-removed:info"},
};

/* Nobody took it, and it says what it lacks. */
START_TEST(unclaimed_for_its_keys)
{
    struct policy *p = policy("kernel", "backend-keys: {params: {required: true}, mode: {enum: [r, w]}}\n");
    struct world w = {.b = "online=1 state=1 mode=x", .f = "1"};
    struct memory old = since_then(p, &w);
    char buf[256];
    struct plan *late = look(p, &w, &old, LATE), *soon = look(p, &w, &old, SOON);
    ck_assert_str_eq(findings(late, buf),
                     "unclaimed-backend:warning missing-key:warning invalid-key:warning");
    ck_assert_str_eq(findings(soon, buf), "");
    plan_free(late);
    plan_free(soon);
    policy_free(p);
}
END_TEST

START_TEST(says)
{
    struct policy *p = policy(observed[_i].owner, "");
    struct memory fresh = {0}, old = since_then(p, &observed[_i].world);
    char buf[256];
    struct plan *late = look(p, &observed[_i].world, &old, LATE),
                *unaged = look(p, &observed[_i].world, &fresh, 0);
    ck_assert_str_eq(findings(late, buf), observed[_i].late);
    ck_assert_str_eq(findings(unaged, buf), observed[_i].unaged);
    ck_assert_int_eq(late->row, ROW_STEADY);
    ck_assert(!plan_has_writes(late) && !plan_has_writes(unaged));
    /* before its deadline, whatever takes time is not mentioned */
    struct plan *soon = look(p, &observed[_i].world, &old, SOON);
    if (*observed[_i].late && !strstr(observed[_i].late, "hotplug-failed"))
        ck_assert(soon->n_findings == 0 && soon->requeue_at > SOON && !soon->requeue_acts);
    plan_free(late);
    plan_free(unaged);
    plan_free(soon);
    policy_free(p);
}
END_TEST

#define REMOVE "orphan: {grace: 60s, action: remove}"

static const struct {
    const char *owner, *more;
    struct world world;
    bool collected; /* past the grace */
} orphans[] = {
    {"kernel", "", {.b = "online=1 state=2", .f = NULL, .domain_gone = true}, false},
    {"kernel", REMOVE, {.b = "online=1 state=2", .f = NULL, .domain_gone = true}, true},
    {"kernel",
     REMOVE,
     {.b = "online=1 state=4", .f = NULL, .domain_gone = true},
     false}, /* the kernel still serves it */
    {"external", REMOVE, {.b = "online=1 state=4", .f = NULL, .domain_gone = true}, true},
    {"kernel",
     REMOVE,
     {.b = "online=1 state=2", .f = NULL, .front_gone = true},
     false}, /* online in a living domain */
    {"kernel", REMOVE, {.b = "online=0 state=6", .f = NULL, .front_gone = true}, true},
    {"xenrecon",
     REMOVE,
     {.b = "online=1 state=6 xenrecon=00000000000000aa%6%-", .f = NULL, .domain_gone = true},
     true},
};

START_TEST(orphaned)
{
    struct policy *p = policy(orphans[_i].owner, orphans[_i].more);
    struct world w = orphans[_i].world;
    char buf[256];
    struct memory fresh = {0}, old = {.row = ROW_ORPHAN, .row_since = SINCE};
    struct plan *first = look(p, &w, &fresh, SINCE), *late = look(p, &w, &old, LATE);
    struct plan *unaged = look(p, &w, &fresh, 0); /* a report says what is done in the end */
    ck_assert_int_eq(first->row, ROW_ORPHAN);
    ck_assert_str_eq(findings(first, buf), "");
    ck_assert(!plan_has_writes(first));
    ck_assert_uint_eq(first->requeue_at, SINCE + 60 * 1000);
    ck_assert_int_eq(first->requeue_acts, orphans[_i].collected);
    ck_assert_int_eq(late->row, orphans[_i].collected ? ROW_COLLECT : ROW_ORPHAN);
    if (orphans[_i].collected) {
        const struct action *a = &late->actions[late->n_actions - 1];
        ck_assert_int_eq(a->kind, ACTION_COLLECT);
        ck_assert_str_eq(a->removals[0].path, "/local/domain/0/backend/vbd/7/51712");
        ck_assert(!a->removals[0].if_empty && a->removals[1].if_empty);
    } else {
        ck_assert_str_eq(findings(late, buf), "orphan:warning");
        ck_assert_str_eq(late->findings[0].message,
                         w.domain_gone ? "domain 7 is gone, for more than 60.0 s"
                                       : "the frontend of domain 7 is gone, for more than 60.0 s");
        ck_assert_str_eq(findings(unaged, buf), "orphan:warning");
    }
    ck_assert_int_eq(unaged->row, late->row);
    ck_assert_uint_eq(unaged->requeue_at, 0);
    plan_free(unaged);
    plan_free(first);
    plan_free(late);
    policy_free(p);
}
END_TEST

/* Neither an orphan nor collected before its time; one whose collecting failed is collected again. */
START_TEST(grace)
{
    struct policy *p = policy("kernel", REMOVE);
    struct world w = {.b = "online=0 state=6", .front_gone = true};
    struct memory young = {.row = ROW_ORPHAN, .row_since = SINCE};
    struct memory failed = {.row = ROW_COLLECT, .row_since = SINCE};
    struct plan *soon = look(p, &w, &young, SINCE + 60 * 1000 - 1),
                *due = look(p, &w, &young, SINCE + 60 * 1000), *again = look(p, &w, &failed, SOON);
    ck_assert_int_eq(soon->row, ROW_ORPHAN);
    ck_assert_uint_eq(soon->requeue_at, SINCE + 60 * 1000);
    ck_assert_int_eq(due->row, ROW_COLLECT);
    ck_assert_int_eq(again->row, ROW_COLLECT);
    plan_free(soon);
    plan_free(due);
    plan_free(again);
    policy_free(p);
}
END_TEST

/* Its frontend came back: what was is forgotten. */
START_TEST(no_orphan_any_more)
{
    struct policy *p = policy("kernel", REMOVE);
    struct world w = {.b = "online=0 state=5", .f = "4"};
    struct memory old = {.row = ROW_ORPHAN, .row_since = SINCE};
    struct plan *late = look(p, &w, &old, LATE), *unaged = look(p, &w, &old, 0);
    ck_assert_int_eq(late->row, ROW_STEADY);
    ck_assert_int_eq(unaged->row, ROW_STEADY);
    plan_free(late);
    plan_free(unaged);
    policy_free(p);
}
END_TEST

/* No frontend is named: that one is gone cannot be said. */
START_TEST(no_frontend)
{
    struct policy *p = policy("kernel", REMOVE);
    struct world w = {.b = "online=1 state=2", .front_gone = true};
    struct view *v = view_of(&w);
    struct memory old = since_then(p, &w);
    struct decision_input in = {.policy = p, .view = v, .memory = &old, .now = SOON};
    struct object object;
    v->path[FRONTEND] = NULL;
    struct plan *plan = decide(&in, &object);
    ck_assert_int_eq(plan->row, ROW_STEADY);
    plan_free(plan);
    view_free(v);
    policy_free(p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("observe");
    TCase *t = tcase_create("findings");
    tcase_add_loop_test(t, says, 0, sizeof observed / sizeof *observed);
    tcase_add_test(t, unclaimed_for_its_keys);
    tcase_add_loop_test(t, orphaned, 0, sizeof orphans / sizeof *orphans);
    tcase_add_test(t, grace);
    tcase_add_test(t, no_orphan_any_more);
    tcase_add_test(t, no_frontend);
    suite_add_tcase(s, t);
    return run_suite(s);
}
