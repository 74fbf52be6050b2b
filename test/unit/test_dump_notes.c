/* SPDX-License-Identifier: MIT */
/* What is kept of what cannot be used of a dump. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/dump/node.h"
#include "schemas/mem.h"
#include "test/lib/unit.h"

static struct dump *dump;

static void setup(void)
{
    dump = xcalloc(1, sizeof *dump);
}

static void teardown(void)
{
    dump_free(dump);
}

START_TEST(note_of_following_lines_is_one)
{
    dump_note_add(dump, 5, 9, false, "cut");
    dump_note_add(dump, 7, 8, false, "cut"); /* within it */
    ck_assert_uint_eq(dump->n_notes, 1);
    ck_assert_uint_eq(dump->notes[0].last, 9);
    dump_note_add(dump, 10, 11, false, "cut");
    ck_assert_uint_eq(dump->n_notes, 1);
    ck_assert_uint_eq(dump->notes[0].last, 11);
    dump_note_add(dump, 13, 13, false, "cut");
    dump_note_add(dump, 14, 14, false, "damaged");
    ck_assert_uint_eq(dump->n_notes, 3);
}
END_TEST

START_TEST(last_note_is_amended_if_there_is_one)
{
    dump_note_amend(dump, "ends");
    ck_assert_uint_eq(dump->n_notes, 0);
    dump_note_add(dump, 1, 1, false, "cut");
    dump_note_add(dump, 3, 3, false, "cut");
    dump_note_amend(dump, "ends");
    ck_assert_str_eq(dump->notes[0].text, "cut");
    ck_assert_str_eq(dump->notes[1].text, "ends");
}
END_TEST

/* The last that was added is not among those that are kept. */
START_TEST(no_note_is_amended_for_one_that_found_no_room)
{
    for (unsigned line = 1; line <= 2 * (DUMP_NOTES_MAX + 1); line += 2)
        dump_note_add(dump, line, line, false, "cut");
    ck_assert_uint_eq(dump->n_notes, DUMP_NOTES_MAX);
    ck_assert_uint_eq(dump->n_more, 1);
    dump_note_amend(dump, "ends");
    ck_assert_str_eq(dump->notes[DUMP_NOTES_MAX - 1].text, "cut");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dump notes");
    TCase *tc = tcase_create("dump notes");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, note_of_following_lines_is_one);
    tcase_add_test(tc, last_note_is_amended_if_there_is_one);
    tcase_add_test(tc, no_note_is_amended_for_one_that_found_no_room);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
