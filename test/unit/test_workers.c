/* SPDX-License-Identifier: MIT */
/* What is decided about a device's worker, case by case: how it is started, what it is told, what it
 * publishes, and what is said of it. test_workers_table.c has all of it in motion. */
#include "reconcilers/decide.h"

#include <check.h>
#include <stdint.h>

#include "test/lib/plan_check.h"
#include "test/lib/unit.h"
#include "test/unit/worker_cases.h"

#define WORKER "worker: {command: [/w, '${mode}']}"

static const struct worker nobody = {.state = WORKER_NONE};

/* ---- start ---- */

START_TEST(starts)
{
    static const char *const words[] = {
        "/w",         "-i=raw:/a b", "qdisk.7:51712", "qdisk/7/51712", "ww", "plain", "", "$HOME}",
        "(raw:/a b)", NULL};
    struct scene s = {.more = "worker: {command: [/w, '-i=${params}', '${type}.${domid}:${devid}', '${key}', "
                              "'${mode}${mode}', plain, '', '$HOME}', '(${params})']}",
                      .b = "online=1 state=1 params=raw:/a%b",
                      .f = "state=1",
                      .now = NOW,
                      .worker = &nobody};
    struct run r = run_decide(&s);
    assert_plan(&r, ROW_CREATE, "create", "");
    const struct action *a = task_of(&r, TASK_START);
    for (int i = 0; i < COUNT(words); i++)
        ck_assert_pstr_eq(a->argv[i], words[i]);
    ck_assert(a->env && !a->env[0]);
    ck_assert_uint_eq(a->incarnation, scene_incarnation[FRESH]);
    ck_assert_uint_eq(a->n_writes, 0); /* the world learns of it when the worker is ready */
    ck_assert_int_eq(r.object.phase, OBJECT_STARTING);
    ck_assert(r.object.unpublished);
    ck_assert_uint_eq(r.object.incarnation, scene_incarnation[FRESH]);
    run_free(&r);
    s.b = "online=1 state=1"; /* what is not there is nothing */
    r = run_decide(&s);
    ck_assert_str_eq(task_of(&r, TASK_START)->argv[1], "-i=");
    run_free(&r);
}
END_TEST

/* It is started, becomes ready, is published. */
static struct run until_ready(const char *b, const struct published *published, size_t n,
                              struct scene *ret_scene)
{
    static struct worker w;
    *ret_scene = (struct scene){.more = WORKER, .b = b, .f = "state=1", .now = NOW, .worker = &w};
    w = nobody;
    struct run r = run_decide(ret_scene);
    assert_plan(&r, ROW_CREATE, "create", "");
    w = (struct worker){.state = WORKER_STARTING, .incarnation = scene_incarnation[FRESH]};
    r = go_on(ret_scene, &r);
    assert_plan(&r, ROW_STARTING, "", "");
    ck_assert_uint_eq(r.plan->requeue_at, NOW + 10000);
    ck_assert(!r.plan->requeue_acts);
    w.state = WORKER_READY;
    w.published = published;
    w.n_published = n;
    return r;
}

START_TEST(publishes_when_ready)
{
    static const struct published keys[] = {{"", "1"},
                                            {"/a", "1"},
                                            {"a/", "1"},
                                            {"a//b", "1"},
                                            {"feature-barrier", "1"},
                                            {"feature-flush-cache", "0"},
                                            {"hotplug", "1"},
                                            {"mode", "r"},
                                            {"multi/ring", "4"},
                                            {"state", "4"},
                                            {"xenrecon/x", "1"}};
    static const char *const refused[] = {" , which", " /a,",  " a/,",      " a//b,",
                                          "mode",     "state", "xenrecon/x"};
    struct scene s;
    struct run r = until_ready("online=1 state=1", keys, COUNT(keys), &s);
    r = go_on(&s, &r);
    assert_plan(&r, ROW_CREATE, "publish",
                "worker-error worker-error worker-error worker-error worker-error worker-error worker-error");
    assert_writes(&r, "feature-barrier", "1");
    assert_writes(&r, "multi/ring", "4");
    assert_writes(&r, "hotplug", "1");             /* a reserved key only begins so */
    assert_writes(&r, "feature-flush-cache", "1"); /* the policy's */
    assert_writes(&r, "mode", NULL);
    for (int i = 0; i < 4; i++)
        assert_writes(&r, keys[i].key, NULL);
    assert_writes(&r, "xenrecon/x", NULL);
    assert_writes(&r, "state", "2");
    assert_writes(&r, "hotplug-status", "connected");
    assert_tasks(&r, "-");
    ck_assert_str_eq(r.plan->actions[0].reason, "the worker is ready");
    ck_assert_ptr_null(r.plan->actions[0].argv); /* it was started before */
    for (int i = 0; i < COUNT(refused); i++)
        assert_says(&r, FINDING_WORKER_ERROR, SEVERITY_WARNING, refused[i]);
    ck_assert_int_eq(r.object.phase, OBJECT_READY);
    ck_assert(!r.object.unpublished);
    ck_assert_uint_eq(r.object.phase_since, NOW);
    ck_assert_uint_eq(r.object.published, worker_published(s.worker));
    run_free(&r);
}
END_TEST

/* InitWait is there, but nobody told us so: the store was lost when it was written. */
START_TEST(published_unheard)
{
    struct scene s;
    struct run r = until_ready("online=1 state=1", NULL, 0, &s);
    struct worker w = *s.worker;
    s.worker = &w;
    s.b = "online=1 state=2";
    s.marker = (struct scene_marker){FRESH, XENBUS_INIT_WAIT, NULL};
    r = go_on(&s, &r);
    assert_plan(&r, ROW_STEADY, "", "");
    ck_assert(!r.object.unpublished);
    run_free(&r);
}
END_TEST

/* The toolstack started over without removing the directory: the marker there is of the time before. */
START_TEST(started_over)
{
    struct scene s;
    static struct worker w = {.state = WORKER_CONNECTED, .incarnation = 0x1111};
    s = (struct scene){.more = WORKER,
                       .b = "online=1 state=1",
                       .f = "state=1",
                       .now = NOW,
                       .worker = &w,
                       .phase = OBJECT_CONNECTED,
                       .marker = {OURS, XENBUS_CONNECTED, NULL}};
    struct run r = run_decide(&s);
    assert_plan(&r, ROW_CREATE, "release create", "");
    assert_tasks(&r, "x+");
    s.phase = OBJECT_NONE; /* from now on it is as it was decided */
    w = (struct worker){.state = WORKER_STARTING, .incarnation = scene_incarnation[FRESH]};
    r = go_on(&s, &r);
    assert_plan(&r, ROW_STARTING, "", "");
    w.state = WORKER_READY;
    r = go_on(&s, &r);
    assert_plan(&r, ROW_CREATE, "publish", "");
    assert_writes(&r, "state", "2");
    ck_assert_uint_eq(r.object.incarnation, scene_incarnation[FRESH]);
    run_free(&r);
}
END_TEST

/* What another worker is started with could not be read just now: that is tried again. */
START_TEST(dead_and_unreadable)
{
    struct worker w = {
        .state = WORKER_DEAD, .incarnation = 0x1111, .failures = 1, .until = NOW + 300, .said = "ended"};
    struct scene s = {.more = WORKER,
                      .b = "online=1 state=4 mode?",
                      .f = "state=4",
                      .now = NOW,
                      .worker = &w,
                      .phase = OBJECT_CONNECTED,
                      .marker = {OURS, XENBUS_CONNECTED, NULL}};
    struct run r = run_decide(&s);
    assert_plan(&r, ROW_RESPAWN, "", "worker-died");
    ck_assert_uint_eq(r.plan->requeue_at, NOW + 300);
    run_free(&r);
    w.until = NOW;
    r = run_decide(&s);
    assert_plan(&r, ROW_UNREADABLE, "", "unreadable worker-died");
    ck_assert_uint_ne(r.plan->requeue_at, 0);
    run_free(&r);
    s.b = "online=0 state=4 mode?"; /* who closes needs no worker */
    s.f = "state=6";
    r = run_decide(&s);
    assert_plan(&r, ROW_CLOSE_IDLE, "close", "worker-died");
    run_free(&r);
}
END_TEST

/* The toolstack changed a key meanwhile: the worker serves something else. */
START_TEST(outdated)
{
    for (int ready = 0; ready <= 1; ready++) {
        struct scene s;
        struct run r = until_ready("online=1 state=1", NULL, 0, &s);
        struct worker w = *s.worker;
        w.state = ready ? WORKER_READY : WORKER_STARTING;
        s.worker = &w;
        s.b = "online=1 state=1 mode=r";
        r = go_on(&s, &r);
        assert_plan(&r, ROW_CREATE, "release create", "");
        assert_tasks(&r, "x+");
        ck_assert_str_eq(task_of(&r, TASK_START)->argv[1], "r");
        ck_assert(r.object.unpublished);
        assert_writes(&r, "state", NULL);
        run_free(&r);
    }
    struct scene s; /* another key of B is nothing to it */
    struct run r = until_ready("online=1 state=1", NULL, 0, &s);
    s.b = "online=1 state=1 params=raw:/a";
    r = go_on(&s, &r);
    assert_plan(&r, ROW_CREATE, "publish", "");
    run_free(&r);
}
END_TEST

/* Died before it was ever ready; or is another's. */
START_TEST(dies_before_it_is_ready)
{
    struct scene s;
    struct run r = until_ready("online=1 state=1", NULL, 0, &s);
    struct worker w = {.state = WORKER_DEAD,
                       .incarnation = scene_incarnation[FRESH],
                       .failures = 3,
                       .until = NOW + 700,
                       .said = "exited with status 1: no such image"};
    s.worker = &w;
    r = go_on(&s, &r);
    assert_plan(&r, ROW_RESPAWN, "", "worker-died");
    assert_says(&r, FINDING_WORKER_DIED, SEVERITY_ERROR, "no such image (3 times in a row)");
    ck_assert_uint_eq(r.plan->requeue_at, NOW + 700);
    ck_assert(r.plan->requeue_acts);
    struct scene later = s;
    later.now = w.until;
    r = go_on(&later, &r);
    assert_plan(&r, ROW_RESPAWN, "create", "worker-died");
    assert_tasks(&r, "+");
    ck_assert_uint_eq(task_of(&r, TASK_START)->incarnation, scene_incarnation[FRESH]);
    ck_assert(r.object.unpublished);
    s.worker = &(struct worker){.state = WORKER_STARTING, .incarnation = scene_incarnation[FRESH]};
    r = go_on(&s, &r);
    assert_plan(&r, ROW_STARTING, "", "");
    run_free(&r);
}
END_TEST

/* As they stand in status and history. */
START_TEST(names)
{
    static const char *const phases[] = {"none",      "starting",      "ready", "connecting",
                                         "connected", "disconnecting", "dead"};
    for (int i = 0; i < COUNT(phases); i++) {
        ck_assert_str_eq(worker_state_name((enum worker_state)i), phases[i]);
        ck_assert_str_eq(object_phase_name((enum object_phase)i), phases[i]);
    }
}
END_TEST

/* Why a worker is told to connect, though B is Connected. */
static const struct {
    const char *f, *ring; /* that is connected, or NULL */
    bool saw_4;
    const char *why;
} takes_up[] = {
    {"state=4 " RING_A, RING_A, false, "the worker takes up again what was connected"},
    {"state=3 " RING_A, RING_A, false, "the worker takes up again what was connected"},
    {"state=4 " RING_A, RING_A, true, "the worker takes up again what was connected"},
    {"state=3 " RING_A, RING_A, true, "the frontend started over with B Connected"},
    {"state=4 " RING_B, RING_A, true, "the frontend started over with B Connected"},
    {"state=4 " RING_A, NULL, false, "the frontend started over with B Connected"},
};

START_TEST(reconnects)
{
    struct worker w = {IS(READY)};
    struct scene s = {.more = WORKER,
                      .b = "online=1 state=4",
                      .f = takes_up[_i].f,
                      .marker = {OURS, XENBUS_CONNECTED, takes_up[_i].ring},
                      .phase = OBJECT_READY,
                      .front_connected = takes_up[_i].saw_4,
                      .now = NOW,
                      .worker = &w};
    struct run r = run_decide(&s);
    assert_plan(&r, ROW_RECONNECT, "connect", "");
    ck_assert_str_eq(r.plan->actions[0].reason, takes_up[_i].why);
    run_free(&r);
}
END_TEST

/* What lasts too long is an error; where time is unknown it may be about to end. */
static const struct {
    struct worker worker;
    struct scene scene;
    enum row row;
    enum finding_code code;
    const char *said;
} overdue[] = {
    {{IS(CONNECTING)},
     {.b = "online=1 state=2", .f = "state=3 " RING_A, MARKED(INIT_WAIT), .phase = OBJECT_CONNECTING},
     ROW_BUSY,
     FINDING_STUCK_CONNECT,
     "the worker is still connecting"},
    {{IS(DISCONNECTING)},
     {.b = "online=1 state=4", .f = "state=4 " RING_A, SERVES, .phase = OBJECT_DISCONNECTING},
     ROW_BUSY,
     FINDING_STUCK_CONNECT,
     "the worker is still disconnecting"},
    {{IS(STARTING)},
     {.b = "online=1 state=4", .f = "state=4 " RING_A, SERVES, .phase = OBJECT_STARTING},
     ROW_RESPAWN,
     FINDING_STUCK_CONNECT,
     "the worker is not ready yet"},
};

START_TEST(takes_too_long)
{
    struct scene s = overdue[_i].scene;
    struct worker w = overdue[_i].worker;
    s.more = WORKER;
    s.worker = &w;
    for (int known = 0; known < 2; known++) {
        s.now = known ? NOW : 0;
        s.rest = (struct memory){.row = overdue[_i].row, .row_since = 1};
        if (known)
            scene_lasts(&s, 1);
        struct run r = run_decide(&s);
        ck_assert_int_eq(r.plan->row, overdue[_i].row);
        assert_says(&r, overdue[_i].code, known ? SEVERITY_ERROR : SEVERITY_WARNING, overdue[_i].said);
        run_free(&r);
    }
}
END_TEST

/* Before it was ever ready, likewise. */
START_TEST(starts_too_long)
{
    struct scene s;
    struct run r = until_ready("online=1 state=1", NULL, 0, &s);
    struct worker w = {.state = WORKER_STARTING, .incarnation = scene_incarnation[FRESH]};
    s.worker = &w;
    s.now = 0;
    r = go_on(&s, &r);
    assert_plan(&r, ROW_STARTING, "", "stuck-create");
    assert_says(&r, FINDING_STUCK_CREATE, SEVERITY_WARNING, "the worker is not ready yet");
    run_free(&r);
}
END_TEST

/* ---- cases of one decision ---- */

START_TEST(one_decision)
{
    const struct worker_case *c = &worker_cases[_i];
    struct scene s = c->scene;
    struct worker w = c->worker;
    s.more = WORKER;
    s.worker = &w;
    s.now = NOW;
    w.ring = scene_ring(RING_A); /* which means nothing unless it is there */
    if (strstr(c->name, "refused"))
        w.refused = scene_ring(RING_A);
    struct run r = run_decide(&s);
    assert_plan(&r, c->makes.row, c->makes.actions, c->makes.findings);
    assert_tasks(&r, c->makes.tasks);
    assert_writes(&r, "state", c->makes.state);
    ck_assert_uint_eq(r.plan->requeue_at, c->makes.wake_at ? NOW + c->makes.wake_at : 0);
    ck_assert_int_eq(r.object.phase, c->makes.after);
    if (c->makes.row == ROW_TOOLSTACK_CLOSED && r.plan->n_actions && !plan_task(r.plan, TASK_DISCONNECT))
        assert_writes(&r, MARKER_KEY, "0000000000001111 4 -");
    run_free(&r);
}
END_TEST

/* ---- no worker in the policy ---- */

/* The policy has no worker (any more), but one runs: it serves until the end of its device; no other one is
 * started. */
static const struct {
    const char *actions, *tasks;
    enum row row;
    enum object_phase after;
    enum worker_state state;
    enum whose whose;
    struct scene scene;
} dismissed[] = {
#define LEFT(st, whose) WORKER_##st, whose
    {"release",
     "x",
     ROW_DESTROY,
     OBJECT_NONE,
     LEFT(CONNECTED, OURS),
     {.b = "online=0 state=6", .f = "state=6", MARKED(CLOSED)}},
    {"",
     "",
     ROW_STEADY,
     OBJECT_CONNECTED,
     LEFT(CONNECTED, OURS),
     {.b = "online=1 state=4", .f = "state=4 " RING_A, SERVES}},
    {"",
     "",
     ROW_RESPAWN,
     OBJECT_STARTING,
     LEFT(STARTING, OURS),
     {.b = "online=1 state=4", .f = "state=4 " RING_A, SERVES, .phase = OBJECT_CONNECTED}},
    {"",
     "",
     ROW_STEADY,
     OBJECT_READY,
     LEFT(READY, OURS),
     {.b = "online=1 state=2", .f = "state=1", MARKED(INIT_WAIT), .phase = OBJECT_READY}},
    {"disconnect close",
     "d-",
     ROW_FRONT_CLOSING,
     OBJECT_DISCONNECTING,
     LEFT(CONNECTED, OURS),
     {.b = "online=1 state=4", .f = "state=5", SERVES}},
    {"release",
     "x",
     ROW_STEADY,
     OBJECT_CONNECTED,
     LEFT(DEAD, OURS),
     {.b = "online=1 state=4", .f = "state=4 " RING_A, SERVES, .phase = OBJECT_CONNECTED}},
    {"release",
     "x",
     ROW_STEADY,
     OBJECT_CONNECTED,
     LEFT(CONNECTED, THEIRS),
     {.b = "online=1 state=4", .f = "state=4 " RING_A, SERVES, .phase = OBJECT_CONNECTED}},
    {"release create",
     "x-",
     ROW_CREATE,
     OBJECT_READY,
     LEFT(READY, OURS),
     {.b = "online=1 state=1", .f = "state=1", .phase = OBJECT_READY, .unpublished = true}},
    {"release create",
     "x-",
     ROW_CREATE,
     OBJECT_READY,
     LEFT(READY, OURS),
     {.b = "online=1 state=1", .f = "state=1", MARKED(INIT_WAIT)}},
    {"", "", ROW_BAD_VALUE, OBJECT_NONE, LEFT(READY, OURS), {.b = "online=1 state=9", .f = "state=1"}},
    {"", "", ROW_UNREADABLE, OBJECT_NONE, LEFT(READY, OURS), {.b = "online=1 state?", .f = "state=1"}},
#undef LEFT
};

START_TEST(without_policy)
{
    struct worker w = {.state = dismissed[_i].state, .ring = scene_ring(RING_A)};
    struct scene s = dismissed[_i].scene;
    char buf[256];
    w.incarnation = scene_incarnation[dismissed[_i].whose];
    s.now = NOW;
    s.worker = &w;
    struct run r = run_decide(&s);
    ck_assert_str_eq(row_name(r.plan->row), row_name(dismissed[_i].row));
    ck_assert_str_eq(plan_actions(r.plan, buf, sizeof buf), dismissed[_i].actions);
    assert_tasks(&r, dismissed[_i].tasks);
    ck_assert_int_eq(r.object.phase, dismissed[_i].after);
    run_free(&r);
}
END_TEST

/* Without a worker to ask, nothing is ever said about one. */
START_TEST(nobody_to_ask)
{
    struct scene s = {.more = WORKER, .b = "online=1 state=1", .f = "state=1", .now = NOW};
    struct run r = run_decide(&s);
    assert_plan(&r, ROW_CREATE, "create", "");
    assert_tasks(&r, "-");
    assert_writes(&r, "state", "2");
    ck_assert_str_eq(r.plan->actions[0].argv[1], "w"); /* but what would be started */
    run_free(&r);
    s.more = NULL;
    r = run_decide(&s);
    ck_assert_ptr_null(r.plan->actions[0].argv);
    run_free(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("workers");
    TCase *t = tcase_create("decisions");
    tcase_add_test(t, starts);
    tcase_add_test(t, publishes_when_ready);
    tcase_add_test(t, published_unheard);
    tcase_add_test(t, started_over);
    tcase_add_test(t, dead_and_unreadable);
    tcase_add_test(t, outdated);
    tcase_add_test(t, dies_before_it_is_ready);
    tcase_add_test(t, names);
    tcase_add_loop_test(t, reconnects, 0, COUNT(takes_up));
    tcase_add_loop_test(t, takes_too_long, 0, COUNT(overdue));
    tcase_add_test(t, starts_too_long);
    tcase_add_loop_test(t, one_decision, 0, COUNT(worker_cases));
    tcase_add_loop_test(t, without_policy, 0, COUNT(dismissed));
    tcase_add_test(t, nobody_to_ask);
    suite_add_tcase(s, t);
    return run_suite(s);
}
