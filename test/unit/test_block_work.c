/* SPDX-License-Identifier: MIT */
/* What becomes of a guest's requests, with an engine that ends them when and how the test says: in which
 * order they are begun and answered, which flushes the disk sees, what waits when there is no memory. Longer
 * than other files, as all of them play the same guest on the same ring. */
#include <errno.h>

#include "reconcilers/block/disk.h"
#include "reconcilers/block/guest.h"
#include "reconcilers/block/journal.h"
#include "reconcilers/block/work.h"
#include "test/lib/fake_engine.h"
#include "test/lib/unit.h"

enum {
    GUEST_PAGES = 64, /* of data; the last has descriptors */
    SECTORS = 1 << 20,
};

#define wmb() __atomic_thread_fence(__ATOMIC_RELEASE) /* for xen/io/ring.h */

/* ---- the guest ---- */

static char memory[GUEST_PAGES][RING_PAGE] __attribute__((aligned(8)));

void guest_copy(struct guest *g, enum guest_copy direction, uint32_t ref, uint16_t offset, uint16_t len,
                void *local, bool *failed)
{
    (void)g;
    if (ref >= GUEST_PAGES)
        *failed = true;
    else if (direction == GUEST_COPY_IN)
        memcpy(local, memory[ref] + offset, len);
    else
        memcpy(memory[ref] + offset, local, len);
}

void guest_copy_all(struct guest *g)
{
    (void)g;
}

/* ---- the scene ---- */

static char shared[RING_PAGES_MAX][RING_PAGE] __attribute__((aligned(RING_PAGE)));
static struct journal journal;
static struct fake_engine engine;
static struct disk disk;
static struct work *work;
static blkif_front_ring_t front;
static char contents[64 * 1024];
static unsigned progressed, lost;
static uint64_t next_id;

static void on_progressed(void *arg)
{
    (void)arg;
    progressed++;
}

static void on_lost(void *arg)
{
    (void)arg;
    ck_assert_uint_ne(journal.lost, 0);
    lost++;
}

/* FRONT_RING_INIT, but for its signs. */
static void make_ring(unsigned n_pages)
{
    memset(shared, 0, sizeof shared);
    SHARED_RING_INIT((blkif_sring_t *)(void *)shared);
    front = (blkif_front_ring_t){.sring = (blkif_sring_t *)(void *)shared,
                                 .nr_ents = ring_slots(BLKIF_ABI_64, n_pages)};
}

static void begin_work(unsigned n_pages)
{
    const struct work_config config = {.disk = &disk,
                                       .engine = &engine.engine,
                                       .journal = &journal,
                                       .progressed = on_progressed,
                                       .lost = on_lost};
    work = work_new(&config);
    work_begin(work, shared, n_pages, BLKIF_ABI_64);
}

static void begin_ring(unsigned n_pages, char *data)
{
    memset(shared, 0, sizeof shared);
    memset(&journal, 0, sizeof journal);
    make_ring(n_pages);
    journal_open(&journal);
    engine = fake_new(data);
    disk = (struct disk){.fd = 0, .geometry = {.sectors = SECTORS, .sector_size = SECTOR, .discard = true}};
    progressed = lost = 0;
    next_id = 100;
    begin_work(n_pages);
}

static void end_ring(void)
{
    ck_assert_uint_eq(work_under_way(work), 0);
    ck_assert_uint_eq(engine.n, 0);
    work_end(work);
    work_free(work);
}

static blkif_request_t *slot(uint8_t op)
{
    blkif_request_t *q = RING_GET_REQUEST(&front, front.req_prod_pvt);
    front.req_prod_pvt++;
    *q = (blkif_request_t){.operation = op, .id = next_id++};
    return q;
}

/* One page of data, at that sector, in that page of the guest's. Returns its id. */
static uint64_t ask(uint8_t op, uint64_t sector, uint32_t page)
{
    blkif_request_t *q = slot(op);
    q->nr_segments = 1;
    q->sector_number = sector;
    q->seg[0] = (struct blkif_request_segment){.gref = page, .first_sect = 0, .last_sect = 7};
    return q->id;
}

static uint64_t ask_flush(void)
{
    return slot(BLKIF_OP_FLUSH_DISKCACHE)->id;
}

static uint64_t ask_discard(void)
{
    blkif_request_discard_t *q = (blkif_request_discard_t *)slot(BLKIF_OP_DISCARD);
    q->sector_number = 8;
    q->nr_sectors = 8;
    return q->id;
}

/* A mebibyte. */
static void ask_large(uint8_t op)
{
    blkif_request_indirect_t *q = (blkif_request_indirect_t *)slot(BLKIF_OP_INDIRECT);
    q->indirect_op = op;
    q->nr_segments = INDIRECT_SEGMENTS_MAX;
    q->indirect_grefs[0] = GUEST_PAGES - 1;
}

/* All that was asked for is taken, and begun. */
static void show(void)
{
    RING_PUSH_REQUESTS(&front);
    while (work_batch(work) > 0)
        work_answer(work);
    work_answer(work);
}

/* The next answer: its id and status; id 0: there is none. */
struct answer {
    uint64_t id;
    int status;
};
static struct answer answer(void)
{
    if (front.rsp_cons == ((blkif_sring_t *)(void *)shared)->rsp_prod)
        return (struct answer){0};
    const blkif_response_t *r = RING_GET_RESPONSE(&front, front.rsp_cons);
    front.rsp_cons++;
    return (struct answer){r->id, r->status};
}

static void expect(uint64_t id, int status)
{
    show();
    struct answer a = answer();
    ck_assert_msg(a.id == id && a.status == status, "answered %d with %d, not %d with %d", (int)a.id,
                  a.status, (int)id, status);
}

static void expect_none(void)
{
    show();
    ck_assert_uint_eq(answer().id, 0);
}

static void expect_log(const char *want)
{
    show();
    ck_assert_str_eq(fake_log(&engine), want);
}

/* The first flush of a worker's is one of the disk's: nobody knows what was before. */
static void flush_first(void)
{
    uint64_t id = ask_flush();
    expect_none();
    fake_end_kind(&engine, IO_FLUSH, 0);
    expect(id, BLKIF_RSP_OKAY);
    expect_log("f");
}

/* ---- order ---- */

START_TEST(any_order)
{
    uint64_t ids[5];
    begin_ring(1, contents);
    for (int i = 0; i < 5; i++)
        memset(contents + (size_t)i * RING_PAGE, 'a' + i, RING_PAGE);
    for (uint32_t i = 0; i < 5; i++)
        ids[i] = ask(BLKIF_OP_READ, i * 8ULL, i);
    expect_none();
    ck_assert_uint_eq(engine.n, 5);
    fake_end(&engine, 3, 0);
    expect(ids[3], BLKIF_RSP_OKAY);
    ck_assert_int_eq(memory[3][RING_PAGE - 1], 'd');
    ck_assert_int_ne(memory[0][0], 'a'); /* not before it is done */
    fake_end(&engine, 0, -EIO);
    fake_end(&engine, 2, 0); /* the fifth: both in one batch, as they ended */
    expect(ids[0], BLKIF_RSP_ERROR);
    expect(ids[4], BLKIF_RSP_OKAY);
    ck_assert_int_ne(memory[0][0], 'a'); /* nor what failed */
    fake_end(&engine, 1, 0);
    expect(ids[2], BLKIF_RSP_OKAY);
    fake_end(&engine, 0, 0);
    expect(ids[1], BLKIF_RSP_OKAY);
    ck_assert_uint_eq(progressed, 5);
    end_ring();
}
END_TEST

/* Places of the ring are used again while an old request is under way: its answer is still its own. */
START_TEST(one_is_slow)
{
    begin_ring(1, NULL);
    uint64_t slow = ask(BLKIF_OP_READ, 0, 0);
    expect_none();
    for (int i = 0; i < 500; i++) {
        uint64_t id = ask(BLKIF_OP_READ, 8, 1);
        expect_none();
        fake_end(&engine, 1, 0);
        expect(id, BLKIF_RSP_OKAY);
    }
    fake_end(&engine, 0, -EIO);
    expect(slow, BLKIF_RSP_ERROR);
    end_ring();
}
END_TEST

START_TEST(at_once)
{
    begin_ring(1, contents);
    engine.at_once = true;
    memset(memory[0], 'x', RING_PAGE);
    uint64_t write = ask(BLKIF_OP_WRITE, 8, 0), flush = ask_flush(), read = ask(BLKIF_OP_READ, 8, 1);
    expect(write, BLKIF_RSP_OKAY);
    expect(flush, BLKIF_RSP_OKAY);
    expect(read, BLKIF_RSP_OKAY);
    ck_assert_mem_eq(memory[0], memory[1], RING_PAGE);
    expect_log("wfr");
    end_ring();
}
END_TEST

/* ---- flushes ---- */

START_TEST(slow_flush)
{
    begin_ring(1, NULL);
    uint64_t write = ask(BLKIF_OP_WRITE, 0, 0);
    expect_none();
    fake_end_kind(&engine, IO_WRITE, 0);
    expect(write, BLKIF_RSP_OKAY);
    uint64_t flush = ask_flush();
    for (int i = 0; i < 200; i++) { /* six times round the ring */
        uint64_t id = ask(i % 2 ? BLKIF_OP_READ : BLKIF_OP_WRITE, 8, 1);
        expect_none();
        fake_end_kind(&engine, i % 2 ? IO_READ : IO_WRITE, 0);
        expect(id, BLKIF_RSP_OKAY);
    }
    ck_assert_uint_eq(engine.count[IO_FLUSH], 1);
    fake_end_kind(&engine, IO_FLUSH, 0);
    expect(flush, BLKIF_RSP_OKAY);
    end_ring();
}
END_TEST

START_TEST(no_flush_without_a_write)
{
    begin_ring(1, NULL);
    flush_first();
    uint64_t id = ask_flush();
    expect(id, BLKIF_RSP_OKAY);
    expect_log("");
    uint64_t read = ask(BLKIF_OP_READ, 0, 0);
    expect_none();
    fake_end(&engine, 0, 0);
    expect(read, BLKIF_RSP_OKAY);
    id = ask_flush();
    expect(id, BLKIF_RSP_OKAY);
    expect_log("r");
    uint64_t discard = ask_discard();
    expect_none();
    fake_end(&engine, 0, 0);
    expect(discard, BLKIF_RSP_OKAY);
    expect_log("d");
    id = ask_flush();
    expect_log("f");
    fake_end(&engine, 0, 0);
    expect(id, BLKIF_RSP_OKAY);
    /* a write that failed may have written some of it */
    uint64_t write = ask(BLKIF_OP_WRITE, 0, 0);
    expect_none();
    fake_end(&engine, 0, -EIO);
    expect(write, BLKIF_RSP_ERROR);
    id = ask_flush();
    expect_log("wf");
    fake_end(&engine, 0, 0);
    expect(id, BLKIF_RSP_OKAY);
    end_ring();
}
END_TEST

START_TEST(flushes_together)
{
    begin_ring(1, NULL);
    uint64_t first = ask_flush(), second = ask_flush();
    expect_log("f"); /* one for both */
    uint64_t write = ask(BLKIF_OP_WRITE, 0, 0);
    expect_none();
    fake_end_kind(&engine, IO_WRITE, 0);
    expect(write, BLKIF_RSP_OKAY);
    uint64_t third = ask_flush(), fourth = ask_flush();
    expect_log("w"); /* not yet: the one that is under way does not do for what was written since */
    fake_end_kind(&engine, IO_FLUSH, 0);
    show();
    struct answer a = answer(), b = answer();
    ck_assert(a.id + b.id == first + second && a.id != b.id && !a.status && !b.status);
    expect_log("f");
    fake_end_kind(&engine, IO_FLUSH, 0);
    show();
    a = answer(), b = answer();
    ck_assert(a.id + b.id == third + fourth && a.id != b.id && !a.status && !b.status);
    end_ring();
}
END_TEST

START_TEST(failed_flush)
{
    begin_ring(1, contents);
    uint64_t write = ask(BLKIF_OP_WRITE, 0, 0);
    expect_none();
    fake_end(&engine, 0, 0);
    expect(write, BLKIF_RSP_OKAY);
    uint64_t flush = ask_flush();
    write = ask(BLKIF_OP_WRITE, 0, 0);
    expect_none();
    fake_end_kind(&engine, IO_WRITE, 0);
    expect(write, BLKIF_RSP_OKAY);
    uint64_t waits = ask_flush();
    expect_none();
    fake_end_kind(&engine, IO_FLUSH, -EIO);
    show();
    struct answer a = answer(), b = answer();
    ck_assert(a.id + b.id == flush + waits && a.status == BLKIF_RSP_ERROR && b.status == BLKIF_RSP_ERROR);
    ck_assert_uint_eq(lost, 1);
    ck_assert_uint_eq(journal.lost, EIO);
    fake_log(&engine);
    /* never again, and without asking the disk */
    for (int i = 0; i < 3; i++) {
        flush = ask_flush();
        expect(flush, BLKIF_RSP_ERROR);
        uint64_t barrier = ask(BLKIF_OP_WRITE_BARRIER, 0, 0);
        expect(barrier, BLKIF_RSP_ERROR);
    }
    expect_log("");
    uint64_t read = ask(BLKIF_OP_READ, 0, 1);
    expect_log("r");
    fake_end(&engine, 0, 0);
    expect(read, BLKIF_RSP_OKAY);
    write = ask(BLKIF_OP_WRITE, 0, 1);
    expect_log("w");
    fake_end(&engine, 0, 0);
    expect(write, BLKIF_RSP_OKAY);
    /* nor for the worker that comes after this one, on another ring */
    end_ring();
    uint64_t was = journal.lost;
    make_ring(1);
    begin_work(1);
    ck_assert_uint_eq(journal.lost, was);
    flush = ask_flush();
    expect(flush, BLKIF_RSP_ERROR);
    ck_assert_uint_eq(lost, 1); /* it knows already */
    end_ring();
}
END_TEST

/* ---- barriers ---- */

START_TEST(write_barrier)
{
    begin_ring(1, NULL);
    uint64_t before = ask(BLKIF_OP_WRITE, 0, 0), barrier = ask(BLKIF_OP_WRITE_BARRIER, 8, 1),
             after = ask(BLKIF_OP_READ, 8, 2), last = ask_flush();
    expect_log("w"); /* nothing beside what came before it */
    fake_end(&engine, 0, 0);
    expect(before, BLKIF_RSP_OKAY);
    expect_log("f");
    fake_end(&engine, 0, 0);
    expect_log("w");
    expect_none();
    fake_end(&engine, 0, 0);
    expect_log("f");
    expect_none();
    fake_end(&engine, 0, 0);
    expect(barrier, BLKIF_RSP_OKAY);
    expect(last, BLKIF_RSP_OKAY); /* the barrier's does for it */
    expect_log("r");
    fake_end(&engine, 0, 0);
    expect(after, BLKIF_RSP_OKAY);
    end_ring();
}
END_TEST

START_TEST(barrier_whose_flush_fails)
{
    begin_ring(1, NULL);
    uint64_t before = ask(BLKIF_OP_WRITE, 0, 0), barrier = ask(BLKIF_OP_WRITE_BARRIER, 8, 1),
             after = ask(BLKIF_OP_READ, 8, 2);
    show();
    fake_end(&engine, 0, 0);
    expect(before, BLKIF_RSP_OKAY);
    fake_end_kind(&engine, IO_FLUSH, -ENOSPC);
    expect(barrier, BLKIF_RSP_ERROR);
    ck_assert_uint_eq(engine.count[IO_WRITE], 1); /* its write was never begun */
    fake_end_kind(&engine, IO_READ, 0);
    expect(after, BLKIF_RSP_OKAY);
    end_ring();
}
END_TEST

/* ---- memory ---- */

START_TEST(out_of_memory)
{
    struct blkif_request_segment *d = (struct blkif_request_segment *)(void *)memory[GUEST_PAGES - 1];
    for (uint32_t i = 0; i < INDIRECT_SEGMENTS_MAX; i++)
        d[i] = (struct blkif_request_segment){.gref = i % (GUEST_PAGES - 1), .first_sect = 0, .last_sect = 7};
    begin_ring(8, NULL);
    unsigned n = RING_SIZE(&front), answered = 0;
    ck_assert_uint_eq(n, 256);
    for (unsigned i = 0; i < n; i++)
        ask_large(i % 3 ? BLKIF_OP_READ : BLKIF_OP_WRITE);
    expect_none();
    ck_assert_uint_ge(engine.n, 32);
    ck_assert_uint_lt(engine.n, n);
    ck_assert(work_sleeps(work)); /* who waits does not spin */
    srand(1);
    while (answered < n) {
        ck_assert_uint_gt(engine.n_started, 0);
        fake_end(&engine, (size_t)rand() % engine.n_started, 0);
        show();
        for (struct answer a; (a = answer()).id != 0; answered++)
            ck_assert_int_eq(a.status, BLKIF_RSP_OKAY);
    }
    ck_assert_uint_le(engine.bytes_max, 34 << 20);
    uint64_t small = ask(BLKIF_OP_READ, 0, 0); /* all is free again */
    expect_none();
    fake_end(&engine, 0, 0);
    expect(small, BLKIF_RSP_OKAY);
    end_ring();
}
END_TEST

/* ---- what else there is ---- */

START_TEST(errors)
{
    begin_ring(1, NULL);
    uint64_t discard = ask_discard();
    expect_none();
    fake_end(&engine, 0, -EOPNOTSUPP);
    expect(discard, BLKIF_RSP_EOPNOTSUPP);
    discard = ask_discard();
    expect_none();
    fake_end(&engine, 0, -EIO);
    expect(discard, BLKIF_RSP_ERROR);
    uint64_t bad_page = ask(BLKIF_OP_WRITE, 0, GUEST_PAGES); /* of no guest */
    expect(bad_page, BLKIF_RSP_ERROR);
    uint64_t outside = ask(BLKIF_OP_READ, SECTORS, 0);
    expect(outside, BLKIF_RSP_ERROR);
    uint64_t unknown = slot(77)->id;
    expect(unknown, BLKIF_RSP_EOPNOTSUPP);
    expect_log("dd");
    end_ring();
}
END_TEST

/* What is alone is waited for, and meanwhile another comes. */
static void another_comes(void)
{
    engine.started = NULL;
    ask(BLKIF_OP_READ, 8, 1);
    RING_PUSH_REQUESTS(&front);
    fake_end(&engine, 0, 0);
}

static void one_alone(bool told)
{
    uint64_t id = ask(BLKIF_OP_READ, 0, 0);
    RING_PUSH_REQUESTS(&front);
    ck_assert_int_gt(work_batch(work), 0);
    ck_assert_int_eq(engine.engine.alone, told);
    fake_end(&engine, 0, 0);
    expect(id, BLKIF_RSP_OKAY);
}

/* Whether the engine is told that a request is alone: after some that were, and until one comes that is not.
 */
START_TEST(alone)
{
    begin_ring(1, NULL);
    for (int i = 0; i < 40; i++)
        one_alone(i >= 15);
    engine.started = another_comes;
    uint64_t first = ask(BLKIF_OP_READ, 0, 0);
    expect(first, BLKIF_RSP_OKAY);
    ck_assert(!engine.started);
    fake_end(&engine, 0, 0);
    expect(first + 1, BLKIF_RSP_OKAY);
    for (int i = 0; i < 40; i++)
        one_alone(i >= 14); /* that one was the first that was alone */
    for (int together = 0; together < 2;
         together++) { /* two at once, or the second while the first is done */
        ask(BLKIF_OP_READ, 0, 0);
        if (!together)
            show();
        ask(BLKIF_OP_READ, 0, 0);
        show();
        ck_assert(!engine.engine.alone);
        fake_end(&engine, 0, 0);
        fake_end(&engine, 0, 0);
        show();
        ck_assert(answer().id && answer().id);
        ask(BLKIF_OP_READ, 0, 0);
        RING_PUSH_REQUESTS(&front);
        work_batch(work);
        ck_assert(!engine.engine.alone);
        fake_end(&engine, 0, 0);
        show();
        ck_assert(answer().id);
    }
    end_ring();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("block work");
    TCase *t = tcase_create("order");
    tcase_add_test(t, any_order);
    tcase_add_test(t, one_is_slow);
    tcase_add_test(t, at_once);
    suite_add_tcase(s, t);
    t = tcase_create("flushes");
    tcase_add_test(t, slow_flush);
    tcase_add_test(t, no_flush_without_a_write);
    tcase_add_test(t, flushes_together);
    tcase_add_test(t, failed_flush);
    tcase_add_test(t, write_barrier);
    tcase_add_test(t, barrier_whose_flush_fails);
    suite_add_tcase(s, t);
    t = tcase_create("the rest");
    tcase_add_test(t, out_of_memory);
    tcase_add_test(t, errors);
    tcase_add_test(t, alone);
    suite_add_tcase(s, t);
    return run_suite(s);
}
