/* SPDX-License-Identifier: MIT */
/* The decision table and time: holds, deadlines, flapping frontends, backoff. */
#include "reconcilers/decide.h"

#include <check.h>
#include <errno.h>
#include <stdint.h>

#include "test/lib/plan_check.h"
#include "test/lib/unit.h"

#define MARKED(state) .marker = {OURS, XENBUS_##state, NULL}
#define WAITS         MARKED(INIT_WAIT), .phase = OBJECT_READY
#define SERVES        .marker = {OURS, XENBUS_CONNECTED, RING_A}, .phase = OBJECT_CONNECTED
#define CLOSED_BY_US  MARKED(CLOSED), .phase = OBJECT_READY

/* Closed stays to be read: for `hold.closed` since the row began to decide, 10 s by default in dom0, else 1
 * s. */
START_TEST(destroy_holds)
{
    static const struct {
        const char *more;
        uint16_t self;
        uint64_t hold;
    } holds[] = {
        {NULL, 0, 10000}, {NULL, 3, 1000}, {"hold: {closed: 3s}", 0, 3000}, {"hold: {closed: 0}", 0, 0}};
    struct scene s = {.more = holds[_i].more,
                      .self = holds[_i].self,
                      .b = "online=0 state=6",
                      .f = "state=6",
                      CLOSED_BY_US};
    uint64_t hold = holds[_i].hold, began = 5000;
    struct run r = run_decide(&s); /* time unknown: at once */
    assert_plan(&r, ROW_DESTROY, "release destroy", "");
    run_free(&r);

    s.now = began;
    r = run_decide(&s);
    assert_plan(&r, ROW_DESTROY, hold ? "release" : "release destroy", "");
    ck_assert_int_eq(r.object.phase, OBJECT_NONE);
    ck_assert_uint_eq(r.plan->requeue_at, hold ? began + hold : 0);
    ck_assert_int_eq(r.plan->requeue_acts, hold > 0);
    run_free(&r);

    s.phase = OBJECT_NONE;
    s.rest = (struct memory){.row = ROW_DESTROY, .row_since = began};
    for (int late = -1; late <= 1; late++) {
        if (!hold && late < 0)
            continue;
        s.now = began + hold + (uint64_t)(int64_t)late;
        r = run_decide(&s);
        assert_plan(&r, ROW_DESTROY, late < 0 ? "" : "destroy", "");
        ck_assert_uint_eq(r.plan->requeue_at, late < 0 ? began + hold : 0);
        ck_assert_int_eq(r.plan->requeue_acts, late < 0);
        run_free(&r);
    }
    s.rest.row = ROW_STEADY; /* another row's time does not count */
    s.now = began + hold + 5;
    r = run_decide(&s);
    assert_plan(&r, ROW_DESTROY, hold ? "" : "destroy", "");
    run_free(&r);
}
END_TEST

/* InitWait stays to be read, from when it was written; Closed has no such claim. */
START_TEST(connect_holds)
{
    struct scene s = {
        .more = "hold: {init-wait: 100ms}", .b = "online=1 state=2", .f = "state=3 " RING_A, WAITS};
    struct run r = run_decide(&s);
    assert_plan(&r, ROW_CONNECT, "connect", "");
    run_free(&r);
    static const struct scene begin[] = {
        {.b = "online=1 state=1", .now = 1000},
        {.b = "online=1 state=6", .f = "state=1", CLOSED_BY_US, .now = 1000}};
    for (int i = 0; i < COUNT(begin); i++) {
        r = run_decide(&begin[i]);
        ck_assert_str_eq(scene_written(r.plan, r.view, "state"), "2");
        ck_assert_uint_eq(r.object.phase_since, 1000);
        run_free(&r);
    }
    s.rest = (struct memory){.row = ROW_CONNECT, .row_since = 1000};
    for (s.now = 1099; s.now <= 1100; s.now++) {
        struct policy *p = scene_policy(&s);
        struct view *v = scene_view(&s);
        struct memory m = scene_memory(&s);
        struct object o;
        m.object.phase_since = 1000;
        struct plan *plan = scene_decide_with(&s, p, v, &m, &o);
        plan_check(plan, v, p, s.now, "hold");
        ck_assert_int_eq(plan->row, ROW_CONNECT);
        ck_assert_uint_eq(plan->n_actions, s.now == 1100);
        ck_assert_uint_eq(plan->requeue_at, s.now == 1100 ? 0 : 1100);
        ck_assert_int_eq(plan->requeue_acts, s.now != 1100);
        plan_free(plan);
        view_free(v);
        policy_free(p);
    }
    s = (struct scene){
        .more = s.more, .b = "online=1 state=6", .f = "state=3 " RING_A, CLOSED_BY_US, .now = 1};
    r = run_decide(&s);
    assert_plan(&r, ROW_CONNECT, "connect", "");
    run_free(&r);
}
END_TEST

/* Past its deadline a row says so, and asks to be woken for that; the keys that are missing become an error.
 */
static const struct deadline_case {
    enum row row;
    enum severity severity;
    uint64_t limit;
    const char *before, *after;
    const char *about; /* what the message must name */
    struct scene scene;
} deadline_cases[] = {
    {ROW_INCOMPLETE_DIR, SEVERITY_WARNING, 10000, "", "incomplete-dir", "online", {.b = "state=1"}},
    {ROW_INCOMPLETE,
     SEVERITY_ERROR,
     10000,
     "missing-key",
     "missing-key",
     "mode",
     {.b = "online=1 state=1 -mode"}},
    {ROW_INCOMPLETE,
     SEVERITY_ERROR,
     10000,
     "invalid-key",
     "invalid-key",
     "mode",
     {.b = "online=1 state=1 mode=q"}},
    {ROW_STARTING,
     SEVERITY_ERROR,
     10000,
     "",
     "stuck-create",
     "worker",
     {.b = "online=1 state=1", .phase = OBJECT_STARTING}},
    {ROW_CLOSE_WAIT,
     SEVERITY_ERROR,
     20000,
     "",
     "stuck-detach",
     "Connected",
     {.b = "online=0 state=5", .f = "state=4 " RING_A, SERVES}},
    {ROW_BUSY,
     SEVERITY_ERROR,
     60000,
     "",
     "stuck-connect",
     "still connecting",
     {.b = "online=1 state=2", .f = "state=3 " RING_A, MARKED(INIT_WAIT), .phase = OBJECT_CONNECTING}},
    {ROW_CONNECT,
     SEVERITY_ERROR,
     60000,
     "missing-key",
     "missing-key",
     "event-channel",
     {.b = "online=1 state=2", .f = "state=3 ring-ref=1", WAITS}},
    {ROW_STEADY,
     SEVERITY_ERROR,
     20000,
     "",
     "stuck-close",
     "Closing",
     {.b = "online=1 state=5", .f = "state=5", MARKED(CLOSING), .phase = OBJECT_READY}},
    {ROW_STEADY,
     SEVERITY_WARNING,
     60000,
     "",
     "stuck-connect",
     "Initialising",
     {.b = "online=1 state=2", .f = "state=1", WAITS}},
    {ROW_BUSY,
     SEVERITY_ERROR,
     60000,
     "",
     "stuck-connect",
     "still disconnecting",
     {.b = "online=1 state=4", .f = "state=1", MARKED(CONNECTED), .phase = OBJECT_DISCONNECTING}},
    {ROW_STEADY,
     SEVERITY_WARNING,
     10000,
     "",
     "unclaimed-backend",
     "no backend",
     {.owner = OWNER_KERNEL, .b = "online=1 state=1", .f = "state=1"}},
    {ROW_STEADY,
     SEVERITY_ERROR,
     20000,
     "",
     "stuck-detach",
     "Connected",
     {.owner = OWNER_EXTERNAL, .b = "online=0 state=5", .f = "state=4"}},
};

START_TEST(deadlines)
{
    const struct deadline_case *c = &deadline_cases[_i];
    struct scene s = c->scene;
    s.rest = (struct memory){.row = c->row, .row_since = 7000};
    scene_lasts(&s, 7000);
    s.now = 7000 + c->limit - 1;
    struct run r = run_decide(&s);
    assert_plan(&r, c->row, "", c->before);
    ck_assert_uint_eq(r.plan->requeue_at, 7000 + c->limit); /* even where something is looked for meanwhile */
    ck_assert(!r.plan->requeue_acts);
    ck_assert(!*c->before || r.plan->findings[0].severity < c->severity);
    run_free(&r);
    s.now++;
    r = run_decide(&s);
    assert_plan(&r, c->row, "", c->after);
    ck_assert_uint_eq(r.plan->requeue_at, c->row == ROW_CONNECT ? s.now + 5000 : 0);
    ck_assert_int_eq(r.plan->findings[0].severity, c->severity);
    const char *said = r.plan->findings[0].message;
    ck_assert_msg(strstr(said, c->about), "says: %s", said);
    run_free(&r);
    bool key = strstr(c->before, "-key"), missing = strcmp(c->before, "missing-key") == 0;
    const char *at_first = missing ? "" : c->before; /* a key that is missing is no news for a moment */
    s.rest.row = ROW_COUNT;                          /* it has only begun */
    s.rest.condition = (struct condition){0};
    r = run_decide(&s);
    assert_plan(&r, c->row, "", at_first);
    ck_assert_uint_eq(r.plan->requeue_at, s.now + (c->row == ROW_CONNECT ? 500 : key ? 2000 : c->limit));
    run_free(&r);
    s.rest = (struct memory){.row = c->row}; /* since when was never noted */
    r = run_decide(&s);
    assert_plan(&r, c->row, "", at_first);
    run_free(&r);
}
END_TEST

/* The toolstack wrote Closed, and in a driver domain waits for us to remove B: after it could be read, and
 * after what is connected was given up. */
START_TEST(toolstack_closed)
{
    struct scene s = {
        .self = 3, .b = "online=1 state=6", .f = "state=4 " RING_A, MARKED(CONNECTED), .phase = OBJECT_READY};
    struct run r = run_decide(&s); /* time unknown */
    assert_plan(&r, ROW_TOOLSTACK_CLOSED, "release destroy", "");
    const struct action *a = &r.plan->actions[1];
    ck_assert_uint_eq(a->n_removals, 1);
    ck_assert_str_eq(a->removals[0].path, "/local/domain/3/backend/qdisk/7/51712");
    ck_assert(!a->removals[0].if_empty);
    ck_assert_int_eq(r.object.phase, OBJECT_NONE);
    run_free(&r);
    s.now = 5000;
    r = run_decide(&s);
    assert_plan(&r, ROW_TOOLSTACK_CLOSED, "", "");
    ck_assert_uint_eq(r.plan->requeue_at, 6000);
    ck_assert_int_eq(r.object.phase, OBJECT_READY);
    run_free(&r);
    s.now = 6000;
    s.rest = (struct memory){.row = ROW_TOOLSTACK_CLOSED, .row_since = 5000};
    r = run_decide(&s);
    assert_plan(&r, ROW_TOOLSTACK_CLOSED, "release destroy", "");
    run_free(&r);
    for (int self = 0; self <= 3; self += 3) {
        s = (struct scene){
            .self = (uint16_t)self, .b = "online=1 state=6", .f = "state=4 " RING_A, SERVES, .now = 5000};
        r = run_decide(&s);
        assert_plan(&r, ROW_TOOLSTACK_CLOSED, "disconnect", "");
        assert_writes(&r, MARKER_KEY, "0000000000001111 4 -");
        run_free(&r);
        s.marker.ring = NULL; /* it was about to be connected */
        r = run_decide(&s);
        assert_plan(&r, ROW_TOOLSTACK_CLOSED, "disconnect", "");
        run_free(&r);
    }
    s = (struct scene){
        .b = "online=1 state=6", .f = "state=4 " RING_A, MARKED(CONNECTED), .phase = OBJECT_READY};
    r = run_decide(&s); /* in dom0 that is libxl's */
    assert_plan(&r, ROW_TOOLSTACK_CLOSED, "", "");
    run_free(&r);
}
END_TEST

/* A failure is of a row that does something; it neither holds back another nor one that has nothing to do. */
START_TEST(failures_of_others)
{
    struct scene s = {.b = "online=1 state=4", .f = "state=4 " RING_A, SERVES, .now = 5000};
    struct policy *p = scene_policy(&s);
    struct view *v = scene_view(&s);
    struct memory m = scene_memory(&s);
    struct run r = {.policy = p, .view = v};
    m.failure = (struct failure){-EIO, 3, ROW_STEADY, 9000, view_digest(v)};
    r.plan = scene_decide_with(&s, p, v, &m, &r.object);
    assert_plan(&r, ROW_STEADY, "", "");
    ck_assert(r.object.front_connected); /* what it saw is kept */
    ck_assert_uint_eq(r.plan->requeue_at, 0);
    run_free(&r);

    s = (struct scene){.b = "online=1 state=1", .f = "state=1", .now = 5000};
    r = (struct run){.policy = scene_policy(&s), .view = scene_view(&s)};
    m = (struct memory){.failure = {0, 0, ROW_CREATE, 9000, view_digest(r.view)}};
    r.plan = scene_decide_with(&s, r.policy, r.view, &m, &r.object);
    assert_plan(&r, ROW_CREATE, "create", "");
    run_free(&r);

    s = (struct scene){
        .b = "online=0 state=6", .f = "state=6", CLOSED_BY_US, .now = 5000, .more = "hold: {closed: 0}"};
    r = (struct run){.policy = scene_policy(&s), .view = scene_view(&s)};
    m = scene_memory(&s);
    m.failure = (struct failure){-EIO, 3, ROW_DESTROY, 4000, view_digest(r.view)};
    r.plan = scene_decide_with(&s, r.policy, r.view, &m, &r.object);
    assert_plan(&r, ROW_DESTROY, "release destroy", "action-failed");
    assert_says(&r, FINDING_ACTION_FAILED, SEVERITY_ERROR, "destroy failed 3 times: Input/output error");
    run_free(&r);
}
END_TEST

/* That F was Connected counts for the connection that it was with. */
START_TEST(front_connected)
{
    struct scene s = {.b = "online=1 state=4", .f = "state=5", SERVES, .front_connected = true};
    struct run r = run_decide(&s);
    assert_plan(&r, ROW_FRONT_CLOSING, "disconnect close", "");
    ck_assert(!r.object.front_connected);
    run_free(&r);
    s = (struct scene){
        .b = "online=1 state=5", .f = "state=4 " RING_A, MARKED(CLOSING), .phase = OBJECT_READY};
    r = run_decide(&s); /* it is with none */
    assert_plan(&r, ROW_STEADY, "", "stuck-close");
    ck_assert(!r.object.front_connected);
    run_free(&r);
}
END_TEST

/* Ten times a minute, and no more. */
static const struct {
    uint64_t now, since;
    uint8_t cycles, after; /* 0: it has to wait */
} flaps[] = {
    {50000, 40000, 9, 10}, {50000, 40000, 10, 0},  {50000, 40000, 11, 0},
    {99999, 40000, 10, 0}, {100000, 40000, 10, 1}, {100000, 40000, 3, 1},
    {0, 0, 9, 10},         {0, 0, 10, 0},          {0, 1, 10, 0},
};

START_TEST(flap_limits)
{
    struct scene s = {.b = "online=1 state=6", .f = "state=1", CLOSED_BY_US, .now = flaps[_i].now};
    struct policy *p = scene_policy(&s);
    struct view *v = scene_view(&s);
    struct memory m = scene_memory(&s);
    struct run r = {.policy = p, .view = v};
    m.object.cycles = flaps[_i].cycles;
    m.object.cycles_since = flaps[_i].since;
    r.plan = scene_decide_with(&s, p, v, &m, &r.object);
    if (flaps[_i].after) {
        assert_plan(&r, ROW_CYCLE, "cycle", "");
        ck_assert_uint_eq(r.object.cycles, flaps[_i].after);
        ck_assert_uint_eq(r.object.cycles_since, flaps[_i].after == 1 ? flaps[_i].now : flaps[_i].since);
    } else {
        assert_plan(&r, ROW_CYCLE, "", "flapping");
        assert_says(&r, FINDING_FLAPPING, SEVERITY_WARNING, "started over 10 times within 60 s");
        ck_assert_uint_eq(r.plan->requeue_at, flaps[_i].since + 60000);
        ck_assert(r.plan->requeue_acts);
    }
    run_free(&r);
}
END_TEST

/* One that starts over without closing is counted with those that close; what the worker takes up is not. */
START_TEST(flap_reconnects)
{
    struct scene s = {.b = "online=1 state=4", .f = "state=4 " RING_B, SERVES, .now = 50000};
    struct policy *p = scene_policy(&s);
    struct view *v = scene_view(&s);
    struct memory m = scene_memory(&s);
    struct run r = {.policy = p, .view = v};
    m.object.cycles = flaps[_i].cycles;
    m.object.cycles_since = flaps[_i].since;
    s.now = flaps[_i].now;
    r.plan = scene_decide_with(&s, p, v, &m, &r.object);
    if (flaps[_i].after) {
        assert_plan(&r, ROW_RECONNECT, "disconnect connect", "");
        ck_assert_uint_eq(r.object.cycles, flaps[_i].after);
    } else {
        assert_plan(&r, ROW_RECONNECT, "", "flapping");
        assert_says(&r, FINDING_FLAPPING, SEVERITY_WARNING, "started over 10 times within 60 s");
        ck_assert_uint_eq(r.plan->requeue_at, flaps[_i].since + 60000);
        ck_assert(r.plan->requeue_acts);
    }
    run_free(&r);
}
END_TEST

/* What could not be read is read again, and nothing is done until then. */
START_TEST(unreadable_is_read_again)
{
    struct scene s = {.b = "online=1 state?", .now = 1000};
    struct run r = run_decide(&s);
    assert_plan(&r, ROW_UNREADABLE, "", "unreadable");
    ck_assert_uint_eq(r.plan->requeue_at, 6000);
    ck_assert(!r.plan->requeue_acts);
    run_free(&r);
}
END_TEST

/* A frontend that cycles for ever is held back, and answered again later. */
START_TEST(flapping)
{
    struct scene s = {.b = "online=1 state=6", .f = "state=1", CLOSED_BY_US, .now = 1000000};
    struct policy *p = scene_policy(&s);
    struct view *v = scene_view(&s);
    struct memory m = scene_memory(&s);
    struct plan *plan = NULL;
    int cycles;
    for (cycles = 0; cycles < 200; cycles++) {
        plan_free(plan);
        plan = scene_decide_with(&s, p, v, &m, &m.object);
        plan_check(plan, v, p, s.now, "flapping");
        ck_assert_int_eq(plan->row, ROW_CYCLE);
        if (!plan->n_actions)
            break;
        s.now += 10;
    }
    ck_assert_int_ge(cycles, 3);
    ck_assert_int_lt(cycles, 200);
    ck_assert(plan->n_findings == 1 && plan->findings[0].code == FINDING_FLAPPING && plan->requeue_acts);
    s.now = plan->requeue_at;
    plan_free(plan);
    plan = scene_decide_with(&s, p, v, &m, &m.object);
    ck_assert(plan->n_actions == 1 && plan->actions[0].kind == ACTION_CYCLE && !plan->n_findings);
    plan_free(plan);
    /* at leisure it may do so as often as it likes */
    for (int i = 0; i < 300; i++) {
        s.now += 60000;
        plan = scene_decide_with(&s, p, v, &m, &m.object);
        ck_assert_uint_eq(plan->n_actions, 1);
        plan_free(plan);
    }
    view_free(v);
    policy_free(p);
}
END_TEST

/* What failed is held until its backoff ends or the view changes, and only the row that failed. */
START_TEST(backoff)
{
    struct scene s = {.b = "online=1 state=2", .f = "state=3 " RING_A, WAITS, .now = 1000};
    s.rest.failure =
        (struct failure){.error = -EIO, .attempt = 3, .row = ROW_CONNECT, .until = 2000, .digest = 1};
    struct run r = run_decide(&s);
    assert_plan(&r, ROW_CONNECT, "", "action-failed");
    ck_assert_int_eq(r.plan->findings[0].severity, SEVERITY_ERROR);
    ck_assert_uint_eq(r.plan->requeue_at, 2000);
    ck_assert(r.plan->requeue_acts);
    ck_assert_int_eq(r.object.phase, OBJECT_READY);
    run_free(&r);
    s.now = 2000;
    r = run_decide(&s);
    ck_assert_uint_eq(r.plan->n_actions, 1);
    ck_assert_uint_eq(r.plan->requeue_at, 0);
    run_free(&r);
    s.now = 1000;
    s.rest.failure.digest = 2; /* of another view */
    r = run_decide(&s);
    ck_assert_uint_eq(r.plan->n_actions, 1);
    run_free(&r);
    s.rest.failure.digest = 1;
    s.rest.failure.row = ROW_CYCLE;
    r = run_decide(&s);
    assert_plan(&r, ROW_CONNECT, "connect", "");
    run_free(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("decide and time");
    TCase *t = tcase_create("time");
    tcase_add_loop_test(t, destroy_holds, 0, 4);
    tcase_add_test(t, connect_holds);
    tcase_add_loop_test(t, deadlines, 0, COUNT(deadline_cases));
    tcase_add_test(t, unreadable_is_read_again);
    tcase_add_test(t, toolstack_closed);
    tcase_add_test(t, failures_of_others);
    tcase_add_test(t, front_connected);
    tcase_add_loop_test(t, flap_limits, 0, COUNT(flaps));
    tcase_add_loop_test(t, flap_reconnects, 0, COUNT(flaps));
    tcase_add_test(t, flapping);
    tcase_add_test(t, backoff);
    suite_add_tcase(s, t);
    return run_suite(s);
}
