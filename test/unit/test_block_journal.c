/* SPDX-License-Identifier: MIT */
/* What is left by a worker that dies at any moment; which flushes are needed, and what a failed one means;
 * and the memory for requests that end in any order. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "reconcilers/block/flushes.h"
#include "reconcilers/block/journal.h"
#include "reconcilers/block/space.h"
#include "test/lib/unit.h"

#define PAGES(n) ((size_t)(n)*4096)
enum { SLOTS = 32 };

static struct request request_at(uint32_t index)
{
    struct request q = {
        .op = BLKIF_OP_WRITE, .id = 1000ULL + index, .n_segments = (uint16_t)(1 + index % 11)};
    for (uint32_t i = 0; i < q.n_segments; i++)
        q.segments[i].gref = index * 100 + i;
    return q;
}

static struct response answer_to(uint32_t index)
{
    return (struct response){
        .id = 1000ULL + index, .op = BLKIF_OP_WRITE, .status = (int16_t) - (int)(index % 3)};
}

static struct journal *journal(void)
{
    struct journal *j = calloc(1, sizeof *j);
    journal_open(j);
    return j;
}

static void take(struct journal *j, uint32_t place, uint32_t index)
{
    struct request q = request_at(index);
    journal_take(j, place, index, &q);
}

static void record(struct journal *j, uint32_t place, uint32_t index)
{
    struct response r = answer_to(index);
    journal_record(j, place, &r);
}

START_TEST(test_ties)
{
    struct journal *j = journal();
    ck_assert(!journal_resume(j, 0, SLOTS, 0)); /* a ring without a name is nobody's, not even a new file's */
    uint64_t first = journal_begin(j, SLOTS, 5);
    ck_assert_uint_ne(first, 0);
    ck_assert(journal_resume(j, first, SLOTS, 5));
    take(j, 0, 5);
    record(j, 0, 5);
    ck_assert(journal_resume(j, first, SLOTS, 5)); /* died before it showed the answer */
    ck_assert(journal_resume(j, first, SLOTS, 6)); /* or just after */
    ck_assert(!journal_resume(j, first, SLOTS, 7));
    ck_assert(!journal_resume(j, first, 2 * SLOTS, 5)); /* the guest shows a ring of another size */
    ck_assert(!journal_resume(j, first + 1, SLOTS, 5));
    ck_assert(!journal_resume(j, 0, SLOTS, 5)); /* it was made anew */
    journal_end(j);
    ck_assert(!journal_resume(j, first, SLOTS, 5));
    ck_assert(!journal_resume(j, 0, SLOTS, 5));
    uint64_t second = journal_begin(j, SLOTS, 5);
    ck_assert_uint_ne(second, first);
    ck_assert_uint_ne(second, 0);
    ck_assert(!journal_resume(j, first, SLOTS, 5));
    ck_assert_uint_eq(j->put, 5);
    ck_assert_uint_eq(journal_age(j, 0), 0);
    free(j);
}
END_TEST

/* What an older program, or anybody, left in the file is no journal; what was lost stays lost. */
START_TEST(test_file)
{
    struct journal *j = calloc(1, sizeof *j);
    memset(j, 0x5a, sizeof *j);
    journal_open(j);
    ck_assert_uint_eq(j->lost, 0);
    ck_assert_uint_eq(j->connection, 0);
    journal_lose(j, 5);
    journal_begin(j, SLOTS, 0);
    journal_end(j);
    journal_open(j);
    ck_assert_uint_eq(j->lost, 5);
    free(j);
}
END_TEST

START_TEST(test_keeps_requests)
{
    static const uint32_t starts[] = {0, 0xfffffff0};
    struct journal *j = journal();
    uint32_t at = starts[_i];
    uint64_t name = journal_begin(j, SLOTS, at);
    struct request q = {0}, want;
    struct response r;
    take(j, 7, at); /* a slow one, that is passed by all others */
    for (uint32_t n = 1; n < 100; n++) {
        take(j, 3, at + n);
        ck_assert_uint_eq(journal_age(j, 3), 1);
        record(j, 3, at + n);
        ck_assert(!journal_request_at(j, 3, &q));
        journal_answer_at(j, at + n - 1, &r);
        ck_assert_uint_eq(r.id, 1000ULL + (uint32_t)(at + n));
        ck_assert_int_eq(r.status, answer_to(at + n).status);
        if (n % SLOTS == 0)
            journal_push(j);
        ck_assert(journal_resume(j, name, SLOTS, j->pushed));
    }
    ck_assert(journal_request_at(j, 7, &q));
    want = request_at(at);
    ck_assert_mem_eq(&q, &want, offsetof(struct request, segments) + want.n_segments * sizeof *want.segments);
    ck_assert_uint_eq(journal_age(j, 7), 100);
    free(j);
}
END_TEST

/* A dead worker that somebody had taken over may have left anything. */
START_TEST(test_believes_no_nonsense)
{
    struct journal *j = journal();
    uint64_t name = journal_begin(j, SLOTS, 0);
    for (uint32_t i = 0; i < 4; i++)
        take(j, i, i);
    record(j, 2, 2);
    ck_assert(journal_resume(j, name, SLOTS, 0));
    if (_i == 0)
        j->requests[9].mark = j->requests[1].mark; /* one more than there are */
    else if (_i == 1)
        j->requests[1].mark = 0; /* one fewer */
    else if (_i == 2)
        j->answers[0].mark = 0; /* no answer where there should be one */
    else if (_i == 3)
        j->put = 2;
    else if (_i == 4)
        j->pushed = j->put - SLOTS - 1;
    else
        j->taken = SLOTS + 5;
    ck_assert(!journal_resume(j, name, SLOTS, j->pushed));
    free(j);
}
END_TEST

/* A worker that takes requests and answers them in an order of its own dies after each single store of the
 * journal and the ring. What its successor finds is, together: each request once, as an answer or to be done.
 */
enum { REQUESTS = 8, MOMENTS = 400 };

struct life {
    struct journal *j;
    struct ring ring;
    unsigned stores, last; /* it dies after so many */
};

/* The stores of journal_take() and journal_record(), one at a time, are what a copy of the journal shows that
 * was made in between: here a copy is made of each step before it is finished, by taking single fields from
 * it. */
static bool dies(struct life *l)
{
    return ++l->stores > l->last;
}

static bool take_some(struct life *l, uint32_t place, uint32_t index)
{
    struct journal before = *l->j, after;
    take(l->j, place, index);
    after = *l->j;
    if (dies(l)) {
        *l->j = before;
        l->j->requests[place].request = after.requests[place].request;
        return false;
    }
    if (dies(l)) {
        *l->j = before;
        l->j->requests[place] = after.requests[place]; /* not counted */
        return false;
    }
    ring_step(&l->ring);
    return !dies(l);
}

static bool answer_some(struct life *l, uint32_t place, uint32_t index)
{
    uint32_t at = l->j->put & (SLOTS - 1);
    struct journal before = *l->j, after;
    struct response r = answer_to(index);
    record(l->j, place, index);
    after = *l->j;
    if (dies(l)) {
        *l->j = before;
        l->j->answers[at] = after.answers[at];
        l->j->answers[at].mark = 0;
        return false;
    }
    if (dies(l)) {
        *l->j = before;
        l->j->answers[at] = after.answers[at]; /* not counted */
        return false;
    }
    if (dies(l)) {
        *l->j = before;
        l->j->answers[at] = after.answers[at];
        l->j->put = after.put; /* and its request stands still */
        return false;
    }
    if (dies(l))
        return false;
    ring_put(&l->ring, &r);
    return !dies(l);
}

static bool push(struct life *l)
{
    ring_push(&l->ring);
    if (dies(l))
        return false;
    journal_push(l->j);
    return !dies(l);
}

/* False: it died. The order of answers: the last first, in twos and threes, more requests in between. */
static bool live(struct life *l, uint32_t at)
{
    static const int steps[] = {+0, +1, +2, -2, -1, 0, +3, +4, 0, +5, -4, +6, +7, -7, -3, -6, 0, -5, 0};
    uint32_t places[REQUESTS];
    uint32_t next_place = SLOTS - 1;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        uint32_t n = (uint32_t)abs(steps[i]);
        bool goes_on;
        if (steps[i] < 0)
            goes_on = answer_some(l, places[n], at + n);
        else if (steps[i] == 0 && i > 0)
            goes_on = push(l);
        else
            goes_on = take_some(l, places[n] = i == 9 ? places[2] : next_place--, at + n);
        if (!goes_on)
            return false;
    }
    return true;
}

static void check_left(struct life *l, const struct blkif_sring *shared, uint64_t name, uint32_t at)
{
    struct ring *ring = &l->ring;
    int seen[REQUESTS] = {0};
    struct request q;
    struct response r;
    ring_attach(ring, l->ring.shared, 1, BLKIF_ABI_64);
    ck_assert(journal_resume(l->j, name, SLOTS, ring->pushed));
    for (uint32_t i = at; i != shared->rsp_prod; i++) /* shown before */
        seen[shared->ring[i % SLOTS].rsp.id - 1000 - at]++;
    for (; ring->put != l->j->put; ring_put(ring, &r)) {
        journal_answer_at(l->j, ring->put, &r);
        ck_assert_int_eq(r.status, answer_to((uint32_t)r.id - 1000).status);
        seen[r.id - 1000 - at]++;
    }
    ring->taken = l->j->taken;
    for (uint32_t i = 0; i < SLOTS; i++) {
        if (!journal_request_at(l->j, i, &q))
            continue;
        struct request want = request_at((uint32_t)q.id - 1000);
        ck_assert_mem_eq(q.segments, want.segments, want.n_segments * sizeof *want.segments);
        seen[q.id - 1000 - at]++;
    }
    for (int n = ring_available(ring); n > 0; n--) {
        ring_copy(ring, &q);
        ck_assert_uint_eq(q.op, BLKIF_OP_WRITE); /* still a request, and not an answer */
        seen[q.id - 1000 - at]++;
        ring_step(ring);
    }
    for (int i = 0; i < REQUESTS; i++)
        ck_assert_msg(seen[i] == 1, "request %d is there %d times after %u stores", i, seen[i], l->last);
}

START_TEST(test_death)
{
    struct blkif_sring *shared = calloc(1, RING_PAGE);
    struct life l = {.j = journal()};
    uint32_t at = 28; /* so that the eight reach around the ring's end */
    bool survived = false;
    for (l.last = 0; !survived && l.last < MOMENTS; l.last++) {
        l.stores = 0;
        shared->rsp_prod = at;
        shared->req_prod = at + REQUESTS;
        for (uint32_t i = at; i != at + REQUESTS; i++)
            shared->ring[i % SLOTS].req =
                (struct blkif_request){.operation = BLKIF_OP_WRITE, .id = 1000ULL + i};
        ring_attach(&l.ring, shared, 1, BLKIF_ABI_64);
        uint64_t name = journal_begin(l.j, SLOTS, at);
        survived = live(&l, at);
        check_left(&l, shared, name, at);
    }
    ck_assert(survived);
    ck_assert_uint_gt(l.last, 60);
    free(l.j);
    free(shared);
}
END_TEST

/* The name of a ring is gone when its guest has made it anew, as SHARED_RING_INIT does. */
START_TEST(test_ring_name)
{
    struct blkif_sring *shared = calloc(1, RING_PAGE);
    struct ring ring;
    SHARED_RING_INIT(shared);
    memset(shared->ring, 0xff, RING_PAGE - offsetof(struct blkif_sring, ring));
    ring_attach(&ring, shared, 1, BLKIF_ABI_64);
    ck_assert_uint_eq(ring_name(&ring), 0);
    ring_set_name(&ring, 0x123456789abcdefULL);
    ck_assert_uint_eq(ring_name(&ring), 0x123456789abcdefULL);
    ck_assert_uint_eq(*(unsigned char *)shared->ring, 0xff);
    ck_assert_uint_eq(shared->rsp_event, 1);
    ck_assert_uint_eq(shared->pvt.pvt_pad[0], 0);
    SHARED_RING_INIT(shared);
    ck_assert_uint_eq(ring_name(&ring), 0);
    free(shared);
}
END_TEST

/* flushes */

START_TEST(test_flushes)
{
    struct flushes f;
    struct flush_waiter a, b, c;
    bool again;
    flushes_init(&f, true, false);
    ck_assert_int_eq(flushes_ask(&f, &a), FLUSH_BEGINS); /* nobody knows what there was before */
    ck_assert_int_eq(flushes_ask(&f, &b), FLUSH_WAITS);  /* nothing was written since: for the same one */
    flushes_written(&f);
    ck_assert_int_eq(flushes_ask(&f, &c), FLUSH_WAITS); /* for the next one */
    struct flush_waiter *ended = flushes_ended(&f, false, &again);
    ck_assert(again && ended && ended->next && !ended->next->next);
    ck_assert((ended == &a && ended->next == &b) || (ended == &b && ended->next == &a));
    ck_assert_ptr_eq(flushes_ended(&f, false, &again), &c);
    ck_assert(!again);
    ck_assert_int_eq(flushes_ask(&f, &a), FLUSH_DONE); /* nothing is dirty */
    flushes_written(&f);
    ck_assert_int_eq(flushes_ask(&f, &a), FLUSH_BEGINS);
    flushes_written(&f); /* while it is under way: the next one is not for nothing */
    ck_assert_ptr_eq(flushes_ended(&f, false, &again), &a);
    ck_assert_int_eq(flushes_ask(&f, &a), FLUSH_BEGINS);
}
END_TEST

START_TEST(test_flushes_fail_for_ever)
{
    struct flushes f;
    struct flush_waiter a, b;
    bool again;
    int n = 0;
    flushes_init(&f, true, false);
    ck_assert_int_eq(flushes_ask(&f, &a), FLUSH_BEGINS);
    flushes_written(&f);
    ck_assert_int_eq(flushes_ask(&f, &b), FLUSH_WAITS);
    for (struct flush_waiter *w = flushes_ended(&f, true, &again); w; w = w->next)
        n++;
    ck_assert_int_eq(n, 2);
    ck_assert(!again && f.lost);
    ck_assert_int_eq(flushes_ask(&f, &a), FLUSH_FAILED);
    flushes_init(&f, false, true); /* of the next worker */
    ck_assert_int_eq(flushes_ask(&f, &a), FLUSH_FAILED);
}
END_TEST

/* space */

START_TEST(test_space)
{
    struct space s;
    space_init(&s, NULL, PAGES(8));
    char *first = space_take(&s, PAGES(3)), *second = space_take(&s, 1), *third = space_take(&s, PAGES(3));
    ck_assert_ptr_eq(second, first + PAGES(3));
    ck_assert_ptr_eq(third, first + PAGES(4));
    ck_assert_ptr_null(space_take(&s, PAGES(2))); /* one is left */
    space_return(&s, first, PAGES(3));
    ck_assert_ptr_null(space_take(&s, PAGES(4))); /* four are, but not in one stretch */
    ck_assert_ptr_eq(space_take(&s, PAGES(2)), first);
    ck_assert_ptr_eq(space_take(&s, 4096), first + PAGES(2));
    ck_assert_ptr_eq(space_take(&s, 4095), first + PAGES(7));
    ck_assert_ptr_null(space_take(&s, 1));
    space_return(&s, second, 1);
    ck_assert_ptr_eq(space_take(&s, 1), second);
    space_return(&s, first + PAGES(7), 4095);
    space_return(&s, first, PAGES(2));
    first[PAGES(2)] = third[0] = 'x';
    ck_assert(space_trim(&s)); /* of what is in use, nothing is given back */
    ck_assert_int_eq(first[PAGES(2)], 'x');
    ck_assert_int_eq(third[0], 'x');
    space_return(&s, first + PAGES(2), 4096);
    space_return(&s, second, 1);
    space_return(&s, third, PAGES(3));
    ck_assert_ptr_null(space_take(&s, PAGES(9)));
    ck_assert_ptr_eq(space_take(&s, PAGES(8)), first);
    space_return(&s, first, PAGES(8));
    ck_assert(!space_trim(&s));
    ck_assert_ptr_eq(space_take(&s, PAGES(5)), first);
    ck_assert_int_eq(third[0], 0);
    space_finish(&s);
}
END_TEST

/* Each piece is where no other is, in any order of taking and giving back. */
START_TEST(test_space_random)
{
    enum { PIECES = 40 };
    struct space s;
    struct {
        char *at;
        size_t len;
    } pieces[PIECES] = {0};
    unsigned seed = (unsigned)_i;
    space_init(&s, NULL, PAGES(64));
    for (int n = 0; n < 20000; n++) {
        int i = rand_r(&seed) % PIECES;
        if (pieces[i].at) {
            for (size_t k = 0; k < pieces[i].len; k += 512)
                ck_assert_int_eq(pieces[i].at[k], i);
            space_return(&s, pieces[i].at, pieces[i].len);
            pieces[i].at = NULL;
        } else {
            pieces[i].len = 1 + (size_t)rand_r(&seed) % PAGES(rand_r(&seed) % 8 ? 2 : 30);
            pieces[i].at = space_take(&s, pieces[i].len);
            if (pieces[i].at)
                memset(pieces[i].at, i, pieces[i].len);
        }
        if (n % 100 == 0)
            space_trim(&s);
    }
    space_finish(&s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("block_journal");
    TCase *t = tcase_create("journal");
    tcase_add_test(t, test_ties);
    tcase_add_test(t, test_file);
    tcase_add_loop_test(t, test_keeps_requests, 0, 2);
    tcase_add_loop_test(t, test_believes_no_nonsense, 0, 6);
    tcase_add_test(t, test_death);
    tcase_add_test(t, test_ring_name);
    tcase_add_test(t, test_flushes);
    tcase_add_test(t, test_flushes_fail_for_ever);
    tcase_add_test(t, test_space);
    tcase_add_loop_test(t, test_space_random, 0, 3);
    suite_add_tcase(s, t);
    return run_suite(s);
}
