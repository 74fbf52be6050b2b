/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/blkif.h"

#include <errno.h>
#include <string.h>
#include <xen/io/protocols.h>

/* Offsets of the fields whose places differ; those before `id` are the same for all. */
struct layout {
    uint32_t slot_size;
    uint8_t id, sector, segments, n_sectors, descriptors;
    uint8_t response_op, response_status;
};

static const struct layout layouts[] = {
    [BLKIF_ABI_32] = {.slot_size = 108,
                      .id = 4,
                      .sector = 12,
                      .segments = 20,
                      .n_sectors = 20,
                      .descriptors = 24,
                      .response_op = 8,
                      .response_status = 10},
    [BLKIF_ABI_64] = {.slot_size = 112,
                      .id = 8,
                      .sector = 16,
                      .segments = 24,
                      .n_sectors = 24,
                      .descriptors = 28,
                      .response_op = 8,
                      .response_status = 10},
};

enum {
    OP = 0,
    N_SEGMENTS = 1,
    DISCARD_FLAG = 1,
    INDIRECT_OP = 1,
    INDIRECT_N_SEGMENTS = 2,
    SLOT_SIZE_MAX = 112
};

#ifdef __i386__
enum { NATIVE = BLKIF_ABI_32, NATIVE_SLOT = 108 };
#else
enum { NATIVE = BLKIF_ABI_64, NATIVE_SLOT = 112 };
_Static_assert(offsetof(struct blkif_request, seg) == 24, "the 64-bit layout");
_Static_assert(offsetof(struct blkif_request_indirect, indirect_grefs) == 28, "the 64-bit layout");
_Static_assert(offsetof(struct blkif_request_discard, nr_sectors) == 24, "the 64-bit layout");
#endif
_Static_assert(sizeof(union blkif_sring_entry) == NATIVE_SLOT, "our own layout");
_Static_assert(sizeof(struct blkif_request_segment) == 8, "the same in all layouts");

bool blkif_abi_parse(const char *protocol, enum blkif_abi *ret_abi)
{
    static const struct {
        const char *name;
        enum blkif_abi abi;
    } known[] = {
        {XEN_IO_PROTO_ABI_X86_32, BLKIF_ABI_32},
        {XEN_IO_PROTO_ABI_X86_64, BLKIF_ABI_64},
        {XEN_IO_PROTO_ABI_ARM, BLKIF_ABI_64},
    };
    if (!protocol) {
        *ret_abi = (enum blkif_abi)NATIVE;
        return true;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].name, protocol) == 0) {
            *ret_abi = known[i].abi;
            return true;
        }
    }
    return false;
}

unsigned ring_order_max(long page_size)
{
    return page_size == RING_PAGE ? 3 : 0; /* RING_PAGES_MAX */
}

uint32_t ring_slots(enum blkif_abi abi, unsigned n_pages)
{
    uint32_t fit =
        (n_pages * RING_PAGE - (uint32_t)offsetof(struct blkif_sring, ring)) / layouts[abi].slot_size;
    uint32_t n = 1;
    while (n * 2 <= fit)
        n *= 2;
    return n;
}

void ring_attach(struct ring *r, void *shared, unsigned n_pages, enum blkif_abi abi)
{
    *r = (struct ring){.shared = shared, .abi = abi, .n_slots = ring_slots(abi, n_pages)};
    r->taken = r->put = r->pushed = __atomic_load_n(&r->shared->rsp_prod, __ATOMIC_ACQUIRE);
}

/* The last eight bytes before the first slot: past what other types of devices have put into the header. */
static uint64_t *name(const struct ring *r)
{
    return (uint64_t *)(void *)((char *)r->shared + offsetof(struct blkif_sring, ring) - sizeof(uint64_t));
}

uint64_t ring_name(const struct ring *r)
{
    return __atomic_load_n(name(r), __ATOMIC_RELAXED);
}

void ring_set_name(struct ring *r, uint64_t value)
{
    __atomic_store_n(name(r), value, __ATOMIC_RELAXED);
}

int ring_available(const struct ring *r)
{
    uint32_t made = __atomic_load_n(&r->shared->req_prod, __ATOMIC_ACQUIRE);
    if (made - r->put > r->n_slots || made - r->put < r->taken - r->put)
        return -EPROTO;
    return (int)(made - r->taken);
}

static unsigned char *slot(const struct ring *r, uint32_t index)
{
    unsigned char *first = (unsigned char *)r->shared->ring;
    return first + (size_t)(index & (r->n_slots - 1)) * layouts[r->abi].slot_size;
}

static void decode(const struct layout *l, const unsigned char *raw, struct request *ret_request)
{
    struct request q = {.op = raw[OP], .indirect = raw[OP] == BLKIF_OP_INDIRECT};
    memcpy(&q.id, raw + l->id, sizeof q.id);
    memcpy(&q.sector, raw + l->sector, sizeof q.sector);
    if (q.indirect) {
        q.op = raw[INDIRECT_OP];
        memcpy(&q.n_segments, raw + INDIRECT_N_SEGMENTS, sizeof q.n_segments);
        memcpy(&q.descriptors, raw + l->descriptors, sizeof q.descriptors);
    } else if (q.op == BLKIF_OP_DISCARD) {
        q.secure = raw[DISCARD_FLAG] & BLKIF_DISCARD_SECURE;
        memcpy(&q.n_sectors, raw + l->n_sectors, sizeof q.n_sectors);
    } else {
        q.n_segments = raw[N_SEGMENTS];
        memcpy(q.segments, raw + l->segments, sizeof q.segments);
    }
    *ret_request = q;
}

void ring_copy(const struct ring *r, struct request *ret_request)
{
    const struct layout *l = &layouts[r->abi];
    unsigned char raw[SLOT_SIZE_MAX] = {0};
    memcpy(raw, slot(r, r->taken), l->slot_size);
    /* nor may the compiler read from the slot again what it has in the copy */
    __asm__ volatile("" : : : "memory");
    decode(l, raw, ret_request);
}

void ring_step(struct ring *r)
{
    r->taken++;
}

void ring_put(struct ring *r, const struct response *response)
{
    const struct layout *l = &layouts[r->abi];
    unsigned char *to = slot(r, r->put);
    memcpy(to, &response->id, sizeof response->id);
    to[l->response_op] = response->op;
    memcpy(to + l->response_status, &response->status, sizeof response->status);
    r->put++;
}

bool ring_push(struct ring *r)
{
    struct blkif_sring *s = r->shared;
    uint32_t old = r->pushed;
    r->pushed = r->put;
    __atomic_store_n(&s->rsp_prod, r->put, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint32_t event = __atomic_load_n(&s->rsp_event, __ATOMIC_RELAXED);
    return r->put - event < r->put - old;
}

bool ring_sleep(struct ring *r)
{
    if (ring_available(r) != 0)
        return true;
    __atomic_store_n(&r->shared->req_event, r->taken + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return ring_available(r) != 0;
}
