/* SPDX-License-Identifier: MIT */
/* Around the decision table: what guests write, what plans rely on and remove. */
#include "reconcilers/decide.h"

#include <check.h>
#include <stdint.h>

#include "reconcilers/ends.h"
#include "test/lib/plan_check.h"
#include "test/lib/unit.h"

#define MARKED(state) .marker = {OURS, XENBUS_##state, NULL}
#define WAITS         MARKED(INIT_WAIT), .phase = OBJECT_READY
#define SERVES        .marker = {OURS, XENBUS_CONNECTED, RING_A}, .phase = OBJECT_CONNECTED
#define CLOSED_BY_US  MARKED(CLOSED), .phase = OBJECT_READY
#define DESTROYS      "destroy: {frontend: true, parents: true}"

/* ---- what guests write ---- */

static const struct {
    const char *text;
    size_t len;
} rubbish[] = {{BYTES("")},
               {BYTES("9")},
               {BYTES("44")},
               {BYTES("-1")},
               {BYTES(" 4")},
               {BYTES("4 ")},
               {BYTES("4\n")},
               {BYTES("4\0")},
               {BYTES("\0"
                      "4")},
               {BYTES("+4")},
               {BYTES("0x4")},
               {BYTES("04")},
               {BYTES("\xff")},
               {BYTES("\xef\xbc\x94")},
               {BYTES("%s%n%s%n")},
               {BYTES("Connected")},
               {BYTES("\x1b[2J")},
               {NULL, 4096}};

static const struct {
    const char *b;
    enum row row;
} under_rubbish[] = {
    {"online=1 state=1", ROW_CREATE},     {"online=1 state=2", ROW_STEADY},
    {"online=1 state=4", ROW_STEADY},     {"online=1 state=5", ROW_TOOLSTACK_CLOSE},
    {"online=1 state=6", ROW_STEADY},     {"online=0 state=4", ROW_CLOSE_IDLE},
    {"online=0 state=5", ROW_CLOSE_IDLE}, {"online=0 state=6", ROW_DESTROY},
};

/* A state that is none counts as Unknown, with a finding. */
START_TEST(frontend_rubbish)
{
    char big[4096];
    memset(big, '4', sizeof big);
    const char *text = rubbish[_i].text ? rubbish[_i].text : big;
    for (int i = 0; i < COUNT(under_rubbish); i++) {
        enum xenbus_state b = under_rubbish[i].b[15] - '0';
        struct scene s = {.b = under_rubbish[i].b};
        if (b > XENBUS_INITIALISING) {
            s.marker = (struct scene_marker){OURS, b == XENBUS_CLOSING ? XENBUS_CONNECTED : b, NULL};
            s.phase = OBJECT_READY;
        }
        struct policy *p = scene_policy(&s);
        struct view *v = scene_view(&s);
        char *copy = exactly(text, rubbish[_i].len);
        view_add(v, FRONTEND, "state", PRESENT, copy, rubbish[_i].len);
        view_add(v, FRONTEND, "ring-ref", PRESENT, copy, rubbish[_i].len);
        free(copy);
        view_seal(v);
        struct memory m = scene_memory(&s);
        struct object o;
        struct plan *plan = scene_decide_with(&s, p, v, &m, &o);
        plan_check(plan, v, p, 0, s.b);
        ck_assert_msg(plan->row == under_rubbish[i].row, "%s: row %s, not %s", s.b, row_name(plan->row),
                      row_name(under_rubbish[i].row));
        bool said = false;
        for (size_t j = 0; j < plan->n_findings; j++) {
            said |= plan->findings[j].code == FINDING_BAD_FRONTEND_STATE;
            ck_assert_uint_lt(strlen(plan->findings[j].message), 512);
        }
        ck_assert(said);
        ck_assert_int_eq(ends_of(v).frontend, XENBUS_UNKNOWN);
        plan_free(plan);
        view_free(v);
        policy_free(p);
    }
}
END_TEST

/* No ring is connected of what is no number. */
START_TEST(ring_rubbish)
{
    char big[4096];
    memset(big, '9', sizeof big);
    struct scene s = {.b = "online=1 state=2", .f = "state=3 event-channel=9", WAITS, .now = 1000};
    struct policy *p = scene_policy(&s);
    struct view *v = scene_view(&s);
    view_add(v, FRONTEND, "ring-ref", PRESENT, rubbish[_i].text ? rubbish[_i].text : big, rubbish[_i].len);
    view_seal(v);
    struct memory m = scene_memory(&s);
    struct object o;
    struct plan *plan = scene_decide_with(&s, p, v, &m, &o);
    plan_check(plan, v, p, s.now, "ring");
    bool number = rubbish[_i].len == 2 && !strcmp(rubbish[_i].text, "44");
    number |= rubbish[_i].len == 1 && rubbish[_i].text[0] == '9';
    ck_assert_int_eq(plan->row, ROW_CONNECT);
    ck_assert_uint_eq(plan->n_actions, number);
    ck_assert(number || (plan->n_findings == 1 && plan->findings[0].code == FINDING_INVALID_KEY));
    plan_free(plan);
    view_free(v);
    policy_free(p);
}
END_TEST

/* ---- what plans rely on ---- */

static const struct {
    struct scene scene;
    const char *b, *f; /* keys that must be relied on besides the usual ones */
    bool device_model;
} reliances[] = {
    {{.b = "online=1 state=1 params=raw:/x", .f = "state=1", .qemu_type = true},
     "frontend-id mode params",
     NULL,
     true},
    {{.b = "online=1 state=1 params=raw:/x", .f = "state=1", .qemu_type = true, .null_model = true},
     "frontend-id mode params",
     NULL,
     true},
    {{.b = "online=0 state=5", .qemu_type = true, .null_model = true}, "frontend-id", NULL, true},
    {{.b = "online=1 state=1", .f = "state=1 protocol=x", .protocol_required = true},
     "mode",
     "protocol",
     false},
    {{.b = "online=0 state=5", .qemu_type = true}, "frontend-id", NULL, true},
    {{.b = "online=0 state=5"}, "frontend-id", NULL, false},
    {{.b = "online=1 state=2", .f = "state=3 " RING_A, WAITS},
     "frontend-id",
     "ring-ref event-channel",
     false},
    {{.b = "online=1 state=4", .f = "state=3 " RING_B, SERVES},
     "frontend-id",
     "ring-ref event-channel",
     false},
    {{.b = "online=0 state=6", .f = "state=6", CLOSED_BY_US, .more = DESTROYS}, "frontend-id", NULL, false},
};

static void assert_needed(const struct scene *s, const struct run *r, enum side side, const char *keys)
{
    char buf[128], *save;
    struct memory m = scene_memory(s);
    struct decision_input in = {r->policy, r->view, &m, s->worker, s->now, scene_incarnation[FRESH]};
    snprintf(buf, sizeof buf, "%s", keys);
    for (char *k = strtok_r(buf, " ", &save); k; k = strtok_r(NULL, " ", &save))
        plan_check_needs(in, side, k);
}

START_TEST(relies)
{
    struct scene s = reliances[_i].scene;
    struct run r = run_decide(&s);
    ck_assert(plan_has_writes(r.plan));
    assert_needed(&s, &r, BACKEND, "state online frontend " MARKER_KEY);
    assert_needed(&s, &r, BACKEND, reliances[_i].b);
    assert_needed(&s, &r, FRONTEND, "state");
    if (reliances[_i].f)
        assert_needed(&s, &r, FRONTEND, reliances[_i].f);
    run_free(&r);
    s.qemu = UNREADABLE;
    r = run_decide(&s);
    ck_assert_int_eq(r.plan->row == ROW_UNREADABLE, reliances[_i].device_model);
    run_free(&r);
}
END_TEST

/* ---- destroy ---- */

static const struct {
    struct scene scene;
    const char *removes[4]; /* in this order; a `?` at the end: only if empty */
} removals[] = {
    {{.b = "online=0 state=6", CLOSED_BY_US, .more = "destroy: {frontend: false, parents: false}"},
     {SCENE_B}},
    {{.b = "online=0 state=6", .f = "state=6", CLOSED_BY_US, .more = DESTROYS},
     {SCENE_B, SCENE_F, "/local/domain/0/backend/qdisk/7?", "/local/domain/0/backend/qdisk?"}},
    {{.b = "online=0 state=1", .more = "destroy: {frontend: false, parents: true}"},
     {SCENE_B, "/local/domain/0/backend/qdisk/7?", "/local/domain/0/backend/qdisk?"}},
    /* it names us, or nobody */
    {{.b = "online=0 state=6",
      .f = "state=6 backend=" SCENE_B,
      CLOSED_BY_US,
      .more = "destroy: {frontend: true, parents: false}"},
     {SCENE_B, SCENE_F}},
    /* another place than the toolstack's, and a frontend that another backend has by now */
    {{.b = "online=0 state=6 frontend=/local/domain/7/data",
      .f = "state=6",
      CLOSED_BY_US,
      .more = "destroy: {frontend: true, parents: false}"},
     {SCENE_B}},
    {{.b = "online=0 state=6",
      .f = "state=1 backend=/local/domain/3/backend/qdisk/7/51712",
      CLOSED_BY_US,
      .more = "destroy: {frontend: true, parents: false}"},
     {SCENE_B}},
    {{.b = "online=0 state=6",
      .f = "state=1 backend?",
      CLOSED_BY_US,
      .more = "destroy: {frontend: true, parents: false}"},
     {SCENE_B}},
    /* no frontend is named */
    {{.b = "online=0 state=6 -frontend", CLOSED_BY_US, .more = "destroy: {frontend: true, parents: false}"},
     {SCENE_B}},
    /* in a driver domain the parents are dom0's */
    {{.self = 3, .b = "online=0 state=6", CLOSED_BY_US, .more = "destroy: {frontend: false, parents: true}"},
     {"/local/domain/3/backend/qdisk/7/51712"}},
    {{.self = 3, .b = "online=0 state=6", .f = "state=6", CLOSED_BY_US, .more = DESTROYS},
     {"/local/domain/3/backend/qdisk/7/51712"}},
};

START_TEST(destroy_removes)
{
    struct run r = run_decide(&removals[_i].scene);
    ck_assert_int_eq(r.plan->row, ROW_DESTROY);
    const struct action *a = &r.plan->actions[r.plan->n_actions - 1];
    ck_assert_int_eq(a->kind, ACTION_DESTROY);
    size_t n = 0;
    for (; n < 4 && removals[_i].removes[n]; n++) {
        const char *path = removals[_i].removes[n];
        size_t len = strcspn(path, "?");
        ck_assert_uint_gt(a->n_removals, n);
        ck_assert_msg(strlen(a->removals[n].path) == len && !strncmp(a->removals[n].path, path, len),
                      "removes %s, not %s", a->removals[n].path, path);
        ck_assert_int_eq(a->removals[n].if_empty, path[len] == '?');
    }
    ck_assert_uint_eq(a->n_removals, n);
    run_free(&r);
}
END_TEST

/* ---- the rest ---- */

/* Without a handshake the frontend's state means nothing. */
START_TEST(handshake_none)
{
    static const struct {
        const char *b;
        enum row row;
    } rows[] = {{"online=1 state=1", ROW_CREATE},
                {"online=1 state=2", ROW_STEADY},
                {"online=0 state=5", ROW_CLOSE_IDLE},
                {"online=0 state=6", ROW_DESTROY},
                {"online=1 state=5", ROW_TOOLSTACK_CLOSE}};
    static const char *const fs[] = {NULL,      "state=1", "state=3",   "state=4",
                                     "state=5", "state=6", "state=junk"};
    for (int i = 0; i < COUNT(rows); i++)
        for (int j = 0; j < COUNT(fs); j++) {
            struct scene s = {.handshake = HANDSHAKE_NONE, .b = rows[i].b, .f = fs[j]};
            if (s.b[15] != '1') {
                s.marker = (struct scene_marker){OURS, (enum xenbus_state)(s.b[15] - '0'), NULL};
                s.phase = OBJECT_READY;
            }
            struct run r = run_decide(&s);
            ck_assert_msg(r.plan->row == rows[i].row, "%s, F %s: row %s", s.b, fs[j] ? fs[j] : "absent",
                          row_name(r.plan->row));
            ck_assert_uint_eq(r.plan->n_findings, 0);
            run_free(&r);
        }
}
END_TEST

/* Where somebody else drives the backend's state, nothing is ever done. */
START_TEST(others_drive)
{
    for (int online = -1; online <= 1; online++)
        for (int b = -1; b <= 8; b++)
            for (int f = -1; f <= 8; f++)
                for (int phase = OBJECT_NONE; phase <= OBJECT_DEAD; phase++) {
                    char words[64], front[16];
                    const char *on = online == 1 ? "online=1" : online ? "-online" : "online=0";
                    snprintf(words, sizeof words, b < 0 ? "%s -mode" : "%s -mode state=%d", on, b);
                    snprintf(front, sizeof front, "state=%d", f);
                    struct scene s = {.owner = _i ? OWNER_EXTERNAL : OWNER_KERNEL,
                                      .b = words,
                                      .f = f < 0 ? NULL : front,
                                      .qemu_type = true,
                                      .qemu = UNREADABLE,
                                      .phase = (enum object_phase)phase};
                    struct run r = run_decide(&s);
                    enum row row = online < 0 ? ROW_INCOMPLETE_DIR : ROW_STEADY;
                    require(r.plan->row == row && !r.plan->n_actions, "%s, F %d: row %s", words, f,
                            row_name(r.plan->row));
                    run_free(&r);
                }
}
END_TEST

/* Nothing is a value, too. */
START_TEST(publish_nothing)
{
    struct scene s = {.b = "online=1 state=1", .more = "retry: {initial: 1s}"};
    struct policy *p = scene_policy(&s);
    struct view *v = scene_view(&s);
    struct memory m = scene_memory(&s);
    struct object o;
    p->publish[0].value[0] = '\0';
    struct plan *plan = scene_decide_with(&s, p, v, &m, &o);
    ck_assert_str_eq(scene_written(plan, v, "feature-flush-cache"), "");
    plan_free(plan);
    view_free(v);
    policy_free(p);
}
END_TEST

/* What is published already is not written again; what has another value is. */
START_TEST(publish_what_changes)
{
    struct scene s = {.b = "online=1 state=1 feature-flush-cache=1 hotplug-status=connected"};
    struct run r = run_decide(&s);
    ck_assert_ptr_null(scene_written(r.plan, r.view, "feature-flush-cache"));
    ck_assert_ptr_null(scene_written(r.plan, r.view, "hotplug-status"));
    ck_assert_str_eq(scene_written(r.plan, r.view, "state"), "2");
    run_free(&r);
    s.b = "online=1 state=1 feature-flush-cache=0 hotplug-status=";
    r = run_decide(&s);
    ck_assert_str_eq(scene_written(r.plan, r.view, "feature-flush-cache"), "1");
    ck_assert_str_eq(scene_written(r.plan, r.view, "hotplug-status"), "connected");
    run_free(&r);
}
END_TEST

/* It was we who wrote Closed last, and the toolstack then Closing: the marker says already what it is to. */
START_TEST(marker_unchanged)
{
    struct scene s = {.b = "online=1 state=5", .f = "state=6", CLOSED_BY_US};
    struct run r = run_decide(&s);
    assert_plan(&r, ROW_FRONT_CLOSED, "close", "");
    assert_writes(&r, "state", "6");
    assert_writes(&r, MARKER_KEY, NULL);
    run_free(&r);
}
END_TEST

/* Our key is gone from what we serve. */
START_TEST(marker_lost)
{
    struct scene s = {.b = "online=1 state=4", .f = "state=4 " RING_A, .phase = OBJECT_CONNECTED};
    struct run r = run_decide(&s);
    assert_plan(&r, ROW_FOREIGN, "", "marker-lost");
    assert_says(&r, FINDING_MARKER_LOST, SEVERITY_WARNING, SCENE_B "/xenrecon is gone");
    run_free(&r);
}
END_TEST

/* What is said of a device that names no frontend. */
static const struct {
    struct scene scene;
    enum finding_code code;
    enum severity severity;
    const char *said;
} nameless[] = {
    {{.b = "online=1 state=1 -frontend frontend-id=8"},
     FINDING_MISMATCHED_FRONTEND,
     SEVERITY_ERROR,
     "frontend is absent and frontend-id is \"8\", but the directory is for domain 7"},
    {{.b = "online=1 state=1 -frontend", .protocol_required = true},
     FINDING_MISSING_KEY,
     SEVERITY_WARNING,
     "the frontend's directory/protocol is missing"},
};

START_TEST(no_frontend)
{
    struct run r = run_decide(&nameless[_i].scene);
    assert_says(&r, nameless[_i].code, nameless[_i].severity, nameless[_i].said);
    run_free(&r);
}
END_TEST

/* A report has no random number: the marker to be prints as <new>. */
START_TEST(report_marker)
{
    struct scene s = {.b = "online=1 state=1"};
    struct policy *p = scene_policy(&s);
    struct view *v = scene_view(&s);
    struct memory m = {0};
    struct decision_input in = {.policy = p, .view = v, .memory = &m};
    struct object o;
    struct plan *plan = decide(&in, &o);
    ck_assert_str_eq(scene_written(plan, v, MARKER_KEY), "<new> 2 -");
    plan_free(plan);
    view_free(v);
    policy_free(p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("decide edges");
    TCase *t = tcase_create("edges");
    tcase_add_loop_test(t, frontend_rubbish, 0, COUNT(rubbish));
    tcase_add_loop_test(t, ring_rubbish, 0, COUNT(rubbish));
    tcase_add_loop_test(t, relies, 0, COUNT(reliances));
    tcase_add_loop_test(t, destroy_removes, 0, COUNT(removals));
    tcase_add_test(t, handshake_none);
    tcase_add_loop_test(t, others_drive, 0, 2);
    tcase_add_test(t, publish_nothing);
    tcase_add_test(t, publish_what_changes);
    tcase_add_test(t, marker_unchanged);
    tcase_add_test(t, marker_lost);
    tcase_add_loop_test(t, no_frontend, 0, COUNT(nameless));
    tcase_add_test(t, report_marker);
    suite_add_tcase(s, t);
    return run_suite(s);
}
