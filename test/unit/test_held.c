/* SPDX-License-Identifier: MIT */
/* Whatever B, F, the marker, the object and the worker are: Closed is never written while a process may hold
 * the ring, and once it has ended, what was to be closed is. */
#include "test/lib/scene.h"
#include "test/lib/unit.h"

enum { NOW = 1000000 };

static const enum worker_state states[] = {WORKER_NONE,       WORKER_STARTING,  WORKER_READY,
                                           WORKER_CONNECTING, WORKER_CONNECTED, WORKER_DISCONNECTING,
                                           WORKER_DEAD};

static bool holds(const struct worker *w)
{
    return w->ending ||
           (w->state >= WORKER_STARTING && w->state <= WORKER_DISCONNECTING && w->state != WORKER_READY);
}

static bool writes_closed(const struct plan *plan, const struct view *v)
{
    const char *state = scene_written(plan, v, "state");
    return state && strcmp(state, "6") == 0;
}

static bool closes(const struct scene *s, const struct policy *p, const struct worker *worker)
{
    struct scene with = *s;
    with.worker = worker;
    struct view *v = scene_view(&with);
    struct memory m = scene_memory(&with);
    struct object o;
    struct plan *plan = scene_decide_with(&with, p, v, &m, &o);
    bool closed = writes_closed(plan, v);
    ck_assert_msg(!closed || !holds(worker),
                  "row %s writes Closed beside a worker that is %s%s: B %s, F %s, phase %s",
                  row_name(plan->row), worker_state_name(worker->state),
                  worker->ending ? ", another ending" : "", s->b, s->f, object_phase_name(s->phase));
    plan_free(plan);
    view_free(v);
    return closed;
}

static const char *const fronts[] = {
    "", "state=1", "state=2", "state=3 " RING_A, "state=4 " RING_A, "state=5 " RING_A, "state=6"};
static const enum whose markers[] = {NOBODY, OURS, THEIRS};

static size_t try_workers(const struct scene *s, const struct policy *p)
{
    size_t n = 0;
    for (size_t w = 0; w < sizeof states / sizeof *states; w++)
        for (int bits = 0; bits < 4; bits++, n++) {
            struct worker worker = {.state = states[w],
                                    .incarnation =
                                        states[w] ? scene_incarnation[bits & 2 ? THEIRS : OURS] : 0,
                                    .ending = bits & 1};
            closes(s, p, &worker);
        }
    return n;
}

START_TEST(never_closed_beside_one_that_holds)
{
    static const char *const more[] = {NULL, "worker: {command: [/w]}",
                                       "worker: {command: [/w]}\ncycle: on-closed"};
    size_t n = 0;
    struct scene s = {.more = more[_i], .now = NOW};
    struct policy *p = scene_policy(&s);
    for (int b = 0; b <= 8; b++)
        for (int online = 0; online < 2; online++)
            for (size_t f = 0; f < sizeof fronts / sizeof *fronts; f++)
                for (int m = 0; m < 3; m++)
                    for (int phase = OBJECT_NONE; phase <= OBJECT_DEAD; phase++) {
                        char words[64];
                        snprintf(words, sizeof words, "online=%d state=%d", online, b);
                        s.b = words;
                        s.f = fronts[f];
                        s.marker = (struct scene_marker){markers[m], (enum xenbus_state)b, NULL};
                        s.phase = (enum object_phase)phase;
                        n += try_workers(&s, p);
                    }
    ck_assert_uint_gt(n, 70000);
    policy_free(p);
}
END_TEST

/* Detached before anybody took it, as far as B shows; what we hold all the same ends before Closed. */
START_TEST(unclaimed_close_waits_for_what_is_held)
{
    struct scene s = {.more = "worker: {command: [/w]}", .b = "online=0 state=5", .now = NOW};
    struct policy *p = scene_policy(&s);
    for (int phase = OBJECT_NONE; phase <= OBJECT_DEAD; phase++)
        for (size_t w = 0; w < sizeof states / sizeof *states; w++)
            for (int ending = 0; ending < 2; ending++) {
                struct worker worker = {.state = states[w], .incarnation = 0x1111, .ending = ending};
                s.phase = (enum object_phase)phase;
                bool closed = closes(&s, p, &worker);
                ck_assert_int_eq(closed, !holds(&worker));
            }
    policy_free(p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("held");
    TCase *t = tcase_create("held");
    tcase_add_loop_test(t, never_closed_beside_one_that_holds, 0, 3);
    tcase_add_test(t, unclaimed_close_waits_for_what_is_held);
    suite_add_tcase(s, t);
    return run_suite(s);
}
