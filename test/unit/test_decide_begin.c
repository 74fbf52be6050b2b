/* SPDX-License-Identifier: MIT */
/* Who may begin with a device: not under a policy that a reload dropped, not beside somebody who serves it,
 * and not before the directory is complete. */
#include "reconcilers/decide.h"

#include <check.h>
#include <stdint.h>

#include "test/lib/plan_check.h"
#include "test/lib/unit.h"

#define NOW           UINT64_C(1000000)
#define WORKER        "worker: {command: [/w, '${mode}']}"
#define MARKED(state) .marker = {OURS, XENBUS_##state, NULL}
#define WAITS         MARKED(INIT_WAIT), .phase = OBJECT_READY
#define SERVES        .marker = {OURS, XENBUS_CONNECTED, RING_A}, .phase = OBJECT_CONNECTED

/* ---- a policy that a reload dropped: what is held is looked after to its end, nothing else is begun ---- */

static const struct {
    struct scene scene;
    enum row row, kept; /* kept: under such a policy */
    const char *actions, *kept_actions;
} dropped[] = {
    {{.b = "online=1 state=1", .f = "state=1"}, ROW_CREATE, ROW_STEADY, "create", ""},
    {{.b = "online=0 state=5"}, ROW_UNCLAIMED_CLOSE, ROW_FOREIGN, "close", ""},
    {{.b = "online=0 state=5", .phase = OBJECT_READY},
     ROW_UNCLAIMED_CLOSE,
     ROW_UNCLAIMED_CLOSE,
     "close",
     "close"},
    {{.b = "online=1 state=2", .f = "state=3 " RING_A, WAITS},
     ROW_CONNECT,
     ROW_CONNECT,
     "connect",
     "connect"},
    {{.b = "online=1 state=6", .f = "state=1", MARKED(CLOSED), .phase = OBJECT_READY},
     ROW_CYCLE,
     ROW_CYCLE,
     "cycle",
     "cycle"},
};

/* ---- a toolstack that writes B before F is there ---- */

static const struct {
    enum presence front;
    bool dead;
    const char *b, *f;
    enum row row;
    const char *actions;
} unfinished[] = {
    {ABSENT, false, "online=1 state=1", "", ROW_ORPHAN, ""},
    {PRESENT, true, "online=1 state=1", "", ROW_ORPHAN, ""},
    {UNREADABLE, false, "online=1 state=1", "", ROW_UNREADABLE, ""},
    {PRESENT, false, "online=1 state=1", "", ROW_CREATE, "create"}, /* its state is written last */
    {PRESENT, false, "online=1 state=2", "", ROW_STEADY, ""},
    {ABSENT, false, "online=1 state=2", "", ROW_FRONT_CLOSED, "close"},
    {PRESENT, true, "online=1 state=2", "", ROW_FRONT_CLOSED, "close"},
};

START_TEST(frontend_unfinished)
{
    struct scene s = {
        .b = unfinished[_i].b, .f = unfinished[_i].f, .front_gone = unfinished[_i].front == ABSENT};
    s.front_unreadable = unfinished[_i].front == UNREADABLE;
    s.dead = unfinished[_i].dead;
    if (strstr(s.b, "state=2"))
        s.marker = (struct scene_marker){OURS, XENBUS_INIT_WAIT, NULL};
    for (int aged = 0; aged < 2; aged++) {
        s.now = aged ? NOW : 0;
        struct run r = run_decide(&s);
        char buf[256];
        ck_assert_str_eq(row_name(r.plan->row), row_name(unfinished[_i].row));
        ck_assert_str_eq(plan_actions(r.plan, buf, sizeof buf), unfinished[_i].actions);
        run_free(&r);
    }
}
END_TEST

START_TEST(policy_dropped)
{
    struct scene s = dropped[_i].scene;
    char buf[256];
    for (int kept = 0; kept <= 1; kept++) {
        s.rest.retired_policy = kept;
        struct run r = run_decide(&s);
        enum row row = kept ? dropped[_i].kept : dropped[_i].row;
        ck_assert_str_eq(row_name(r.plan->row), row_name(row));
        ck_assert_str_eq(plan_actions(r.plan, buf, sizeof buf),
                         kept ? dropped[_i].kept_actions : dropped[_i].actions);
        run_free(&r);
    }
}
END_TEST

/* A worker that was ready for it is published all the same: it was begun before. */
START_TEST(policy_dropped_while_a_worker_starts)
{
    struct worker w = {.state = WORKER_NONE};
    struct scene s = {.more = WORKER, .b = "online=1 state=1", .f = "state=1", .now = NOW, .worker = &w};
    struct run r = run_decide(&s);
    assert_plan(&r, ROW_CREATE, "create", "");
    w = (struct worker){.state = WORKER_READY, .incarnation = scene_incarnation[FRESH]};
    s.rest.retired_policy = true;
    r = go_on(&s, &r);
    assert_plan(&r, ROW_CREATE, "publish", "policy-changed");
    run_free(&r);
}
END_TEST

/* ---- keys that a pattern declares ---- */

static const char ports[] = "version: 1\ntype: qdisk\nfrontend: vbd\nowner: xenrecon\nbackend-keys:\n"
                            "  'port/*': {required: true, type: uint32}\n  port/9: {}\n";

static const struct {
    const char *b;
    const char *message; /* NULL: complete */
} port_keys[] = {
    {"port/1=5", NULL},
    {"port/1=5 port/2=6", NULL},
    {"port/1=5 port/9=x", NULL}, /* which is declared by its name */
    {"port/1=5 -port/2", NULL},
    {"", "/port/* is missing"},
    {"-port/1", "/port/* is missing"},
    {"port/9=5", "/port/* is missing"},
    {"port/1/2=5", "/port/* is missing"},
    {"port/1=x", "/port/1 is not a 32-bit number"},
    {"port/1=x port/2=6", "/port/1 is not a 32-bit number"},
    {"port/1=5 port/2=x", "/port/2 is not a 32-bit number"},
    {"port/*=x", "/port/* is not a 32-bit number"}, /* and is said once */
};

START_TEST(patterns)
{
    char b[128];
    snprintf(b, sizeof b, "online=1 state=1 %s", port_keys[_i].b);
    struct scene s = {.yaml = ports, .b = b};
    struct run r = run_decide(&s);
    ck_assert_str_eq(row_name(r.plan->row), port_keys[_i].message ? "incomplete" : "create");
    ck_assert_uint_eq(r.plan->n_findings, port_keys[_i].message ? 1 : 0);
    if (port_keys[_i].message)
        ck_assert_str_eq(r.plan->findings[0].message + strlen(SCENE_B), port_keys[_i].message);
    run_free(&r);
}
END_TEST

/* The first key of all counts, too. */
START_TEST(pattern_of_the_first)
{
    struct scene s = {.yaml = "version: 1\ntype: qdisk\nfrontend: vbd\nowner: xenrecon\n"
                              "backend-keys: {'a/*': {required: true}}\n",
                      .b = "online=1 state=1 a/1=5"};
    struct run r = run_decide(&s);
    assert_plan(&r, ROW_CREATE, "create", "");
    run_free(&r);
}
END_TEST

/* One that stands for another, and is required itself, is looked at once. */
START_TEST(alternative_required)
{
    struct scene s = {.yaml = "version: 1\ntype: qdisk\nfrontend: vbd\nowner: xenrecon\nfrontend-keys:\n"
                              "  a: {required: connect, or: b}\n  b: {required: true, type: uint32}\n",
                      .b = "online=1 state=1",
                      .f = "state=1 b=x"};
    struct run r = run_decide(&s);
    assert_plan(&r, ROW_INCOMPLETE, "", "invalid-key");
    assert_says(&r, FINDING_INVALID_KEY, SEVERITY_WARNING, SCENE_F "/b is not a 32-bit number");
    run_free(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("decide who begins");
    TCase *t = tcase_create("begin");
    tcase_add_loop_test(t, frontend_unfinished, 0, COUNT(unfinished));
    tcase_add_loop_test(t, policy_dropped, 0, COUNT(dropped));
    tcase_add_test(t, policy_dropped_while_a_worker_starts);
    tcase_add_loop_test(t, patterns, 0, COUNT(port_keys));
    tcase_add_test(t, pattern_of_the_first);
    tcase_add_test(t, alternative_required);
    suite_add_tcase(s, t);
    return run_suite(s);
}
