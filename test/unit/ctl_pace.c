/* SPDX-License-Identifier: MIT */
/* How fast to read: floods of events are slowed down, nothing else is. */
#include "controller/pace.h"

#include <check.h>
#include <stdlib.h>

static struct pace pace;

/* Reads as often as the pace allows for so many milliseconds, and every read brings what came meanwhile. */
static unsigned reads_in(uint64_t from, uint64_t to, unsigned events_per_ms, bool outstanding,
                         unsigned *ret_last)
{
    unsigned reads = 0, pause = 1;
    for (uint64_t now = from; now < to;) {
        pause = pace_read(&pace, now, pause ? pause * events_per_ms : 1, false, outstanding);
        reads++;
        if (pause)
            now += pause;
        else if (reads % 20 == 0) /* unpaced: 20 reads a millisecond */
            now++;
    }
    *ret_last = pause;
    return reads;
}

static void setup(void)
{
    pace = (struct pace){0};
}

START_TEST(flood_is_slowed_down)
{
    unsigned last, reads = reads_in(1000, 3000, 20, false, &last);
    ck_assert_uint_eq(last, PACE_LONG);
    ck_assert_uint_gt(reads, PACE_READS);
    ck_assert_uint_lt(reads, 450); /* 40,000 without a pace */
}
END_TEST

START_TEST(pause_stays_short_while_an_answer_is_outstanding)
{
    unsigned last;
    reads_in(1000, 3000, 20, true, &last);
    ck_assert_uint_eq(last, PACE_SHORT);
}
END_TEST

START_TEST(first_reads_and_answers_are_free)
{
    for (unsigned i = 0; i < PACE_READS; i++)
        ck_assert_uint_eq(pace_read(&pace, 1000, 1, false, false), 0);
    for (unsigned i = 0; i < 1000; i++)
        ck_assert_uint_eq(pace_read(&pace, 1000, 1, true, true), 0);
    for (unsigned i = 0; i < 1000; i++) /* a piece of a message */
        ck_assert_uint_eq(pace_read(&pace, 1000, 0, false, true), 0);
    ck_assert_uint_eq(pace_read(&pace, 1000, 1, false, false), PACE_SHORT);
}
END_TEST

START_TEST(slow_events_are_never_slowed_down)
{
    for (uint64_t now = 1000; now < 20000; now += 3)
        ck_assert_uint_eq(pace_read(&pace, now, 1, false, false), 0);
}
END_TEST

START_TEST(end_of_the_flood_is_noticed)
{
    unsigned last;
    reads_in(1000, 3000, 20, false, &last);
    ck_assert_uint_eq(last, PACE_LONG);
    ck_assert_uint_eq(pace_read(&pace, 3050, 1, false, false), 0); /* one event after a rest */

    setup();
    reads_in(1000, 3000, 20, false, &last);
    ck_assert_uint_eq(pace_read(&pace, 3010, 2, false, false), 0); /* after the long pause, hardly any */
}
END_TEST

/* A flooding guest causes looks, whose answers come with most of its events. */
START_TEST(events_that_come_with_answers_are_of_the_flood)
{
    unsigned last;
    reads_in(1000, 3000, 20, false, &last);
    for (uint64_t now = 3000; now < 4000; now += PACE_LONG) {
        ck_assert_uint_eq(pace_read(&pace, now, 20, true, false), 0);
        ck_assert_uint_eq(pace_read(&pace, now, 2, false, false), PACE_LONG);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pace");
    TCase *tc = tcase_create("pace");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, flood_is_slowed_down);
    tcase_add_test(tc, pause_stays_short_while_an_answer_is_outstanding);
    tcase_add_test(tc, first_reads_and_answers_are_free);
    tcase_add_test(tc, slow_events_are_never_slowed_down);
    tcase_add_test(tc, end_of_the_flood_is_noticed);
    tcase_add_test(tc, events_that_come_with_answers_are_of_the_flood);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
