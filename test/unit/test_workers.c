/* SPDX-License-Identifier: MIT */
/* What is decided about a device's worker, case by case: how it is started, what it is told, what it
 * publishes, and what is said of it. test_workers_table.c has all of it in motion. */
#include "reconcilers/decide.h"

#include <check.h>
#include <stdint.h>

#include "reconcilers/worker_effects.h"
#include "test/lib/plan_check.h"
#include "test/lib/unit.h"
#include "test/unit/worker_cases.h"

#define WORKER  "worker: {command: [/w, '${mode}']}"
#define SECTORS .published = (struct published[]){{"sectors", "100"}}, .n_published = 1

static const struct worker nobody = {.state = WORKER_NONE};

/* The next decision, with what the last one left to be remembered. */
static struct run go_on(const struct scene *s, struct run *last)
{
    struct scene next = *s;
    next.rest.object = last->object;
    run_free(last);
    return run_decide(&next);
}

static const struct action *task_of(const struct run *r, enum task task)
{
    const struct action *a = plan_task(r->plan, task);
    ck_assert_msg(a, "row %s gives no task of kind %d", row_name(r->plan->row), task);
    ck_assert(plan_acts(r->plan));
    return a;
}

static void assert_tasks(const struct run *r, const char *tasks)
{
    static const char letters[] = {[TASK_NONE] = '-',    [TASK_SCRIPT] = 's',     [TASK_START] = '+',
                                   [TASK_CONNECT] = 'c', [TASK_DISCONNECT] = 'd', [TASK_STOP] = 'x'};
    char buf[PLAN_ACTIONS_MAX + 1] = "";
    for (size_t i = 0; i < r->plan->n_actions; i++)
        buf[i] = letters[r->plan->actions[i].task];
    ck_assert_str_eq(buf, tasks);
}

static void assert_writes(const struct run *r, const char *key, const char *value)
{
    const char *written = scene_written(r->plan, r->view, key);
    ck_assert_msg(value ? written && !strcmp(written, value) : !written, "%s is written %s, not %s", key,
                  written ? written : "not", value ? value : "not");
}

static void assert_says(const struct run *r, enum finding_code code, enum severity severity, const char *text)
{
    for (size_t i = 0; i < r->plan->n_findings; i++)
        if (r->plan->findings[i].code == code && r->plan->findings[i].severity == severity &&
            strstr(r->plan->findings[i].message, text))
            return;
    ck_abort_msg("nothing says %s: %s", finding_code_name(code), text);
}

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
    ck_assert_ptr_nonnull(plan_relied(r.plan, SCENE_B "/mode"));
    ck_assert_ptr_nonnull(plan_relied(r.plan, SCENE_B "/params"));
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
    ck_assert_uint_eq(r.plan->wake_at, NOW + 10000);
    ck_assert(!r.plan->deferred);
    w.state = WORKER_READY;
    w.published = published;
    w.n_published = n;
    return r;
}

START_TEST(publishes_when_ready)
{
    static const struct published keys[] = {
        {"feature-barrier", "1"}, {"feature-flush-cache", "0"}, {"mode", "r"}, {"multi/ring", "4"},
        {"state", "4"},           {"xenrecon/x", "1"}};
    struct scene s;
    struct run r = until_ready("online=1 state=1", keys, COUNT(keys), &s);
    r = go_on(&s, &r);
    assert_plan(&r, ROW_CREATE, "publish", "worker-error worker-error worker-error");
    assert_writes(&r, "feature-barrier", "1");
    assert_writes(&r, "multi/ring", "4");
    assert_writes(&r, "feature-flush-cache", "1"); /* the policy's */
    assert_writes(&r, "mode", NULL);
    assert_writes(&r, "xenrecon/x", NULL);
    assert_writes(&r, "state", "2");
    assert_writes(&r, "hotplug-status", "connected");
    assert_tasks(&r, "-");
    for (int i = 2; i < COUNT(keys); i++)
        if (i != 3)
            assert_says(&r, FINDING_WORKER_ERROR, SEVERITY_WARNING, keys[i].key);
    ck_assert_int_eq(r.object.phase, OBJECT_READY);
    ck_assert(!r.object.unpublished);
    ck_assert_uint_eq(r.object.phase_since, NOW);
    ck_assert_uint_eq(r.object.published, worker_published(s.worker));
    ck_assert_ptr_nonnull(plan_relied(r.plan, SCENE_B "/mode"));
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
    ck_assert_uint_eq(r.plan->wake_at, NOW + 700);
    ck_assert(r.plan->deferred);
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

/* ---- cases of one decision ---- */

START_TEST(one_decision)
{
    const struct worker_case *c = &worker_cases[_i];
    struct scene s = c->scene;
    struct worker w = c->worker;
    s.more = WORKER;
    s.worker = &w;
    s.now = NOW;
    if (w.state == WORKER_CONNECTING || w.state == WORKER_CONNECTED)
        w.ring = scene_ring(RING_A);
    if (strstr(c->name, "refused"))
        w.refused = scene_ring(RING_A);
    struct run r = run_decide(&s);
    assert_plan(&r, c->makes.row, c->makes.actions, c->makes.findings);
    assert_tasks(&r, c->makes.tasks);
    assert_writes(&r, "state", c->makes.state);
    ck_assert_uint_eq(r.plan->wake_at, c->makes.wake_at ? NOW + c->makes.wake_at : 0);
    ck_assert_int_eq(r.object.phase, c->makes.after);
    if (c->makes.row == ROW_TOOLSTACK_CLOSED && r.plan->n_actions && !plan_task(r.plan, TASK_DISCONNECT))
        assert_writes(&r, MARKER_KEY, "0000000000001111 4 -");
    run_free(&r);
}
END_TEST

/* ---- the connection ---- */

#define PAGES                                                        \
    "version: 1\ntype: qdisk\nfrontend: vbd\nowner: xenrecon\n"      \
    "backend-keys: {mode: {required: true}}\n"                       \
    "frontend-keys:\n"                                               \
    "  ring-ref: {type: uint32, required: connect, or: ring-ref0}\n" \
    "  ring-ref0: {type: uint32}\n"                                  \
    "  event-channel: {type: uint32, required: connect}\n"           \
    "  ring-page-order: {type: uint32}\n"                            \
    "  protocol: {}\n"                                               \
    "  early: {required: true}\n" WORKER "\n"

/* What it is told: "key=value key=value", sorted. */
static const char *told(const char *f, char buf[static 512])
{
    struct worker w = {IS(READY)};
    struct scene s = {.yaml = PAGES,
                      .b = "online=1 state=2",
                      .f = f,
                      MARKED(INIT_WAIT),
                      .phase = OBJECT_READY,
                      .now = NOW,
                      .worker = &w};
    struct run r = run_decide(&s);
    const struct action *a = plan_task(r.plan, TASK_CONNECT);
    size_t n = 0;
    ck_assert_int_eq(r.plan->row, ROW_CONNECT);
    buf[0] = '\0';
    for (size_t i = 0; a && i < a->n_keys; i++)
        n += (size_t)snprintf(buf + n, 512 - n, "%s%s=%s", i ? " " : "", a->keys[i].key, a->keys[i].value);
    if (a)
        ck_assert_uint_ne(a->ring, 0);
    if (!a)
        ck_assert_uint_eq(r.plan->n_actions, 0);
    run_free(&r);
    return buf;
}

START_TEST(told_keys)
{
    char buf[512], f[512], text[300];
    ck_assert_str_eq(told("state=3 early=1 ring-ref=8 event-channel=9 other=1", buf),
                     "event-channel=9 ring-ref=8");
    ck_assert_str_eq(told("state=3 early=1 ring-ref=8 event-channel=9 protocol=x86_64-abi", buf),
                     "event-channel=9 protocol=x86_64-abi ring-ref=8");
    ck_assert_str_eq(told("state=3 early=1 ring-ref0=8 event-channel=9 ring-page-order=0", buf),
                     "event-channel=9 ring-page-order=0 ring-ref0=8");
    /* optional ones that cannot be understood are not told; nor does one of them stand for another */
    ck_assert_str_eq(told("state=3 early=1 ring-ref=8 event-channel=9 ring-page-order=x", buf),
                     "event-channel=9 ring-ref=8");
    ck_assert_str_eq(told("state=3 early=1 ring-ref0=x event-channel=9", buf), "");
    ck_assert_str_eq(told("state=3 early=1 ring-ref0=8", buf), "");
    ck_assert_str_eq(told("state=3 early=1 ring-ref=x ring-ref0=8 event-channel=9", buf), "");
    ck_assert_str_eq(told("state=3 early=1 event-channel=9", buf), "");
    for (size_t n = 255; n <= 256; n++) {
        memset(text, 'x', n);
        text[n] = '\0';
        snprintf(f, sizeof f, "state=3 early=1 ring-ref=8 event-channel=9 protocol=%s", text);
        told(f, buf);
        ck_assert(strncmp(buf, "event-channel=9 ", 16) == 0);
        ck_assert_int_eq(strstr(buf, "protocol=") != NULL, n == 255);
    }
}
END_TEST

static uint64_t asked_ring(const char *more, const char *f)
{
    struct worker w = {IS(READY)};
    struct scene s = {.more = more,
                      .b = "online=1 state=2",
                      .f = f,
                      MARKED(INIT_WAIT),
                      .phase = OBJECT_READY,
                      .worker = &w};
    struct run r = run_decide(&s);
    uint64_t ring = task_of(&r, TASK_CONNECT)->ring;
    run_free(&r);
    return ring;
}

/* Whatever it is told makes another ring. */
START_TEST(rings)
{
    uint64_t a = asked_ring(WORKER, "state=3 " RING_A);
    ck_assert_uint_eq(a, scene_ring(RING_A));
    ck_assert_uint_ne(a, asked_ring(WORKER, "state=3 " RING_B));
    ck_assert_uint_ne(a, asked_ring(WORKER, "state=3 " RING_C));
    ck_assert_uint_ne(a, asked_ring(WORKER, "state=3 protocol=x86_32-abi " RING_A));
    ck_assert_uint_eq(a, asked_ring(WORKER, "state=4 other=1 " RING_A));
}
END_TEST

/* A NUL in a value ends it for who is told: it is not told. */
START_TEST(nul_is_not_told)
{
    struct worker w = {IS(READY)};
    struct scene s = {.more = WORKER,
                      .b = "online=1 state=2",
                      .f = "state=3 " RING_A,
                      MARKED(INIT_WAIT),
                      .phase = OBJECT_READY,
                      .worker = &w};
    struct policy *p = scene_policy(&s);
    struct view *v = scene_view(&s);
    struct memory m = scene_memory(&s);
    struct object o;
    view_add(v, FRONTEND, "protocol", PRESENT, "x86\0_64", 7);
    view_seal(v);
    struct plan *plan = scene_decide_with(&s, p, v, &m, &o);
    const struct action *a = plan_task(plan, TASK_CONNECT);
    ck_assert(a && a->n_keys == 2);
    plan_free(plan);
    view_free(v);
    policy_free(p);
}
END_TEST

/* Asked again five seconds after it refused, at once for another ring. */
START_TEST(refused)
{
    struct worker w = {IS(READY), .refused = scene_ring(RING_A), .said = "cannot map 8"};
    for (int b = 2; b <= 4; b += 2) {
        struct scene s = {
            .more = WORKER,
            .b = b == 2 ? "online=1 state=2" : "online=1 state=4",
            .f = "state=3 " RING_A,
            .marker = {OURS, b == 2 ? XENBUS_INIT_WAIT : XENBUS_CONNECTED, b == 2 ? NULL : RING_A},
            .now = NOW,
            .worker = &w};
        s.phase = OBJECT_CONNECTING;
        struct run r = run_decide(&s);
        ck_assert_uint_eq(r.plan->n_actions, 0);
        ck_assert_uint_eq(r.plan->wake_at, NOW + 5000);
        ck_assert(r.plan->deferred);
        assert_says(&r, FINDING_WORKER_ERROR, SEVERITY_ERROR, "cannot map 8");
        s.phase = OBJECT_NONE;
        s.now = NOW + 4999;
        r = go_on(&s, &r);
        ck_assert_uint_eq(r.plan->n_actions, 0);
        ck_assert_uint_eq(r.plan->wake_at, NOW + 5000);
        struct scene other = s;
        other.f = "state=3 " RING_B;
        r = go_on(&other, &r);
        assert_tasks(&r, "c");
        run_free(&r);

        s.phase = OBJECT_READY; /* since ever */
        s.now = 5000;
        r = run_decide(&s);
        assert_tasks(&r, "c");
        ck_assert_uint_eq(r.plan->wake_at, 0);
        run_free(&r);
    }
}
END_TEST

/* Connected to the ring that F shows: B says so. Asked to start over, it is disconnected first. */
START_TEST(is_connected)
{
    struct worker w = {IS(CONNECTED), .ring = scene_ring(RING_A)};
    struct scene s = {.more = WORKER,
                      .b = "online=1 state=2",
                      .f = "state=3 " RING_A,
                      MARKED(INIT_WAIT),
                      .phase = OBJECT_CONNECTING,
                      .now = NOW,
                      .worker = &w};
    struct run r = run_decide(&s);
    assert_plan(&r, ROW_CONNECT, "connect", "");
    assert_tasks(&r, "-");
    assert_writes(&r, "state", "4");
    run_free(&r);
    w.ring = scene_ring(RING_B); /* F has changed it meanwhile */
    r = run_decide(&s);
    assert_plan(&r, ROW_CONNECT, "disconnect", "");
    assert_writes(&r, "state", NULL);
    run_free(&r);
    w.ring = scene_ring(RING_A);
    s = (struct scene){.more = WORKER,
                       .b = "online=1 state=4",
                       .f = "state=3 " RING_A,
                       SERVES,
                       .phase = OBJECT_CONNECTED,
                       .front_connected = true,
                       .now = NOW,
                       .worker = &w};
    r = run_decide(&s);
    assert_plan(&r, ROW_RECONNECT, "disconnect", "");
    assert_tasks(&r, "d");
    assert_writes(&r, "state", NULL);
    run_free(&r);
    s.front_connected = false; /* it was not Connected yet */
    r = run_decide(&s);
    assert_plan(&r, ROW_STEADY, "", "");
    run_free(&r);
}
END_TEST

/* ---- what it publishes, later ---- */

START_TEST(resized)
{
    for (int connected = 0; connected <= 1; connected++) {
        struct worker w = {.state = connected ? WORKER_CONNECTED : WORKER_READY,
                           .incarnation = 0x1111,
                           .ring = connected ? scene_ring(RING_A) : 0,
                           SECTORS};
        struct scene s = {
            .more = WORKER,
            .b = connected ? "online=1 state=4 sectors=50" : "online=1 state=2 sectors=50",
            .f = connected ? "state=4 " RING_A : "state=1",
            .marker = {OURS, connected ? XENBUS_CONNECTED : XENBUS_INIT_WAIT, connected ? RING_A : NULL},
            .phase = connected ? OBJECT_CONNECTED : OBJECT_READY,
            .now = NOW,
            .worker = &w};
        struct run r = run_decide(&s);
        assert_plan(&r, ROW_PUBLISH, "publish", "");
        assert_writes(&r, "sectors", "100");
        assert_writes(&r, "state", connected ? "4" : NULL);
        assert_writes(&r, MARKER_KEY, NULL);
        ck_assert_uint_eq(r.object.published, worker_published(&w));
        r = go_on(
            &(struct scene){.more = s.more, .b = s.b, .f = s.f, .marker = s.marker, .now = NOW, .worker = &w},
            &r);
        ck_assert_int_eq(r.plan->row, ROW_STEADY); /* it is there: not read, not compared again */
        run_free(&r);
    }
}
END_TEST

static const struct compared_case {
    const char *b;
    enum row row;
    bool compared;
    struct published key;
} compared_cases[] = {
    {"online=1 state=4 sectors=100", ROW_STEADY, true, {"sectors", "100"}},
    {"online=1 state=4 sectors=1000", ROW_PUBLISH, true, {"sectors", "100"}},
    {"online=1 state=4 sectors=10", ROW_PUBLISH, true, {"sectors", "100"}},
    {"online=1 state=4 sectors=101", ROW_PUBLISH, true, {"sectors", "100"}},
    {"online=1 state=4", ROW_STEADY, false, {"sectors", "100"}}, /* was not asked for */
    {"online=1 state=4 feature-flush-cache=1", ROW_STEADY, true, {"feature-flush-cache", "0"}},
    {"online=1 state=4 mode=w", ROW_STEADY, true, {"mode", "r"}},
    {"online=1 state=6 sectors=50",
     ROW_STEADY,
     false,
     {"sectors", "100"}}, /* later, with a state to look at */
};

START_TEST(compared)
{
    const struct compared_case *c = &compared_cases[_i];
    bool serves = strstr(c->b, "state=4");
    struct worker w = {.state = serves ? WORKER_CONNECTED : WORKER_READY,
                       .incarnation = 0x1111,
                       .ring = serves ? scene_ring(RING_A) : 0,
                       .published = &c->key,
                       .n_published = 1};
    struct scene s = {.more = WORKER,
                      .b = c->b,
                      .f = serves ? "state=4 " RING_A : "state=6",
                      .marker = {OURS, serves ? XENBUS_CONNECTED : XENBUS_CLOSED, serves ? RING_A : NULL},
                      .phase = serves ? OBJECT_CONNECTED : OBJECT_READY,
                      .now = NOW,
                      .worker = &w};
    struct run r = run_decide(&s);
    ck_assert_int_eq(r.plan->row, c->row);
    ck_assert_uint_eq(r.object.published, c->compared ? worker_published(&w) : 0);
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
    run_free(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("workers");
    TCase *t = tcase_create("decisions");
    tcase_add_test(t, starts);
    tcase_add_test(t, publishes_when_ready);
    tcase_add_test(t, outdated);
    tcase_add_test(t, dies_before_it_is_ready);
    tcase_add_loop_test(t, one_decision, 0, COUNT(worker_cases));
    tcase_add_test(t, told_keys);
    tcase_add_test(t, rings);
    tcase_add_test(t, nul_is_not_told);
    tcase_add_test(t, refused);
    tcase_add_test(t, is_connected);
    tcase_add_test(t, resized);
    tcase_add_loop_test(t, compared, 0, COUNT(compared_cases));
    tcase_add_loop_test(t, without_policy, 0, COUNT(dismissed));
    tcase_add_test(t, nobody_to_ask);
    suite_add_tcase(s, t);
    return run_suite(s);
}
