/* SPDX-License-Identifier: MIT */
/* How fast to read: floods of events are slowed down, nothing else is. */
#include "controller/base/read_pacing.h"

#include <check.h>
#include <stdlib.h>

#include "test/lib/unit.h"

static struct read_pacing pace;

/* Reads as often as the pace allows for so many microseconds, and every read brings what came meanwhile. */
static unsigned reads_in(uint64_t from, uint64_t to, unsigned events_per_ms, unsigned outstanding,
                         unsigned *ret_last)
{
    unsigned reads = 0, pause = 1000;
    for (uint64_t now = from; now < to; now += pause) {
        pause = read_pacing_read(&pace, now, 1 + pause * events_per_ms / 1000, 0, outstanding);
        ck_assert_uint_gt(pause, 0);
        reads++;
    }
    *ret_last = pause;
    return reads;
}

static void setup(void)
{
    pace = (struct read_pacing){0};
}

START_TEST(flood_is_slowed_down)
{
    unsigned last, reads = reads_in(1000, 2000000, 20, 0, &last);
    ck_assert_uint_eq(last, PACING_FLOOD);
    ck_assert_uint_lt(reads, 750); /* 40,000 without a pace */
}
END_TEST

START_TEST(pause_stays_short_while_an_answer_is_outstanding)
{
    unsigned last;
    reads_in(1000, 2000000, 20, 1, &last);
    ck_assert_uint_eq(last, PACING_EVENTS);
}
END_TEST

START_TEST(answers_are_waited_for_together)
{
    ck_assert_uint_eq(read_pacing_read(&pace, 1000, 0, 1, 0), 0);
    ck_assert_uint_eq(read_pacing_read(&pace, 1000, 5, 1, PACING_FEW), 0);
    ck_assert_uint_eq(read_pacing_read(&pace, 1000, 0, 1, 20), 20UL * PACING_ANSWER);
    ck_assert_uint_eq(read_pacing_read(&pace, 1000, 0, 0, 20), 20UL * PACING_ANSWER); /* a piece of one */
    ck_assert_uint_eq(read_pacing_read(&pace, 1000, 5, 0, 20), 20UL * PACING_ANSWER);
    ck_assert_uint_eq(read_pacing_read(&pace, 1000, 0, 1, 4000), PACING_ANSWERS);
    ck_assert_uint_eq(read_pacing_read(&pace, 1000, 0, 0, 1), 0);
}
END_TEST

START_TEST(slow_events_have_the_shortest_pause)
{
    for (uint64_t now = 1000; now < 20000000; now += PACING_CALM + 1)
        ck_assert_uint_eq(read_pacing_read(&pace, now, 1, 0, 0), PACING_EVENTS);
}
END_TEST

START_TEST(end_of_the_flood_is_noticed)
{
    unsigned last;
    reads_in(1000, 2000000, 20, 0, &last);
    ck_assert_uint_eq(last, PACING_FLOOD);
    ck_assert_uint_eq(read_pacing_read(&pace, 2050000, 1, 0, 0), PACING_EVENTS); /* one event after a rest */

    setup();
    reads_in(1000, 2000000, 20, 0, &last);
    ck_assert_uint_eq(read_pacing_read(&pace, 2010000, 2, 0, 0),
                      PACING_EVENTS); /* after the long pause, hardly any */
}
END_TEST

/* A flooding guest causes looks, whose answers come with most of its events. */
START_TEST(events_that_come_with_answers_are_of_the_flood)
{
    unsigned last;
    reads_in(1000, 2000000, 20, 0, &last);
    for (uint64_t now = 2000000; now < 3000000; now += PACING_FLOOD) {
        ck_assert_uint_eq(read_pacing_read(&pace, now, 20, 1, 0), 0);
        ck_assert_uint_eq(read_pacing_read(&pace, now, 2, 0, 0), PACING_FLOOD);
    }
}
END_TEST

START_TEST(who_asks_need_not_wait_for_the_flood)
{
    ck_assert_uint_eq(read_pacing_ask(PACING_FLOOD), PACING_EVENTS);
    ck_assert_uint_eq(read_pacing_ask(50), 50);
    ck_assert_uint_eq(read_pacing_ask(0), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("read pacing");
    TCase *tc = tcase_create("read pacing");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, flood_is_slowed_down);
    tcase_add_test(tc, pause_stays_short_while_an_answer_is_outstanding);
    tcase_add_test(tc, answers_are_waited_for_together);
    tcase_add_test(tc, slow_events_have_the_shortest_pause);
    tcase_add_test(tc, end_of_the_flood_is_noticed);
    tcase_add_test(tc, events_that_come_with_answers_are_of_the_flood);
    tcase_add_test(tc, who_asks_need_not_wait_for_the_flood);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
