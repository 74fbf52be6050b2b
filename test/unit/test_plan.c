/* SPDX-License-Identifier: MIT */
/* Plans, and the memory that they live in. */
#include <check.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/arena.h"
#include "schemas/mem.h"
#include "schemas/plan.h"
#include "test/lib/unit.h"

/* memory */

START_TEST(test_arena)
{
    struct arena a = {0};
    static const size_t sizes[] = {0, 1, 7, 16, 17, 2000, 2048, 2049, 100000, 3};
    unsigned char *blocks[COUNT(sizes)];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < COUNT(sizes); i++) {
            blocks[i] = arena_alloc(&a, sizes[i]);
            ck_assert_uint_eq((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
            for (size_t n = 0; n < sizes[i]; n++)
                ck_assert_uint_eq(blocks[i][n], 0);
            memset(blocks[i], i + 1, sizes[i]);
        }
        for (int i = 0; i < COUNT(sizes); i++)
            for (size_t n = 0; n < sizes[i]; n++)
                ck_assert_int_eq(blocks[i][n], i + 1);
        arena_free(&a);
        ck_assert_ptr_null(a.head);
    }
}
END_TEST

START_TEST(test_arena_text)
{
    struct arena a = {0};
    char big[5001];
    memset(big, 'b', 5000);
    big[5000] = '\0';
    ck_assert_str_eq(arena_strdup(&a, ""), "");
    ck_assert_str_eq(arena_strndup(&a, "abcdef", 3), "abc");
    ck_assert_mem_eq(arena_strndup(&a, "a\0b", 3), "a\0b", 4);
    ck_assert_str_eq(arena_printf(&a, "%s-%d", "x", 42), "x-42");
    ck_assert_str_eq(arena_printf(&a, "%s", ""), "");
    ck_assert_str_eq(arena_printf(&a, "%s", big), big);
    arena_free(&a);
}
END_TEST

/* What is printed is whole wherever in a block it begins and ends, a block's last bytes included. */
START_TEST(test_arena_prints_to_the_end)
{
    char text[2 * 1024 + 16]; /* a block has 1024 bytes */
    memset(text, 't', sizeof text);
    for (int before = 0; before < 2; before++)
        for (int n = 0; n < (int)sizeof text; n++) {
            struct arena a = {0};
            if (before)
                arena_alloc(&a, 160);
            const char *printed = arena_printf(&a, "%.*s", n, text);
            arena_alloc(&a, 1);
            ck_assert_mem_eq(printed, text, (size_t)n);
            ck_assert_int_eq(printed[n], '\0');
            arena_free(&a);
        }
}
END_TEST

START_TEST(test_grow)
{
    int *list = NULL;
    size_t cap = 0;
    for (size_t n = 0; n < 1000; n++) {
        xgrow(&list, &cap, n + 1, sizeof *list);
        ck_assert_uint_gt(cap, n);
        list[n] = (int)n;
    }
    for (size_t n = 0; n < 1000; n++)
        ck_assert_int_eq(list[n], (int)n);
    xgrow(&list, &cap, 100000, sizeof *list);
    ck_assert_uint_ge(cap, 100000);
    free(list);
}
END_TEST

/* plans */

START_TEST(test_plan_grows)
{
    struct plan *p = plan_new();
    struct action *a = plan_add_action(p, ACTION_PUBLISH, "a reason");
    ck_assert(!plan_has_writes(p));
    for (int i = 0; i < 100; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        action_write(p, a, arena_strdup(&p->arena, text), text);
        action_remove(p, a, text, i % 2);
        plan_add_finding(p, FINDING_FLAPPING, SEVERITY_INFO, "message %s", text);
    }
    ck_assert_uint_eq(a->n_writes, 100);
    ck_assert_uint_eq(a->n_removals, 100);
    ck_assert_uint_eq(p->n_findings, 100);
    for (int i = 0; i < 100; i++) {
        char text[16], message[32];
        snprintf(text, sizeof text, "%d", i);
        snprintf(message, sizeof message, "message %d", i);
        ck_assert_str_eq(a->writes[i].path, text);
        ck_assert_str_eq(a->writes[i].value, text);
        ck_assert_str_eq(a->removals[i].path, text);
        ck_assert_int_eq(a->removals[i].if_empty, i % 2);
        ck_assert_str_eq(p->findings[i].message, message);
    }
    ck_assert(plan_has_writes(p));
    plan_free(p);
    plan_free(NULL);
}
END_TEST

START_TEST(test_plan_removal_is_a_write)
{
    struct plan *p = plan_new();
    plan_add_action(p, ACTION_DISCONNECT, "first");
    ck_assert(!plan_has_writes(p));
    action_remove(p, plan_add_action(p, ACTION_DESTROY, "second"), "/path", false);
    ck_assert(plan_has_writes(p));
    plan_free(p);
}
END_TEST

/* What is only said does nothing; a task does, and a write. */
START_TEST(test_plan_acts)
{
    for (int task = TASK_NONE; task <= TASK_STOP; task++) {
        struct plan *p = plan_new();
        ck_assert(!plan_acts(p));
        plan_add_action(p, ACTION_RELEASE, "first");
        ck_assert(!plan_acts(p));
        struct action *a = plan_add_action(p, ACTION_CONNECT, "second");
        a->task = (enum task)task;
        ck_assert_int_eq(plan_acts(p), task != TASK_NONE);
        if (task != TASK_NONE)
            ck_assert_ptr_eq(plan_task(p, (enum task)task), a);
        for (int other = TASK_NONE + 1; other <= TASK_STOP; other++)
            ck_assert(other == task || !plan_task(p, (enum task)other));
        action_write(p, a, "/path", "1");
        ck_assert(plan_acts(p));
        plan_free(p);
    }
}
END_TEST

/* Who looks a code up in the manual finds it. */
START_TEST(test_findings_are_in_the_manual)
{
    static char page[64 * 1024];
    char entry[64];
    FILE *f = fopen("deploy/man/xenrecon-findings.7.scd", "re");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(page, 1, sizeof page - 1, f);
    fclose(f);
    page[n] = '\0';
    for (int code = 0; code < FINDING_COUNT; code++) {
        snprintf(entry, sizeof entry, "\n*%s* (", finding_code_name((enum finding_code)code));
        ck_assert_msg(strstr(page, entry) != NULL, "%s has no entry",
                      finding_code_name((enum finding_code)code));
    }
}
END_TEST

START_TEST(test_plan_wakes_at_the_earliest)
{
    struct plan *p = plan_new();
    ck_assert_uint_eq(p->requeue_at, 0);
    plan_requeue_at(p, 500, false);
    plan_requeue_at(p, 700, false);
    ck_assert_uint_eq(p->requeue_at, 500);
    ck_assert(!p->requeue_acts);
    plan_requeue_at(p, 300, true);
    plan_requeue_at(p, 0, false);
    plan_requeue_at(p, 400, false);
    ck_assert_uint_eq(p->requeue_at, 300);
    ck_assert(p->requeue_acts);
    plan_free(p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("plan");
    TCase *t = tcase_create("plans and memory");
    tcase_add_test(t, test_arena);
    tcase_add_test(t, test_arena_text);
    tcase_add_test(t, test_arena_prints_to_the_end);
    tcase_add_test(t, test_grow);
    tcase_add_test(t, test_plan_grows);
    tcase_add_test(t, test_plan_removal_is_a_write);
    tcase_add_test(t, test_plan_acts);
    tcase_add_test(t, test_plan_wakes_at_the_earliest);
    tcase_add_test(t, test_findings_are_in_the_manual);
    suite_add_tcase(s, t);
    return run_suite(s);
}
