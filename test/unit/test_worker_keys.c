/* SPDX-License-Identifier: MIT */
/* What workers and frontends learn of each other: the connect keys that a worker is told, the keys that it
 * publishes. */
#include "reconcilers/decide.h"

#include <check.h>
#include <stdint.h>

#include "reconcilers/ring.h"
#include "test/lib/plan_check.h"
#include "test/lib/unit.h"

#define WORKER "worker: {command: [/w, '${mode}']}"
#define NOW    UINT64_C(1000000)
#define IS(st) .state = WORKER_##st, .incarnation = 0x1111 /* OURS */

#define MARKED(state) .marker = {OURS, XENBUS_##state, NULL}
#define SERVES        .marker = {OURS, XENBUS_CONNECTED, RING_A}

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

static uint64_t asked_ring(const char *yaml, const char *f)
{
    struct worker w = {IS(READY)};
    struct scene s = {.yaml = yaml,
                      .more = yaml ? NULL : WORKER,
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
    uint64_t a = asked_ring(NULL, "state=3 " RING_A);
    ck_assert_uint_eq(a, scene_ring(RING_A));
    ck_assert_uint_ne(a, asked_ring(NULL, "state=3 " RING_B));
    ck_assert_uint_ne(a, asked_ring(NULL, "state=3 " RING_C));
    ck_assert_uint_ne(a, asked_ring(NULL, "state=3 protocol=x86_32-abi " RING_A));
    ck_assert_uint_eq(a, asked_ring(NULL, "state=4 other=1 " RING_A));
    /* what it was started with is none of it */
    ck_assert_uint_eq(a, asked_ring(PAGES, "state=3 early=1 " RING_A));
    ck_assert_uint_eq(a, asked_ring(PAGES, "state=3 early=2 " RING_A));
}
END_TEST

/* Which key it is counts, and where a value ends. */
START_TEST(rings_of_other_keys)
{
    static const char yaml[] =
        "version: 1\ntype: qdisk\nfrontend: vbd\nowner: xenrecon\n"
        "frontend-keys: {x: {}, x1: {}, x2: {}}\n" WORKER "\nbackend-keys: {mode: {}}\n";
    uint64_t all[] = {asked_ring(yaml, "state=3"),          asked_ring(yaml, "state=3 x=17"),
                      asked_ring(yaml, "state=3 x1=7"),     asked_ring(yaml, "state=3 x2=7"),
                      asked_ring(yaml, "state=3 x=1 x1=7"), asked_ring(yaml, "state=3 x=")};
    for (int i = 0; i < COUNT(all); i++)
        for (int j = 0; j < i; j++)
            ck_assert_uint_ne(all[i], all[j]);
    ck_assert_uint_eq(all[1], asked_ring(yaml, "state=3 x=17 -x1 -x2"));
    struct scene s = {.yaml = yaml, .b = "online=1 state=2", .f = "state=3 x=1 x1=7"};
    struct policy *p = scene_policy(&s);
    struct view *one = scene_view(&s);
    s.f = "state=3";
    struct view *other = scene_view(&s);
    view_add(other, FRONTEND, "x", PRESENT,
             "1x1\0"
             "7",
             5);
    view_seal(other);
    ck_assert_uint_ne(ring_of(p, one), ring_of(p, other));
    view_free(one);
    view_free(other);
    policy_free(p);
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
    struct worker w = {IS(READY), .refused = scene_ring(RING_A), .said = "cannot map 8",
                       .lost = "a flush failed"};
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
        ck_assert_uint_eq(r.plan->requeue_at, NOW + 5000);
        ck_assert(r.plan->requeue_acts);
        assert_says(&r, FINDING_WORKER_ERROR, SEVERITY_ERROR, "cannot map 8");
        assert_says(&r, FINDING_LOST_WRITE, SEVERITY_ERROR, "a flush failed");
        s.phase = OBJECT_NONE;
        s.now = NOW + 4999;
        r = go_on(&s, &r);
        ck_assert_uint_eq(r.plan->n_actions, 0);
        ck_assert_uint_eq(r.plan->requeue_at, NOW + 5000);
        struct scene other = s;
        other.f = "state=3 " RING_B;
        r = go_on(&other, &r);
        assert_tasks(&r, "c");
        run_free(&r);

        s.phase = OBJECT_READY; /* since ever */
        s.now = 5000;
        r = run_decide(&s);
        assert_tasks(&r, "c");
        ck_assert_uint_eq(r.plan->requeue_at, 0);
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
    ck_assert_str_eq(r.plan->actions[0].reason, "the worker has connected");
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

/* Other keys or values have another number, wherever one ends and the next begins; the same ones the same. */
START_TEST(published_numbers)
{
    static const struct published sets[][2] = {
        {{"a", "1"}},
        {{"a", "2"}},
        {{"a", "12"}},
        {{"b", "1"}},
        {{"a", "1"}, {"b", "1"}},
        {{"a", "1"}, {"b", "2"}},
        {{"ab", "c"}},
        {{"a", "bc"}},
        {{"a", ""}},
        {{"", "a"}},
        {{"a", "b"}, {"c", "d"}},
        {{"a", "bc"}, {"", "d"}},
    };
    uint64_t numbers[COUNT(sets) + 1];
    for (int i = 0; i < COUNT(sets); i++) {
        struct published copy[2] = {sets[i][0], sets[i][1]};
        struct worker w = {.published = sets[i], .n_published = sets[i][1].key ? 2 : 1}, same = w;
        same.published = copy;
        numbers[i] = worker_published(&w);
        ck_assert_uint_eq(numbers[i], worker_published(&same));
    }
    numbers[COUNT(sets)] = worker_published(&(struct worker){0});
    for (int i = 0; i < COUNT(numbers); i++) {
        ck_assert_uint_ne(numbers[i], 0);
        for (int j = 0; j < i; j++)
            ck_assert_msg(numbers[i] != numbers[j], "sets %d and %d", i, j);
    }
}
END_TEST

START_TEST(resized)
{
    for (int connected = 0; connected <= 1; connected++) {
        struct worker w = {.state = connected ? WORKER_CONNECTED : WORKER_READY,
                           .incarnation = 0x1111,
                           .ring = connected ? scene_ring(RING_A) : 0,
                           .published = (struct published[]){{"sectors", "100"}},
                           .n_published = 1};
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

/* B's state is somebody else's word: it is not repeated. */
START_TEST(resized_under_another_state)
{
    struct worker w = {IS(CONNECTED), .ring = scene_ring(RING_A),
                       .published = (struct published[]){{"sectors", "100"}}, .n_published = 1};
    struct scene s = {.more = WORKER,
                      .b = "online=1 state=4 sectors=50",
                      .f = "state=4 " RING_A,
                      .marker = {OURS, XENBUS_INIT_WAIT, RING_A},
                      .phase = OBJECT_CONNECTED,
                      .now = NOW,
                      .worker = &w};
    struct run r = run_decide(&s);
    assert_plan(&r, ROW_PUBLISH, "publish", "");
    assert_writes(&r, "sectors", "100");
    assert_writes(&r, "state", NULL);
    run_free(&r);
}
END_TEST

/* Nor is anything written while it disconnects. */
START_TEST(resized_while_it_disconnects)
{
    struct worker w = {IS(DISCONNECTING), .published = (struct published[]){{"sectors", "100"}},
                       .n_published = 1};
    struct scene s = {.more = WORKER "\ncycle: on-closed",
                      .b = "online=1 state=2 sectors=50",
                      .f = "state=6",
                      MARKED(INIT_WAIT),
                      .phase = OBJECT_DISCONNECTING,
                      .now = NOW,
                      .worker = &w};
    struct run r = run_decide(&s);
    assert_plan(&r, ROW_STEADY, "", "");
    run_free(&r);
}
END_TEST

/* A frontend that starts again finds them with InitWait. */
START_TEST(cycled)
{
    struct worker w = {IS(READY), .published = (struct published[]){{"sectors", "100"}}, .n_published = 1};
    struct scene s = {.more = WORKER,
                      .b = "online=1 state=6 sectors=50",
                      .f = "state=1",
                      MARKED(CLOSED),
                      .phase = OBJECT_READY,
                      .now = NOW,
                      .worker = &w};
    struct run r = run_decide(&s);
    assert_plan(&r, ROW_CYCLE, "cycle", "");
    assert_writes(&r, "sectors", "100");
    assert_writes(&r, "feature-flush-cache", "1");
    ck_assert_uint_eq(r.object.published, worker_published(&w));
    run_free(&r);
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
    {"online=1 state=4 -sectors", ROW_PUBLISH, true, {"sectors", ""}},
    {"online=1 state=4 sectors=", ROW_STEADY, true, {"sectors", ""}},
    {"online=1 state=4", ROW_STEADY, false, {NULL, NULL}},       /* there is nothing to compare */
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
                       .n_published = c->key.key ? 1 : 0};
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

int main(void)
{
    Suite *s = suite_create("worker keys");
    TCase *t = tcase_create("decisions");
    tcase_add_test(t, told_keys);
    tcase_add_test(t, rings);
    tcase_add_test(t, rings_of_other_keys);
    tcase_add_test(t, nul_is_not_told);
    tcase_add_test(t, refused);
    tcase_add_test(t, is_connected);
    tcase_add_test(t, published_numbers);
    tcase_add_test(t, resized);
    tcase_add_test(t, resized_under_another_state);
    tcase_add_test(t, resized_while_it_disconnects);
    tcase_add_test(t, cycled);
    tcase_add_loop_test(t, compared, 0, COUNT(compared_cases));
    suite_add_tcase(s, t);
    return run_suite(s);
}
