/* SPDX-License-Identifier: MIT */
/* The words of plans: what findings say, how bad it is, and why something is done. */
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

#define X8   "xxxxxxxx"
#define X127 X8 X8 X8 X8 X8 X8 X8 X8 X8 X8 X8 X8 X8 X8 X8 "xxxxxxx"

static const struct {
    struct scene scene; /* where time is unknown */
    enum finding_code code;
    enum severity severity;
    const char *message;
} said[] = {
    {{.b = "online=1 state=9"},
     FINDING_BAD_VALUE,
     SEVERITY_ERROR,
     SCENE_B "/state is \"9\", not a state from 0 to 8"},
    {{.b = "online=2 state=1"}, FINDING_BAD_VALUE, SEVERITY_ERROR, SCENE_B "/online is \"2\", not 0 or 1"},
    {{.b = "online=1 state=1 frontend-id=32752"},
     FINDING_BAD_VALUE,
     SEVERITY_ERROR,
     SCENE_B "/frontend-id is \"32752\", not a domain's number"},
    {{.b = "online=1 state=1 frontend-id=32751"},
     FINDING_MISMATCHED_FRONTEND,
     SEVERITY_ERROR,
     "frontend is \"" SCENE_F "\" and frontend-id is \"32751\", but the directory is for domain 7"},
    {{.b = "online=1 state=4", .raw_marker = "mine"},
     FINDING_BAD_VALUE,
     SEVERITY_ERROR,
     SCENE_B "/xenrecon is \"mine\", not a marker of ours"},
    /* what others wrote is shown so that nothing can be mistaken for ours */
    {{.b = "online=1 state=\""},
     FINDING_BAD_VALUE,
     SEVERITY_ERROR,
     SCENE_B "/state is \"\\\"\", not a state from 0 to 8"},
    {{.b = "online=1 state=" X127 "y"},
     FINDING_BAD_VALUE,
     SEVERITY_ERROR,
     SCENE_B "/state is \"" X127 "y\", not a state from 0 to 8"},
    {{.b = "online=1 state=" X127 "yz"},
     FINDING_BAD_VALUE,
     SEVERITY_ERROR,
     SCENE_B "/state is \"" X127 "y\"..., not a state from 0 to 8"},
    {{.b = "online=1 state=4", .f = "state=4x " RING_A, SERVES},
     FINDING_BAD_FRONTEND_STATE,
     SEVERITY_WARNING,
     SCENE_F "/state is \"4x\", which is no state"},
    {{.b = "online=1 state=4"},
     FINDING_FOREIGN_BACKEND,
     SEVERITY_WARNING,
     "the backend is Connected, and it was not xenrecon that wrote it"},
    {{.b = "online=1 state=1", .qemu_type = true, .qemu = PRESENT},
     FINDING_FOREIGN_BACKEND,
     SEVERITY_WARNING,
     "the device model of domain 7 runs and serves qdisk devices"},
    {{.b = "online=1 state=1 -frontend"},
     FINDING_MISSING_KEY,
     SEVERITY_WARNING,
     SCENE_B "/frontend is missing"},
    {{.b = "online=1 state=1 -mode"}, FINDING_MISSING_KEY, SEVERITY_WARNING, SCENE_B "/mode is missing"},
    {{.b = "online=1 state=7", .f = "state=4 " RING_A, WAITS},
     FINDING_UNEXPECTED_STATE,
     SEVERITY_WARNING,
     "the backend is Reconfiguring, which no backend of this type is"},
    {{.b = "online=0 state=5", .f = "state=4 " RING_A, SERVES},
     FINDING_STUCK_DETACH,
     SEVERITY_WARNING,
     "detached, but the frontend is still Connected"},
    {{.yaml = "version: 1\ntype: qdisk\nfrontend: vbd\nowner: xenrecon\nfrontend-keys:\n"
              "  ring-ref: {required: connect, or: ring-ref0}\n  ring-ref0: {}\n",
      .b = "online=1 state=2",
      .f = "state=3",
      WAITS},
     FINDING_MISSING_KEY,
     SEVERITY_WARNING,
     SCENE_F "/ring-ref is missing"}, /* not the one that would do as well */
    {{.b = "state=1"},
     FINDING_INCOMPLETE_DIR,
     SEVERITY_WARNING,
     SCENE_B " has no `online` key: the toolstack has not finished writing it"},
};

START_TEST(findings_say)
{
    struct run r = run_decide(&said[_i].scene);
    ck_assert_uint_ge(r.plan->n_findings, 1);
    const struct finding *f = &r.plan->findings[0];
    ck_assert_str_eq(f->message, said[_i].message);
    ck_assert_int_eq(f->code, said[_i].code);
    ck_assert_int_eq(f->severity, said[_i].severity);
    run_free(&r);
}
END_TEST

/* How long it has lasted at least. */
START_TEST(ages_say)
{
    static const struct {
        const char *deadline, *message;
        uint64_t limit;
    } ages[] = {
        {"deadlines: {close: 2s}", "detached, but the frontend is still Connected, for more than 2.0 s",
         2000},
        {"deadlines: {close: 2200ms}", "detached, but the frontend is still Connected, for more than 2.2 s",
         2200},
    };
    for (int i = 0; i < COUNT(ages); i++) {
        struct scene s = {.yaml = "version: 1\ntype: qdisk\nfrontend: vbd\nowner: xenrecon\n",
                          .more = ages[i].deadline,
                          .b = "online=0 state=5",
                          .f = "state=4",
                          SERVES,
                          .now = 5000 + ages[i].limit,
                          .rest = {.row = ROW_CLOSE_WAIT, .row_since = 5000}};
        scene_lasts(&s, 5000);
        struct run r = run_decide(&s);
        assert_plan(&r, ROW_CLOSE_WAIT, "", "stuck-detach");
        ck_assert_str_eq(r.plan->findings[0].message, ages[i].message);
        run_free(&r);
    }
}
END_TEST

static const struct {
    struct scene scene;
    const char *reason; /* of the last action */
} reasons[] = {
    {{.b = "online=1 state=1"}, "the toolstack asks for it, and its keys are complete"},
    {{.b = "online=0 state=5"}, "detached before any backend took it"},
    {{.b = "online=1 state=1", .qemu_type = true, .qemu = PRESENT, WAITS}, "the toolstack started over"},
    {{.b = "online=1 state=1", .qemu_type = true, .qemu = PRESENT, .phase = OBJECT_STARTING},
     "a device model came to serve it"},
    {{.b = "online=1 state=4", .f = "state=6", SERVES}, "the frontend has closed"},
    {{.b = "online=1 state=4", SERVES}, "the frontend is gone"},
    {{.b = "online=1 state=4", .f = "state=5", SERVES}, "the frontend closes"},
    {{.b = "online=1 state=4", .f = "state=1", SERVES}, "the frontend has started over"},
    {{.b = "online=1 state=2", .f = "state=3 " RING_A, WAITS}, "the frontend is ready"},
    {{.b = "online=1 state=4", .f = "state=3 " RING_B, SERVES}, "the frontend started over with B Connected"},
    {{.b = "online=1 state=6", .f = "state=1", CLOSED_BY_US}, "the frontend starts again"},
    {{.more = "cycle: on-closed", .b = "online=1 state=6", .f = "state=1", CLOSED_BY_US},
     "still attached: by policy, Closed is not the end"},
    {{.b = "online=0 state=4", .f = "state=4 " RING_A, SERVES}, "detached: the frontend is asked to close"},
    {{.b = "online=0 state=5", .f = "state=6", SERVES}, "detached, and the frontend does not use it"},
    {{.b = "online=0 state=6", CLOSED_BY_US}, "the device is detached, and both ends are done with it"},
    {{.b = "online=1 state=6", .f = "state=4 " RING_A, SERVES},
     "the toolstack wrote Closed, and is about to remove the device"},
    {{.b = "online=1 state=5", .f = "state=0", WAITS}, "asked to close, and the frontend does not use it"},
};

START_TEST(reasons_say)
{
    struct run r = run_decide(&reasons[_i].scene);
    ck_assert_uint_ge(r.plan->n_actions, 1);
    ck_assert_str_eq(r.plan->actions[r.plan->n_actions - 1].reason, reasons[_i].reason);
    run_free(&r);
}
END_TEST

/* Of a device that is at rest, too, and of one that a report knows no times of. */
START_TEST(circumstances_say)
{
    struct scene s = {.b = "online=1 state=4", .f = "state=4 " RING_A, SERVES, .now = _i ? 1000000 : 0};
    s.rest.retired_policy = true;
    s.rest.unwatched = -ENOSPC;
    struct run r = run_decide(&s);
    assert_plan(&r, ROW_STEADY, "", "policy-changed unwatched");
    ck_assert_str_eq(r.plan->findings[0].message,
                     "the policy that this device was created under is not in force any more");
    ck_assert_str_eq(
        r.plan->findings[1].message,
        "the store refuses to watch its frontend (No space left on device): looked at every 5 s");
    ck_assert_int_eq(r.plan->findings[0].severity, SEVERITY_WARNING);
    ck_assert_int_eq(r.plan->findings[1].severity, SEVERITY_WARNING);
    run_free(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("decide what is said");
    TCase *t = tcase_create("words");
    tcase_add_loop_test(t, findings_say, 0, COUNT(said));
    tcase_add_test(t, ages_say);
    tcase_add_loop_test(t, circumstances_say, 0, 2);
    tcase_add_loop_test(t, reasons_say, 0, COUNT(reasons));
    suite_add_tcase(s, t);
    return run_suite(s);
}
