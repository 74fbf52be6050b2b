/* SPDX-License-Identifier: MIT */
/* Which requests a disk serves, and what they amount to. */
#include <check.h>

#include "reconcilers/block/request.h"
#include "test/lib/unit.h"

#define SECTORS 1000ULL
enum { NONE = 100 /* no status: it is done */ };

static const struct geometry writable = {.sectors = SECTORS, .sector_size = 512, .discard = true};
static const struct geometry read_only = {
    .sectors = SECTORS, .sector_size = 512, .read_only = true, .discard = true};
static const struct geometry plain = {.sectors = SECTORS, .sector_size = 512};
static const struct geometry large = {.sectors = SECTORS, .sector_size = 4096};
static const struct geometry empty = {.sectors = 0, .sector_size = 512, .read_only = true};

/* A segment each: first and last sector in its page. */
struct shape {
    uint8_t first, last;
};
#define PAGE \
    {        \
        0, 7 \
    }

static const struct {
    const char *what;
    const struct geometry *geometry;
    uint8_t op;
    uint16_t n;
    struct shape segments[12];
    uint64_t sector, n_sectors;
    int status; /* BLKIF_RSP_*, or NONE */
    enum job_kind kind;
    uint64_t offset, length;
} cases[] = {
    {"a page", &writable, BLKIF_OP_READ, 1, {PAGE}, 8, 0, NONE, JOB_READ, 4096, 4096},
    {"a sector", &writable, BLKIF_OP_WRITE, 1, {{3, 3}}, 999, 0, NONE, JOB_WRITE, 999 * 512ULL, 512},
    {"pieces", &writable, BLKIF_OP_READ, 3, {{1, 7}, PAGE, {0, 2}}, 0, 0, NONE, JOB_READ, 0, 18 * 512ULL},
    {"the end", &writable, BLKIF_OP_READ, 2, {PAGE, PAGE}, 984, 0, NONE, JOB_READ, 984 * 512ULL, 8192},
    {"over the end", &writable, BLKIF_OP_READ, 2, {PAGE, PAGE}, 985, 0, BLKIF_RSP_ERROR, JOB_REFUSED, 0, 0},
    {"at the end", &writable, BLKIF_OP_READ, 1, {{0, 0}}, 1000, 0, BLKIF_RSP_ERROR, JOB_REFUSED, 0, 0},
    {"far out", &writable, BLKIF_OP_WRITE, 1, {PAGE}, UINT64_MAX, 0, BLKIF_RSP_ERROR, JOB_REFUSED, 0, 0},
    {"wraps", &writable, BLKIF_OP_WRITE, 1, {PAGE}, UINT64_MAX - 6, 0, BLKIF_RSP_ERROR, JOB_REFUSED, 0, 0},
    {"wraps as bytes",
     &writable,
     BLKIF_OP_READ,
     1,
     {PAGE},
     1ULL << 55,
     0,
     BLKIF_RSP_ERROR,
     JOB_REFUSED,
     0,
     0},
    {"no segment", &writable, BLKIF_OP_READ, 0, {{0, 0}}, 0, 0, BLKIF_RSP_ERROR, JOB_REFUSED, 0, 0},
    {"too many", &writable, BLKIF_OP_READ, 12, {PAGE}, 0, 0, BLKIF_RSP_ERROR, JOB_REFUSED, 0, 0},
    {"backwards", &writable, BLKIF_OP_READ, 1, {{4, 3}}, 0, 0, BLKIF_RSP_ERROR, JOB_REFUSED, 0, 0},
    {"a later one backwards",
     &writable,
     BLKIF_OP_READ,
     2,
     {PAGE, {1, 0}},
     0,
     0,
     BLKIF_RSP_ERROR,
     JOB_REFUSED,
     0,
     0},
    {"beyond its page", &writable, BLKIF_OP_READ, 1, {{0, 8}}, 0, 0, BLKIF_RSP_ERROR, JOB_REFUSED, 0, 0},
    {"far beyond", &writable, BLKIF_OP_READ, 1, {{255, 255}}, 0, 0, BLKIF_RSP_ERROR, JOB_REFUSED, 0, 0},
    {"read-only, read", &read_only, BLKIF_OP_READ, 1, {PAGE}, 0, 0, NONE, JOB_READ, 0, 4096},
    {"read-only, write", &read_only, BLKIF_OP_WRITE, 1, {PAGE}, 0, 0, BLKIF_RSP_ERROR, JOB_REFUSED, 0, 0},
    {"read-only, flush", &read_only, BLKIF_OP_FLUSH_DISKCACHE, 0, {{0, 0}}, 0, 0, NONE, JOB_FLUSH, 0, 0},
    {"read-only, flush and write",
     &read_only,
     BLKIF_OP_FLUSH_DISKCACHE,
     1,
     {PAGE},
     0,
     0,
     BLKIF_RSP_ERROR,
     JOB_REFUSED,
     0,
     0},
    {"read-only, discard",
     &read_only,
     BLKIF_OP_DISCARD,
     0,
     {{0, 0}},
     0,
     8,
     BLKIF_RSP_ERROR,
     JOB_REFUSED,
     0,
     0},
    {"no medium", &empty, BLKIF_OP_READ, 1, {{0, 0}}, 0, 0, BLKIF_RSP_ERROR, JOB_REFUSED, 0, 0},
    {"flush", &writable, BLKIF_OP_FLUSH_DISKCACHE, 0, {{0, 0}}, UINT64_MAX, 0, NONE, JOB_FLUSH, 0, 0},
    {"flush and write", &writable, BLKIF_OP_FLUSH_DISKCACHE, 1, {PAGE}, 8, 0, NONE, JOB_WRITE, 4096, 4096},
    {"barrier", &writable, BLKIF_OP_WRITE_BARRIER, 0, {{0, 0}}, UINT64_MAX, 0, NONE, JOB_FLUSH, 0, 0},
    {"barrier and write", &writable, BLKIF_OP_WRITE_BARRIER, 1, {PAGE}, 8, 0, NONE, JOB_WRITE, 4096, 4096},
    {"reserved", &writable, BLKIF_OP_RESERVED_1, 1, {PAGE}, 0, 0, BLKIF_RSP_EOPNOTSUPP, JOB_REFUSED, 0, 0},
    {"unknown", &writable, 255, 1, {PAGE}, 0, 0, BLKIF_RSP_EOPNOTSUPP, JOB_REFUSED, 0, 0},
    {"discard", &writable, BLKIF_OP_DISCARD, 0, {{0, 0}}, 8, 992, NONE, JOB_DISCARD, 4096, 992 * 512ULL},
    {"discard nothing", &writable, BLKIF_OP_DISCARD, 0, {{0, 0}}, 8, 0, BLKIF_RSP_ERROR, JOB_REFUSED, 0, 0},
    {"discard over the end",
     &writable,
     BLKIF_OP_DISCARD,
     0,
     {{0, 0}},
     8,
     993,
     BLKIF_RSP_ERROR,
     JOB_REFUSED,
     0,
     0},
    {"discard wraps",
     &writable,
     BLKIF_OP_DISCARD,
     0,
     {{0, 0}},
     8,
     UINT64_MAX,
     BLKIF_RSP_ERROR,
     JOB_REFUSED,
     0,
     0},
    {"discard, not published",
     &plain,
     BLKIF_OP_DISCARD,
     0,
     {{0, 0}},
     8,
     8,
     BLKIF_RSP_EOPNOTSUPP,
     JOB_REFUSED,
     0,
     0},
    {"4 KiB sectors", &large, BLKIF_OP_WRITE, 2, {{0, 3}, {4, 7}}, 8, 0, NONE, JOB_WRITE, 4096, 4096},
    {"4 KiB sectors, begins within",
     &large,
     BLKIF_OP_READ,
     1,
     {PAGE},
     4,
     0,
     BLKIF_RSP_ERROR,
     JOB_REFUSED,
     0,
     0},
    {"4 KiB sectors, ends within",
     &large,
     BLKIF_OP_READ,
     1,
     {{0, 3}},
     8,
     0,
     BLKIF_RSP_ERROR,
     JOB_REFUSED,
     0,
     0},
};

START_TEST(test_case)
{
    struct request q = {.op = cases[_i].op, .sector = cases[_i].sector, .n_sectors = cases[_i].n_sectors};
    q.n_segments = cases[_i].n;
    for (unsigned i = 0; i < 11; i++)
        q.segments[i] = (struct blkif_request_segment){
            .gref = i, .first_sect = cases[_i].segments[i].first, .last_sect = cases[_i].segments[i].last};
    struct job job = request_check(cases[_i].geometry, &q, NULL);
    ck_assert_msg(job.kind == cases[_i].kind, "%s: %d", cases[_i].what, (int)job.kind);
    if (job.kind == JOB_REFUSED) {
        ck_assert_msg(job.status == cases[_i].status, "%s: %d", cases[_i].what, job.status);
        return;
    }
    ck_assert_int_eq(cases[_i].status, NONE);
    ck_assert_uint_eq(job.offset, cases[_i].offset);
    ck_assert_uint_eq(job.length, cases[_i].length);
    ck_assert_uint_eq(request_descriptors(&q), 0);
    ck_assert_uint_eq(job.flush, q.op == BLKIF_OP_FLUSH_DISKCACHE || q.op == BLKIF_OP_WRITE_BARRIER);
    if (job.kind == JOB_READ || job.kind == JOB_WRITE) {
        ck_assert_ptr_eq(job.segments, q.segments);
        ck_assert_uint_eq(job.n_segments, q.n_segments);
    }
}
END_TEST

/* indirect */

static struct blkif_request_segment many[INDIRECT_SEGMENTS_MAX];

static struct job check_indirect(uint8_t op, uint16_t n, uint32_t *ret_descriptors)
{
    static const struct geometry big = {.sectors = 4096, .sector_size = 512, .discard = true};
    static struct request q;
    q = (struct request){.op = op, .indirect = true, .n_segments = n, .sector = 16, .n_sectors = 1};
    for (int i = 0; i < COUNT(many); i++)
        many[i] = (struct blkif_request_segment){.gref = 1, .last_sect = 7};
    *ret_descriptors = request_descriptors(&q);
    return request_check(&big, &q, *ret_descriptors ? many : NULL);
}

START_TEST(test_indirect)
{
    uint32_t n;
    struct job job = check_indirect(BLKIF_OP_WRITE, 256, &n);
    ck_assert_uint_eq(n, 256);
    ck_assert_int_eq(job.kind, JOB_WRITE);
    ck_assert_uint_eq(job.offset, 16 * 512ULL);
    ck_assert_uint_eq(job.length, 1 << 20);
    ck_assert_ptr_eq(job.segments, many);
    job = check_indirect(BLKIF_OP_READ, 1, &n);
    ck_assert_uint_eq(n, 1);
    ck_assert_int_eq(job.kind, JOB_READ);
    ck_assert_uint_eq(job.length, 4096);
}
END_TEST

static const struct {
    uint8_t op;
    uint16_t n;
    int status;
} refused[] = {
    {BLKIF_OP_READ, 0, BLKIF_RSP_ERROR},
    {BLKIF_OP_READ, 257, BLKIF_RSP_ERROR},
    {BLKIF_OP_WRITE, 65535, BLKIF_RSP_ERROR},
    {BLKIF_OP_FLUSH_DISKCACHE, 0, BLKIF_RSP_ERROR},
    {BLKIF_OP_FLUSH_DISKCACHE, 1, BLKIF_RSP_ERROR},
    {BLKIF_OP_DISCARD, 1, BLKIF_RSP_ERROR},
    {BLKIF_OP_WRITE_BARRIER, 1, BLKIF_RSP_ERROR},
    {BLKIF_OP_INDIRECT, 1, BLKIF_RSP_EOPNOTSUPP},
};

START_TEST(test_indirect_refused)
{
    uint32_t n;
    struct job job = check_indirect(refused[_i].op, refused[_i].n, &n);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(job.kind, JOB_REFUSED);
    ck_assert_int_eq(job.status, refused[_i].status);
}
END_TEST

/* What has a flush on either side of it, and what is alone. */
START_TEST(test_order)
{
    static const struct {
        uint8_t op;
        bool flush, barrier;
    } orders[] = {{BLKIF_OP_WRITE, false, false},
                  {BLKIF_OP_FLUSH_DISKCACHE, true, false},
                  {BLKIF_OP_WRITE_BARRIER, true, true}};
    for (uint8_t n = 0; n < 2; n++) {
        struct request q = {
            .op = orders[_i].op, .n_segments = n, .segments = {{.first_sect = 0, .last_sect = 7}}};
        struct job job = request_check(&writable, &q, NULL);
        if (job.kind == JOB_REFUSED) /* a write of nothing */
            continue;
        ck_assert_int_eq(job.flush, orders[_i].flush);
        ck_assert_int_eq(job.barrier, orders[_i].barrier);
    }
}
END_TEST

START_TEST(test_secure_discard)
{
    struct request q = {.op = BLKIF_OP_DISCARD, .n_sectors = 8, .secure = true};
    struct job job = request_check(&writable, &q, NULL);
    ck_assert_int_eq(job.kind, JOB_REFUSED);
    ck_assert_int_eq(job.status, BLKIF_RSP_EOPNOTSUPP);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("block_request");
    TCase *t = tcase_create("request");
    tcase_add_loop_test(t, test_case, 0, COUNT(cases));
    tcase_add_test(t, test_indirect);
    tcase_add_loop_test(t, test_indirect_refused, 0, COUNT(refused));
    tcase_add_loop_test(t, test_order, 0, 3);
    tcase_add_test(t, test_secure_discard);
    suite_add_tcase(s, t);
    return run_suite(s);
}
