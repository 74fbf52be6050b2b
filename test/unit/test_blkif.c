/* SPDX-License-Identifier: MIT */
/* The ring in each of its layouts, and its indices. */
#include <check.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "reconcilers/block/blkif.h"
#include "test/lib/unit.h"

/* What a 32-bit x86 guest means by the structs of xen/io/blkif.h. */
#pragma pack(push, 4)
struct request_32 {
    uint8_t operation, nr_segments;
    uint16_t handle;
    uint64_t id, sector_number;
    struct blkif_request_segment seg[11];
};
struct discard_32 {
    uint8_t operation, flag;
    uint16_t handle;
    uint64_t id, sector_number, nr_sectors;
};
struct indirect_32 {
    uint8_t operation, indirect_op;
    uint16_t nr_segments;
    uint64_t id, sector_number;
    uint16_t handle;
    uint32_t indirect_grefs[8];
    uint64_t pad;
};
struct response_32 {
    uint64_t id;
    uint8_t operation;
    int16_t status;
};
#pragma pack(pop)

enum { FIRST_SLOT = 64, STARTS = 3 };
static const size_t slot_size[] = {[BLKIF_ABI_32] = 108, [BLKIF_ABI_64] = 112};
static const uint32_t starts[STARTS] = {0, 0xfffffffe, 77}; /* indices at which a ring may be */

struct fixture {
    enum blkif_abi abi;
    struct blkif_sring *shared;
    struct ring ring;
};

static struct fixture set_up(enum blkif_abi abi, unsigned n_pages, uint32_t at)
{
    struct fixture f = {.abi = abi, .shared = calloc(n_pages, RING_PAGE)};
    ck_assert_ptr_nonnull(f.shared);
    f.shared->req_prod = f.shared->rsp_prod = at;
    ring_attach(&f.ring, f.shared, n_pages, abi);
    return f;
}

static unsigned char *slot(struct fixture *f, uint32_t index)
{
    return (unsigned char *)f->shared + FIRST_SLOT + (index & (f->ring.n_slots - 1)) * slot_size[f->abi];
}

/* Loop index: layout and start. */
static struct fixture each(int i)
{
    return set_up(i % 2 ? BLKIF_ABI_32 : BLKIF_ABI_64, 1, starts[i / 2]);
}
enum { EACH = 2 * STARTS };

START_TEST(test_protocols)
{
    enum blkif_abi abi = BLKIF_ABI_32;
    ck_assert(blkif_abi_parse("x86_64-abi", &abi) && abi == BLKIF_ABI_64);
    ck_assert(blkif_abi_parse("x86_32-abi", &abi) && abi == BLKIF_ABI_32);
    ck_assert(blkif_abi_parse("arm-abi", &abi) && abi == BLKIF_ABI_64);
    ck_assert(blkif_abi_parse(NULL, &abi));
    ck_assert_int_eq(abi, sizeof(union blkif_sring_entry) == 112 ? BLKIF_ABI_64 : BLKIF_ABI_32);
    ck_assert(!blkif_abi_parse("", &abi));
    ck_assert(!blkif_abi_parse("x86_16-abi", &abi));
}
END_TEST

START_TEST(test_slots)
{
    for (unsigned order = 0; order <= 3; order++) {
        ck_assert_uint_eq(ring_slots(BLKIF_ABI_64, 1U << order), 32U << order);
        ck_assert_uint_eq(ring_slots(BLKIF_ABI_32, 1U << order), 32U << order);
    }
    ck_assert_uint_eq(ring_slots(BLKIF_ABI_32, RING_PAGES_MAX), RING_SLOTS_MAX);
}
END_TEST

START_TEST(test_transfer)
{
    struct fixture f = each(_i);
    struct request q;
    struct blkif_request a = {.operation = BLKIF_OP_WRITE, .nr_segments = 11, .id = 0x1122334455667788};
    struct request_32 b = {.operation = BLKIF_OP_WRITE, .nr_segments = 11, .id = 0x1122334455667788};
    a.sector_number = b.sector_number = 0x99aabbccddeeff00;
    for (uint8_t i = 0; i < 11; i++)
        a.seg[i] = b.seg[i] =
            (struct blkif_request_segment){.gref = 1000U + i, .first_sect = i, .last_sect = 7};
    for (uint32_t i = starts[_i / 2], n = 0; n < 70; i++, n++) {
        memset(f.shared->ring, 0xa5, RING_PAGE - FIRST_SLOT);
        memcpy(slot(&f, i), f.abi == BLKIF_ABI_32 ? (void *)&b : &a,
               f.abi == BLKIF_ABI_32 ? sizeof b : sizeof a);
        ring_copy(&f.ring, &q);
        ring_step(&f.ring);
        ck_assert_uint_eq(q.op, BLKIF_OP_WRITE);
        ck_assert(!q.indirect);
        ck_assert_uint_eq(q.n_segments, 11);
        ck_assert_uint_eq(q.id, a.id);
        ck_assert_uint_eq(q.sector, a.sector_number);
        ck_assert_mem_eq(q.segments, a.seg, sizeof a.seg);
    }
    free(f.shared);
}
END_TEST

START_TEST(test_indirect)
{
    struct fixture f = each(_i);
    struct request q;
    struct blkif_request_indirect a = {.operation = BLKIF_OP_INDIRECT, .indirect_op = BLKIF_OP_READ};
    struct indirect_32 b = {.operation = BLKIF_OP_INDIRECT, .indirect_op = BLKIF_OP_READ};
    a.nr_segments = b.nr_segments = 0x102;
    a.id = b.id = 5;
    a.sector_number = b.sector_number = 6;
    a.handle = b.handle = 0xffff;
    a.indirect_grefs[0] = b.indirect_grefs[0] = 0x12345678;
    memcpy(slot(&f, starts[_i / 2]), f.abi == BLKIF_ABI_32 ? (void *)&b : &a, sizeof a);
    ring_copy(&f.ring, &q);
    ck_assert(q.indirect);
    ck_assert_uint_eq(q.op, BLKIF_OP_READ);
    ck_assert_uint_eq(q.n_segments, 0x102);
    ck_assert_uint_eq(q.id, 5);
    ck_assert_uint_eq(q.sector, 6);
    ck_assert_uint_eq(q.descriptors, 0x12345678);
    free(f.shared);
}
END_TEST

START_TEST(test_discard)
{
    struct fixture f = each(_i);
    struct request q;
    struct blkif_request_discard a = {.operation = BLKIF_OP_DISCARD, .flag = 1, .id = 1};
    struct discard_32 b = {.operation = BLKIF_OP_DISCARD, .flag = 1, .id = 1};
    a.sector_number = b.sector_number = 2;
    a.nr_sectors = b.nr_sectors = UINT64_MAX - 1;
    memcpy(slot(&f, starts[_i / 2]), f.abi == BLKIF_ABI_32 ? (void *)&b : &a,
           f.abi == BLKIF_ABI_32 ? sizeof b : sizeof a);
    ring_copy(&f.ring, &q);
    ck_assert_uint_eq(q.op, BLKIF_OP_DISCARD);
    ck_assert_uint_eq(q.n_segments, 0);
    ck_assert_uint_eq(q.sector, 2);
    ck_assert_uint_eq(q.n_sectors, UINT64_MAX - 1);
    free(f.shared);
}
END_TEST

START_TEST(test_response)
{
    struct fixture f = each(_i);
    uint32_t at = starts[_i / 2];
    struct response_32 b;
    struct blkif_response a;
    ring_put(&f.ring, &(struct response){.id = 0x8877665544332211, .op = BLKIF_OP_DISCARD, .status = -2});
    memcpy(&a, slot(&f, at), sizeof a);
    memcpy(&b, slot(&f, at), sizeof b);
    ck_assert_uint_eq(f.abi == BLKIF_ABI_32 ? b.id : a.id, 0x8877665544332211);
    ck_assert_int_eq(f.abi == BLKIF_ABI_32 ? b.operation : a.operation, BLKIF_OP_DISCARD);
    ck_assert_int_eq(f.abi == BLKIF_ABI_32 ? b.status : a.status, -2);
    ck_assert_uint_eq(f.shared->rsp_prod, at); /* not before it is pushed */
    ring_push(&f.ring);
    ck_assert_uint_eq(f.shared->rsp_prod, at + 1);
    free(f.shared);
}
END_TEST

START_TEST(test_available)
{
    struct fixture f = each(_i);
    uint32_t at = starts[_i / 2];
    ck_assert_int_eq(ring_available(&f.ring), 0);
    f.shared->req_prod = at + 32;
    ck_assert_int_eq(ring_available(&f.ring), 32);
    f.shared->req_prod = at + 33; /* more than fit */
    ck_assert_int_eq(ring_available(&f.ring), -EPROTO);
    f.shared->req_prod = at + 3;
    ring_step(&f.ring);
    ring_step(&f.ring);
    ck_assert_int_eq(ring_available(&f.ring), 1);
    f.shared->req_prod = at + 1; /* takes back what we have */
    ck_assert_int_eq(ring_available(&f.ring), -EPROTO);
    f.shared->req_prod = at - 1;
    ck_assert_int_eq(ring_available(&f.ring), -EPROTO);
    f.shared->req_prod = at + 33; /* one was answered: its slot may be used again */
    ring_put(&f.ring, &(struct response){0});
    ck_assert_int_eq(ring_available(&f.ring), 31);
    free(f.shared);
}
END_TEST

START_TEST(test_notify)
{
    struct fixture f = each(_i);
    uint32_t at = starts[_i / 2];
    struct response r = {0};
    f.shared->req_prod = at + 8;
    for (int i = 0; i < 8; i++)
        ring_step(&f.ring);
    f.shared->rsp_event = at + 2; /* tell me of the second */
    ring_put(&f.ring, &r);
    ck_assert(!ring_push(&f.ring));
    ring_put(&f.ring, &r);
    ck_assert(ring_push(&f.ring));
    ring_put(&f.ring, &r);
    ck_assert(!ring_push(&f.ring));
    f.shared->rsp_event = at + 4;
    ring_put(&f.ring, &r);
    ring_put(&f.ring, &r);
    ck_assert(ring_push(&f.ring)); /* the one asked for is among them */
    f.shared->rsp_event = at + 6;
    f.shared->rsp_prod = at + 6; /* what the guest scribbles there does not matter */
    ring_put(&f.ring, &r);
    ck_assert(ring_push(&f.ring));
    free(f.shared);
}
END_TEST

START_TEST(test_sleep)
{
    struct fixture f = each(_i);
    uint32_t at = starts[_i / 2];
    f.shared->req_event = at - 5;
    f.shared->req_prod = at + 1;
    ck_assert(ring_sleep(&f.ring));
    ck_assert_uint_eq(f.shared->req_event, at - 5); /* we are awake: no events wanted */
    ring_step(&f.ring);
    ck_assert(!ring_sleep(&f.ring));
    ck_assert_uint_eq(f.shared->req_event, at + 2);
    f.shared->req_prod = at + 100;
    ck_assert(ring_sleep(&f.ring)); /* broken is news, too */
    free(f.shared);
}
END_TEST

START_TEST(test_order_by_page)
{
    ck_assert_uint_eq(ring_order_max(4096), 3);
    ck_assert_uint_eq(1U << ring_order_max(4096), RING_PAGES_MAX);
    ck_assert_uint_eq(ring_order_max(16384), 0);
    ck_assert_uint_eq(ring_order_max(65536), 0);
    ck_assert_uint_eq(ring_order_max(-1), 0); /* sysconf() does not know */
}
END_TEST

int main(void)
{
    Suite *s = suite_create("blkif");
    TCase *t = tcase_create("ring");
    tcase_add_test(t, test_protocols);
    tcase_add_test(t, test_slots);
    tcase_add_test(t, test_order_by_page);
    tcase_add_loop_test(t, test_transfer, 0, EACH);
    tcase_add_loop_test(t, test_indirect, 0, EACH);
    tcase_add_loop_test(t, test_discard, 0, EACH);
    tcase_add_loop_test(t, test_response, 0, EACH);
    tcase_add_loop_test(t, test_available, 0, EACH);
    tcase_add_loop_test(t, test_notify, 0, EACH);
    tcase_add_loop_test(t, test_sleep, 0, EACH);
    suite_add_tcase(s, t);
    return run_suite(s);
}
