/* SPDX-License-Identifier: MIT */
/* Memory is given back when it is calm after many devices have gone; not otherwise, and not for a few. */
#include "controller/daemon/memory_trim.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/unit.h"

static uv_loop_t loop;
static struct memory_trim trim;

static void setup(void)
{
    uv_loop_init(&loop);
    memory_trim_open(&trim, &loop);
}

static void teardown(void)
{
    memory_trim_close(&trim);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}

static bool waits(void)
{
    return uv_is_active((uv_handle_t *)&trim.timer);
}

static void note_from_to(size_t from, size_t to)
{
    for (size_t n = from; n != to; n += from < to ? 1 : (size_t)-1)
        memory_trim_note(&trim, n);
    memory_trim_note(&trim, to);
}

START_TEST(nothing_runs_while_devices_come)
{
    note_from_to(0, 10000);
    ck_assert(!waits());
}
END_TEST

START_TEST(few_are_not_worth_it)
{
    note_from_to(0, 64);
    note_from_to(64, 0);
    ck_assert(!waits());
}
END_TEST

START_TEST(half_of_many_are)
{
    note_from_to(0, 1000);
    note_from_to(1000, 501);
    ck_assert(!waits());
    memory_trim_note(&trim, 500);
    ck_assert(waits());
}
END_TEST

START_TEST(what_was_said_again_is_no_news)
{
    note_from_to(0, 1000);
    note_from_to(1000, 400);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert(!waits());
    note_from_to(400, 201);
    ck_assert(!waits());
    note_from_to(200, 200);
    ck_assert(waits());
}
END_TEST

/* KiB of anonymous memory. */
static long resident(void)
{
    char line[128];
    long kib = -1;
    FILE *f = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "RssAnon: %ld", &kib) == 1)
            break;
    fclose(f);
    return kib;
}

/* Of each page something is still in use but of a few: no freeing gives them back by itself. */
START_TEST(pages_are_given_back)
{
    enum { BLOCKS = 20000, SIZE = 500, EVERY = 100 };
    static char *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++)
        memset(blocks[i] = malloc(SIZE), 1, SIZE);
    for (int i = 0; i < BLOCKS; i++)
        if (i % EVERY)
            free(blocks[i]);
    long before = resident();
    note_from_to(0, 1000);
    note_from_to(1000, 10);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_lt(resident(), before - BLOCKS * SIZE / 1024 / 2);
    for (int i = 0; i < BLOCKS; i += EVERY)
        free(blocks[i]);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("memory trim");
    TCase *tc = tcase_create("memory trim");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, nothing_runs_while_devices_come);
    tcase_add_test(tc, few_are_not_worth_it);
    tcase_add_test(tc, half_of_many_are);
    tcase_add_test(tc, what_was_said_again_is_no_news);
    if (!getenv("ASAN_OPTIONS")) /* whose allocator has pages of its own */
        tcase_add_test(tc, pages_are_given_back);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
