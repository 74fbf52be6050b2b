/* SPDX-License-Identifier: MIT */
/* What cannot be read is needed by the row that decides, or it is nothing to it. */
#include "reconcilers/decide.h"

#include <check.h>
#include <stdint.h>

#include "reconcilers/ends.h"
#include "test/lib/plan_check.h"
#include "test/lib/unit.h"

#define NOW           UINT64_C(1000000)
#define WORKER        "worker: {command: [/w, '${mode}']}"
#define MARKED(state) .marker = {OURS, XENBUS_##state, NULL}
#define WAITS         MARKED(INIT_WAIT), .phase = OBJECT_READY
#define SERVES        .marker = {OURS, XENBUS_CONNECTED, RING_A}, .phase = OBJECT_CONNECTED
#define CLOSED_BY_US  MARKED(CLOSED), .phase = OBJECT_READY

static const struct unreadable_case {
    enum row row; /* ROW_UNREADABLE where the value is needed */
    const char *path;
    struct scene scene;
} unreadable_cases[] = {
    {ROW_UNREADABLE, "state", {.b = "online=1 state?", .f = "state=1"}},
    {ROW_UNREADABLE, "state", {.b = "online=0 state?", CLOSED_BY_US}},
    {ROW_UNREADABLE, "online", {.b = "online? state=1"}},
    {ROW_UNREADABLE, "online", {.b = "online? state=6", CLOSED_BY_US}},
    {ROW_UNREADABLE, "frontend", {.b = "online=1 state=1 frontend?"}},
    {ROW_UNREADABLE, "frontend-id", {.b = "online=1 state=1 frontend-id?"}},
    {ROW_UNREADABLE, "xenrecon", {.b = "online=1 state=1 xenrecon?"}},
    {ROW_UNREADABLE, "xenrecon", {.b = "online=0 state=5 xenrecon?"}},
    {ROW_UNREADABLE,
     "xenrecon",
     {.b = "online=1 state=4 xenrecon?", .f = "state=4 " RING_A, .phase = OBJECT_CONNECTED}},
    {ROW_UNREADABLE, SCENE_F "/state", {.b = "online=1 state=4", .f = "state? " RING_A, SERVES}},
    {ROW_UNREADABLE, SCENE_F "/state", {.b = "online=0 state=5", .f = "state?", SERVES}},
    {ROW_UNREADABLE, SCENE_F "/state", {.b = "online=0 state=5", .f = "state?"}},
    {ROW_UNREADABLE, "mode", {.b = "online=1 state=1 mode?"}},
    {ROW_UNREADABLE, "mode", {.b = "online=1 mode?"}},
    {ROW_UNREADABLE, "mode", {.b = "online=1 state=1 mode?", .f = "state=x"}}, /* and nothing else is said */
    {ROW_UNREADABLE, "params", {.b = "online=1 state=1 params?"}}, /* optional, but it would be checked */
    {ROW_UNREADABLE, "mode", {.b = "online=1 state=1 mode?", .phase = OBJECT_READY}},
    {ROW_UNREADABLE, "mode", {.b = "online=1 state=1 mode?", WAITS}},
    {ROW_UNREADABLE,
     "protocol",
     {.protocol_required = true, .b = "online=1 state=1", .f = "state=1 protocol?"}},
    {ROW_UNREADABLE, "ring-ref", {.b = "online=1 state=2", .f = "state=3 ring-ref? event-channel=9", WAITS}},
    {ROW_UNREADABLE,
     "event-channel",
     {.b = "online=1 state=6", .f = "state=4 ring-ref=8 event-channel?", CLOSED_BY_US}},
    {ROW_UNREADABLE, "ring-ref", {.b = "online=1 state=4", .f = "state=4 ring-ref? event-channel=9", SERVES}},
    {ROW_UNREADABLE, "device model", {.b = "online=1 state=1", .qemu_type = true, .qemu = UNREADABLE}},
    {ROW_UNREADABLE, "device model", {.b = "online=1 state=1", .qemu_type = true, .qemu = UNREADABLE, WAITS}},
    {ROW_UNREADABLE, "device model", {.b = "online=0 state=5", .qemu_type = true, .qemu = UNREADABLE}},
    {ROW_UNREADABLE, "protocol", {.protocol_required = true, .b = "online=1", .f = "state=1 protocol?"}},
    /* not needed by the row that decides */
    {ROW_FRONT_RESTART,
     NULL,
     {.b = "online=1 state=5",
      .f = "state=3 ring-ref? event-channel=9",
      MARKED(CLOSING),
      .phase = OBJECT_READY}},
    {ROW_CREATE, NULL, {.b = "online=1 state=1", .qemu = UNREADABLE}},
    {ROW_CREATE, NULL, {.b = "online=1 state=1", .f = "state=1 ring-ref?"}},
    {ROW_CREATE, NULL, {.b = "online=1 state=1", .f = "state=3 ring-ref?"}},
    {ROW_STEADY, NULL, {.b = "online=1 state=4 mode? params?", .f = "state=4 " RING_A " protocol?", SERVES}},
    {ROW_STEADY, NULL, {.b = "online=1 state=2", .f = "state=1 ring-ref?", WAITS}},
    {ROW_STEADY,
     NULL,
     {.b = "online=1 state=2", .f = "state=1", .qemu_type = true, .qemu = UNREADABLE, WAITS}},
    {ROW_FRONT_CLOSED, NULL, {.b = "online=1 state=4", .f = "state=6 ring-ref? event-channel?", SERVES}},
    {ROW_FRONT_CLOSED, NULL, {.b = "online=1 state=4", .f = "state?", .dead = true, SERVES}},
    {ROW_CLOSE_WAIT, NULL, {.b = "online=0 state=4", .f = "state=4 ring-ref? event-channel=9", SERVES}},
    {ROW_DESTROY, NULL, {.b = "online=0 state=6", .f = "state=4 ring-ref?", CLOSED_BY_US}},
    {ROW_DESTROY, NULL, {.b = "online=0 state=1 mode?", .f = "state=1"}},
    {ROW_FOREIGN, NULL, {.b = "online=1 state=4", .f = "state=4", .qemu_type = true, .qemu = UNREADABLE}},
    {ROW_FOREIGN, NULL, {.b = "online=0 state=5", .f = "state=4", .qemu_type = true, .qemu = UNREADABLE}},
    {ROW_FOREIGN, NULL, {.b = "online=1 state=5", .f = "state=1", .qemu_type = true, .qemu = UNREADABLE}},
    {ROW_CLOSE_IDLE, NULL, {.b = "online=0 state=5", .qemu_type = true, .qemu = UNREADABLE, WAITS}},
    {ROW_DESTROY, NULL, {.b = "online=0 state=1", .qemu_type = true, .qemu = UNREADABLE}},
    {ROW_FOREIGN, NULL, {.b = "online=1 state=4 mode?", .f = "state=4 ring-ref?"}},
    {ROW_CREATE, NULL, {.handshake = HANDSHAKE_NONE, .b = "online=1 state=1", .f = "state?"}},
    {ROW_STEADY, NULL, {.handshake = HANDSHAKE_NONE, .b = "online=1 state=2", .f = "state?", WAITS}},
    {ROW_DESTROY, NULL, {.protocol_required = true, .b = "online=0 state=1", .f = "state=1 protocol?"}},
    {ROW_STEADY, NULL, {.protocol_required = true, .b = "online=1 state=2", .f = "state=1 protocol?", WAITS}},
};

START_TEST(needed_or_not)
{
    const struct unreadable_case *c = &unreadable_cases[_i];
    struct scene s = c->scene;
    struct run r = {.policy = scene_policy(&s)};
    r.view = scene_view(&s);
    struct memory m = scene_memory(&s);
    for (s.now = 0; s.now <= 100000; s.now += 50000) {
        r.plan = scene_decide_with(&s, r.policy, r.view, &m, &r.object);
        plan_check(r.plan, r.view, r.policy, s.now, s.b);
        ck_assert_msg(r.plan->row == c->row, "%s with %s: row %s, not %s", s.b, s.f ? s.f : "no F",
                      row_name(r.plan->row), row_name(c->row));
        if (c->row == ROW_UNREADABLE) {
            size_t releases = r.plan->n_actions == 1 && r.plan->actions[0].kind == ACTION_RELEASE;
            ck_assert_uint_eq(r.plan->n_actions, releases);
            ck_assert(r.plan->n_findings == 1 && r.plan->findings[0].code == FINDING_UNREADABLE);
            ck_assert_int_eq(r.plan->findings[0].severity, SEVERITY_WARNING);
            ck_assert_ptr_nonnull(strstr(r.plan->findings[0].message, c->path));
            ck_assert_int_eq(r.object.phase, releases ? OBJECT_NONE : m.object.phase);
        }
        plan_free(r.plan);
    }
    r.plan = NULL;
    run_free(&r);
}
END_TEST

/* Of a directory none of whose keys could be read one thing is said, not the same of each of them. */
START_TEST(unreadable_directory)
{
    struct scene s = {.directory_unreadable = true};
    struct run r = {.policy = scene_policy(&s), .view = scene_view(&s)};
    struct memory m = {0};
    view_add(r.view, BACKEND, "state", UNREADABLE, NULL, 0);
    view_add(r.view, BACKEND, "online", UNREADABLE, NULL, 0);
    view_seal(r.view);
    r.plan = scene_decide_with(&s, r.policy, r.view, &m, &r.object);
    assert_plan(&r, ROW_UNREADABLE, "", "unreadable");
    assert_says(&r, FINDING_UNREADABLE, SEVERITY_WARNING, SCENE_B " cannot be read");
    run_free(&r);
}
END_TEST

/* Of what is gone nothing is said, be it what was read of it before. */
START_TEST(gone)
{
    struct scene s = {.gone = true, .phase = OBJECT_CONNECTED};
    struct run r = run_decide(&s);
    assert_plan(&r, ROW_VANISHED, "release", "");
    plan_free(r.plan);
    view_add(r.view, BACKEND, "online", UNREADABLE, NULL, 0);
    view_seal(r.view);
    struct memory m = scene_memory(&s);
    r.plan = scene_decide_with(&s, r.policy, r.view, &m, &r.object);
    assert_plan(&r, ROW_VANISHED, "release", "");
    run_free(&r);
}
END_TEST

/* Keys of B are needed again where another worker is about to be started with them, and only there. */
static const struct {
    enum row row;
    bool asked, command; /* asked: there is somebody who could start one; command: the policy has one */
    struct worker worker;
    struct scene scene;
} restarts[] = {
#define IS(st)                                                 \
    {                                                          \
        .state = WORKER_##st, .incarnation = 0x1111 /* OURS */ \
    }
#define B(st) .b = "online=1 state=" #st " mode?"
#define USED  .f = "state=4 " RING_A
    {ROW_UNREADABLE, true, true, IS(NONE), {B(4), USED, SERVES}},
    {ROW_UNREADABLE, true, true, IS(DEAD), {B(4), USED, SERVES}},
    {ROW_UNREADABLE, true, true, IS(NONE), {B(2), .f = "state=1", WAITS}},
    {ROW_STEADY, false, true, IS(NONE), {B(4), USED, SERVES}},
    {ROW_STEADY, true, false, IS(NONE), {B(4), USED, SERVES}},
    {ROW_STEADY, true, true, IS(READY), {B(2), .f = "state=1", WAITS}},
    {ROW_RESPAWN, true, true, IS(STARTING), {B(4), USED, SERVES}},
    {ROW_FOREIGN, true, true, IS(NONE), {B(4), USED}},
    {ROW_STEADY, true, true, IS(NONE), {B(0), .f = "state=1", MARKED(INIT_WAIT)}},
#undef IS
#undef B
#undef USED
};

START_TEST(unreadable_at_a_restart)
{
    struct scene s = restarts[_i].scene;
    s.now = NOW;
    s.more = restarts[_i].command ? WORKER : NULL;
    s.worker = restarts[_i].asked ? &restarts[_i].worker : NULL;
    struct run r = run_decide(&s);
    ck_assert_str_eq(row_name(r.plan->row), row_name(restarts[_i].row));
    run_free(&r);
}
END_TEST

/* ---- both ends, as they are read ---- */

static const struct {
    const char *b, *f;
    bool dead;
    struct ends ends;
    bool bad_frontend;
} both_ends[] = {
    {"online=1 state=2", "state=1", false, {1, XENBUS_INIT_WAIT, XENBUS_INITIALISING}, false},
    {"online=0 state=6", NULL, false, {0, XENBUS_CLOSED, XENBUS_ABSENT}, false},
    {"state=0", "state=8", false, {-1, XENBUS_UNKNOWN, XENBUS_RECONFIGURED}, false},
    {"online? state?", "state?", false, {-1, XENBUS_ABSENT, XENBUS_ABSENT}, false},
    {"online=2 state=9", "state=9", false, {-1, XENBUS_INVALID, XENBUS_UNKNOWN}, true},
    {"online= state=", "state=", false, {-1, XENBUS_INVALID, XENBUS_UNKNOWN}, true},
    {"online=11", "state=4", true, {-1, XENBUS_ABSENT, XENBUS_ABSENT}, false},
    {"online=1 state=4", "state=x", true, {1, XENBUS_CONNECTED, XENBUS_ABSENT}, false},
};

START_TEST(ends_read)
{
    struct scene s = {.b = both_ends[_i].b, .f = both_ends[_i].f, .dead = both_ends[_i].dead};
    struct view *v = scene_view(&s);
    bool bad = !both_ends[_i].bad_frontend;
    struct value keys[COMMON_KEYS];
    ends_keys(v, keys);
    struct ends ends = ends_of_keys(v, keys, &bad), seen = ends_of(v);
    ck_assert_int_eq(ends.online, both_ends[_i].ends.online);
    ck_assert_int_eq(ends.backend, both_ends[_i].ends.backend);
    ck_assert_int_eq(ends.frontend, both_ends[_i].ends.frontend);
    ck_assert_int_eq(bad, both_ends[_i].bad_frontend);
    ck_assert(seen.online == ends.online && seen.backend == ends.backend && seen.frontend == ends.frontend);
    view_free(v);
}
END_TEST

/* Of a domain with a large number, too. */
START_TEST(large_domid)
{
    struct device_key key = {.type = "qdisk", .devid = "51712", .domid = DOMID_MAX};
    struct scene s = {0};
    struct run r = {.policy = scene_policy(&s), .view = view_new(0, &key)};
    struct scene_side b = {r.view, BACKEND};
    struct memory m = {0};
    r.view->directory = PRESENT;
    scene_words("online=1 state=1 mode=w frontend-id=32751 frontend=/local/domain/32751/device/vbd/51712",
                scene_add, &b);
    view_seal(r.view);
    r.plan = scene_decide_with(&s, r.policy, r.view, &m, &r.object);
    assert_plan(&r, ROW_CREATE, "create", "");
    run_free(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("decide what is read");
    TCase *t = tcase_create("read");
    tcase_add_loop_test(t, needed_or_not, 0, COUNT(unreadable_cases));
    tcase_add_test(t, unreadable_directory);
    tcase_add_test(t, gone);
    tcase_add_loop_test(t, unreadable_at_a_restart, 0, COUNT(restarts));
    tcase_add_loop_test(t, ends_read, 0, COUNT(both_ends));
    tcase_add_test(t, large_domid);
    suite_add_tcase(s, t);
    return run_suite(s);
}
