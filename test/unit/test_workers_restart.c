/* SPDX-License-Identifier: MIT */
/* With which words a worker is started, and started again. */
#include "reconcilers/decide.h"

#include <check.h>
#include <stdint.h>

#include "test/lib/plan_check.h"
#include "test/lib/unit.h"

#define WORKER "worker: {command: [/w, '${mode}']}"
#define NOW    UINT64_C(1000000)
#define IS(st) .state = WORKER_##st, .incarnation = 0x1111 /* OURS */
#define SERVES .marker = {OURS, XENBUS_CONNECTED, RING_A}

/* One word more, or a blank elsewhere, is another command. */
START_TEST(outdated_by_words)
{
    static const char yaml[] = "version: 1\ntype: qdisk\nfrontend: vbd\nowner: xenrecon\n"
                               "backend-keys: {x: {}, y: {}}\nworker: {command: [/w, '${x}', '${y}']}\n";
    struct worker w = {.state = WORKER_NONE};
    struct scene s = {
        .yaml = yaml, .b = "online=1 state=1 x=1 y=23", .f = "state=1", .now = NOW, .worker = &w};
    struct run r = run_decide(&s);
    assert_plan(&r, ROW_CREATE, "create", "");
    w = (struct worker){.state = WORKER_READY, .incarnation = scene_incarnation[FRESH]};
    s.b = "online=1 state=1 x=12 y=3";
    r = go_on(&s, &r);
    assert_plan(&r, ROW_CREATE, "release create", "");
    run_free(&r);
}
END_TEST

/* The keys of B were not asked for while it was well: it is looked at again before another is started. */
START_TEST(keys_passed_over)
{
    static const char *const yaml[] = {"version: 1\ntype: qdisk\nfrontend: vbd\nowner: xenrecon\n"
                                       "backend-keys: {x: {}, mode: {}}\n" WORKER "\n",
                                       "version: 1\ntype: qdisk\nfrontend: vbd\nowner: xenrecon\n"
                                       "backend-keys: {mode: {}, x: {}}\n" WORKER "\n"};
    struct worker w = {IS(DEAD)};
    for (int i = 0; i < COUNT(yaml); i++)
        for (int asked = 0; asked <= 1; asked++) {
            struct scene s = {.yaml = yaml[i],
                              .b = asked ? "online=1 state=4 -x" : "online=1 state=4",
                              .f = "state=4",
                              SERVES,
                              .phase = OBJECT_CONNECTED,
                              .now = NOW,
                              .worker = &w};
            struct run r = run_decide(&s);
            assert_plan(&r, ROW_RESPAWN, asked ? "create" : "", "");
            run_free(&r);
        }
}
END_TEST

/* One that is required is gone: without it there is no other worker. */
START_TEST(key_is_gone)
{
    struct worker w = {IS(DEAD)};
    struct scene s = {.more = WORKER,
                      .b = "online=1 state=4 -mode",
                      .f = "state=4 " RING_A,
                      SERVES,
                      .phase = OBJECT_CONNECTED,
                      .now = NOW,
                      .worker = &w};
    struct run r = run_decide(&s);
    assert_plan(&r, ROW_RESPAWN, "", "missing-key");
    assert_says(&r, FINDING_MISSING_KEY, SEVERITY_ERROR, SCENE_B "/mode is missing");
    run_free(&r);
}
END_TEST

/* Keys that a pattern declares are as they may be: there is none to wait for. */
START_TEST(starts_again_with_patterns)
{
    static const char yaml[] = "version: 1\ntype: qdisk\nfrontend: vbd\nowner: xenrecon\n"
                               "backend-keys: {mode: {required: true}, 'port/*': {}}\n" WORKER "\n";
    struct worker w = {IS(DEAD), .failures = 1, .said = "ended by signal 9"};
    struct scene s = {.yaml = yaml,
                      .b = "online=1 state=4",
                      .f = "state=4 " RING_A,
                      SERVES,
                      .phase = OBJECT_CONNECTED,
                      .now = NOW,
                      .worker = &w};
    struct run r = run_decide(&s);
    assert_plan(&r, ROW_RESPAWN, "create", "worker-died");
    run_free(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("workers start again");
    TCase *t = tcase_create("decisions");
    tcase_add_test(t, outdated_by_words);
    tcase_add_test(t, keys_passed_over);
    tcase_add_test(t, key_is_gone);
    tcase_add_test(t, starts_again_with_patterns);
    suite_add_tcase(s, t);
    return run_suite(s);
}
