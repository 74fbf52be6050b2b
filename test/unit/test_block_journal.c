/* SPDX-License-Identifier: MIT */
/* What is left by a worker that dies at each of the moments between an answer and its becoming known; and the
 * memory that is handed out in the order of the ring. */
#include <check.h>
#include <stdlib.h>

#include "reconcilers/block/journal.h"
#include "reconcilers/block/space.h"
#include "test/lib/unit.h"

#define PAGES(n) ((size_t)(n)*4096)
enum { SLOTS = 32 };

static struct response answer_to(uint32_t index)
{
    return (struct response){
        .id = 1000ULL + index, .op = (uint8_t)(index % 7), .status = (int16_t) - (int)(index % 3)};
}

START_TEST(test_ties)
{
    struct journal *j = calloc(1, sizeof *j);
    struct response r = answer_to(5), found;
    ck_assert(!journal_begin(j, 0, 0)); /* a file that is new remembers no ring, not even 0 */
    ck_assert(journal_begin(j, 0, 0));
    ck_assert(!journal_begin(j, 7, 5));
    journal_record(j, SLOTS, 5, &r);
    ck_assert(journal_begin(j, 7, 5)); /* died before it showed the answer */
    ck_assert(journal_begin(j, 7, 6)); /* or just after */
    ck_assert(journal_find(j, SLOTS, 5, &found));
    ck_assert(!journal_begin(j, 8, 6)); /* another connection: its indices begin anew */
    ck_assert(!journal_find(j, SLOTS, 5, &found));
    free(j);
}
END_TEST

/* The guest made a new ring of the same keys: what was answered on the old one is no answer on this. */
START_TEST(test_same_keys_again)
{
    struct journal *j = calloc(1, sizeof *j);
    struct response r = answer_to(0), found;
    journal_begin(j, 7, 0);
    for (uint32_t i = 0; i < 3; i++)
        journal_record(j, SLOTS, i, &r);
    journal_push(j);
    if (_i == 0) /* ended in good order */
        journal_end(j);
    ck_assert(!journal_begin(j, 7, _i == 0 ? 3 : 0));
    for (uint32_t i = 0; i < 3; i++)
        ck_assert(!journal_find(j, SLOTS, i, &found));
    ck_assert(journal_begin(j, 7, _i == 0 ? 3 : 0));
    free(j);
}
END_TEST

START_TEST(test_finds_what_was_recorded)
{
    static const uint32_t starts[] = {0, 0xfffffff0};
    struct journal *j = calloc(1, sizeof *j);
    journal_begin(j, 1, starts[_i]);
    for (uint32_t n = 0, i = starts[_i]; n < 100; n++, i++) {
        struct response r = answer_to(i), found = {0};
        ck_assert(
            !journal_find(j, SLOTS, i, &found)); /* what was in the slot a round ago is not taken for it */
        journal_record(j, SLOTS, i, &r);
        ck_assert(journal_find(j, SLOTS, i, &found));
        ck_assert(found.id == r.id && found.op == r.op && found.status == r.status);
        ck_assert(!journal_find(j, SLOTS, i - SLOTS, &found));
    }
    free(j);
}
END_TEST

START_TEST(test_half_written)
{
    struct journal *j = calloc(1, sizeof *j);
    struct response r = answer_to(3), found;
    journal_begin(j, 1, 3);
    journal_record(j, SLOTS, 3, &r);
    j->entries[3].mark = 0;
    ck_assert(!journal_find(j, SLOTS, 3, &found));
    free(j);
}
END_TEST

/* A worker takes eight requests and has answered _i % 9 of them when it dies: at every step of an answer. */
enum { RECORDED, PUT, PUSHED, MOMENTS, REQUESTS = 8 };

static void serve_until_death(struct ring *ring, struct journal *j, int answers, int moment)
{
    for (uint32_t n = 0; n < REQUESTS; n++)
        ring_step(ring);
    for (int n = 0; n < answers; n++) {
        struct response r = answer_to(ring->put);
        bool last = n == answers - 1;
        journal_record(j, ring->n_slots, ring->put, &r);
        if (last && moment == RECORDED)
            return;
        ring_put(ring, &r);
        if (last && moment == PUT)
            return;
    }
    ring_push(ring);
}

START_TEST(test_death)
{
    struct blkif_sring *shared = calloc(1, RING_PAGE);
    struct journal *j = calloc(1, sizeof *j);
    int answers = _i % (REQUESTS + 1), moment = _i / (REQUESTS + 1), again = 0, done_anew = 0;
    uint32_t at = 28; /* so that the eight reach around the ring's end */
    struct ring ring;
    struct response r;
    struct request q;
    shared->rsp_prod = at;
    shared->req_prod = at + REQUESTS;
    ring_attach(&ring, shared, 1, BLKIF_ABI_64);
    union blkif_sring_entry *slots = shared->ring;
    for (uint32_t i = at; i != at + REQUESTS; i++)
        slots[i % SLOTS].req = (struct blkif_request){.operation = BLKIF_OP_READ, .id = 1000ULL + i};
    journal_begin(j, 9, at);
    serve_until_death(&ring, j, answers, moment);

    ring_attach(&ring, shared, 1, BLKIF_ABI_64);
    ck_assert(journal_begin(j, 9, ring.pushed));
    int left = ring_available(&ring);
    ck_assert_int_eq(left, moment == PUSHED ? REQUESTS - answers : REQUESTS);
    for (int n = 0; n < left; n++) {
        uint32_t i = ring.taken;
        if (journal_find(j, ring.n_slots, i, &r)) {
            ck_assert_int_eq(done_anew, 0); /* they are the first */
            ck_assert_uint_eq(r.id, 1000ULL + i);
            again++;
        } else {
            ring_copy(&ring, &q);
            ck_assert_uint_eq(q.id, 1000ULL + i); /* still a request, and not an answer */
            ck_assert_uint_eq(q.op, BLKIF_OP_READ);
            done_anew++;
        }
        ring_step(&ring);
    }
    ck_assert_int_eq(again, moment == PUSHED ? 0 : answers);
    free(j);
    free(shared);
}
END_TEST

/* space */

START_TEST(test_space)
{
    struct space s;
    size_t a = 0, b = 0, c = 0, d = 0;
    space_init(&s, PAGES(8));
    char *first = space_take(&s, PAGES(3), &a), *second = space_take(&s, 1, &b);
    ck_assert_ptr_eq(second, first + PAGES(3));
    ck_assert_uint_eq(b, 4096);
    ck_assert_ptr_null(space_take(&s, PAGES(5), &c)); /* four are left */
    ck_assert_uint_eq(c, 0);
    space_return(&s, a);
    ck_assert_ptr_null(space_take(&s, PAGES(5), &c)); /* seven are, but not in one stretch */
    char *third = space_take(&s, PAGES(4), &c);
    ck_assert_ptr_eq(third, first + PAGES(4));
    char *fourth = space_take(&s, PAGES(3), &d);
    ck_assert_ptr_eq(fourth, first);
    ck_assert_ptr_null(space_take(&s, 1, &d));
    space_undo(&s, d);
    d = 0;
    ck_assert_ptr_eq(space_take(&s, 4096, &d), first);
    space_return(&s, b);
    space_return(&s, c);
    space_return(&s, d);
    a = 0;
    ck_assert_ptr_eq(space_take(&s, PAGES(8), &a), first); /* from the front, when nothing is in use */
    ck_assert_ptr_null(space_take(&s, 1, &b));
    first[0] = 'x';
    space_trim(&s);
    ck_assert_int_eq(first[0], 'x'); /* in use */
    space_return(&s, a);
    space_trim(&s);
    ck_assert_ptr_eq(space_take(&s, 1, &a), first);
    ck_assert_int_eq(first[0], 0);
    space_finish(&s);
}
END_TEST

START_TEST(test_space_skips_its_end)
{
    struct space s;
    size_t a = 0, b = 0, c = 0;
    space_init(&s, PAGES(8));
    char *first = space_take(&s, PAGES(3), &a);
    space_take(&s, PAGES(3), &b);
    space_return(&s, a);
    ck_assert_ptr_eq(space_take(&s, PAGES(3), &c), first);
    ck_assert_uint_eq(c, PAGES(5)); /* with the two at the end */
    space_undo(&s, c);
    c = 0;
    ck_assert_ptr_eq(space_take(&s, PAGES(2), &c), first + PAGES(6));
    ck_assert_uint_eq(c, PAGES(2));
    space_finish(&s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("block_journal");
    TCase *t = tcase_create("journal");
    tcase_add_test(t, test_ties);
    tcase_add_loop_test(t, test_same_keys_again, 0, 2);
    tcase_add_loop_test(t, test_finds_what_was_recorded, 0, 2);
    tcase_add_test(t, test_half_written);
    tcase_add_loop_test(t, test_death, 0, MOMENTS * (REQUESTS + 1));
    tcase_add_test(t, test_space);
    tcase_add_test(t, test_space_skips_its_end);
    suite_add_tcase(s, t);
    return run_suite(s);
}
