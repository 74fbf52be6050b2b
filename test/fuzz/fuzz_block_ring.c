/* SPDX-License-Identifier: MIT */
/* A guest that fills its ring with anything: what is taken from it never reaches beyond the disk, never has
 * more segments than there may be, and never makes more memory necessary than the worker has; what is
 * answered stays in its slot; and whatever a worker left in its state file, the next one takes no more than
 * fits the ring from it. The input: layout, disk and indices, then descriptors, then the shared pages.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "reconcilers/block/journal.h"
#include "reconcilers/block/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct blkif_request_segment indirect[INDIRECT_SEGMENTS_MAX];

struct setting {
    uint8_t abi, order, sector_size, flags;
    uint32_t sectors_high, sectors;
    uint32_t rsp_prod, req_prod;
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_segments(const struct geometry *g, const struct job *job)
{
    uint64_t total = 0;
    require(job->n_segments > 0 && job->n_segments <= INDIRECT_SEGMENTS_MAX);
    for (uint32_t i = 0; i < job->n_segments; i++) {
        const struct blkif_request_segment *s = &job->segments[i];
        require(segment_length(s) >= SECTOR && segment_length(s) <= RING_PAGE);
        require(segment_offset(s) + segment_length(s) <= RING_PAGE);
        total += segment_length(s);
    }
    require(total == job->length && total <= (uint64_t)INDIRECT_SEGMENTS_MAX * RING_PAGE);
    require(job->offset % g->sector_size == 0 && job->length % g->sector_size == 0);
    require(job->kind == JOB_READ || !g->read_only);
}

static void check_job(const struct geometry *g, const struct request *q, const struct job *job)
{
    uint64_t end = g->sectors * SECTOR;
    require(job->offset <= end && job->length <= end - job->offset);
    switch (job->kind) {
    case JOB_REFUSED:
        require(job->status == BLKIF_RSP_ERROR || job->status == BLKIF_RSP_EOPNOTSUPP);
        return;
    case JOB_READ:
    case JOB_WRITE:
        require(q->indirect || job->n_segments <= BLKIF_MAX_SEGMENTS_PER_REQUEST);
        check_segments(g, job);
        return;
    case JOB_DISCARD:
        require(g->discard && !g->read_only && job->length > 0);
        return;
    case JOB_FLUSH:
        return;
    }
}

/* As serve.c does it, without the disk: answers come in an order that `order` says. */
static void answer(struct ring *ring, struct journal *j, uint32_t place)
{
    struct request q;
    require(journal_request_at(j, place, &q));
    struct response r = {.id = q.id, .op = q.op, .status = BLKIF_RSP_OKAY}, found;
    journal_record(j, place, &r);
    journal_answer_at(j, ring->put, &found);
    require(found.id == q.id && found.op == q.op);
    require(!journal_request_at(j, place, &q));
    ring_put(ring, &r);
}

static uint32_t free_place(const struct journal *j, uint32_t n_slots)
{
    struct request q;
    for (uint32_t i = 0; i < n_slots; i++)
        if (!journal_request_at(j, i, &q))
            return i;
    abort();
}

static void serve(struct ring *ring, struct journal *j, const struct geometry *g, uint32_t order)
{
    struct request q;
    int n = ring_available(ring);
    require(n <= (int)ring->n_slots);
    for (; n > 0; n--) {
        ring_copy(ring, &q);
        uint32_t wanted = request_descriptors(&q);
        require(wanted <= INDIRECT_SEGMENTS_MAX && (wanted == 0 || q.indirect));
        struct job job = request_check(g, &q, wanted ? indirect : NULL);
        check_job(g, &q, &job);
        journal_take(j, free_place(j, ring->n_slots), ring->taken, &q);
        ring_step(ring);
    }
    for (uint32_t i = 0; i < ring->n_slots; i++) {
        uint32_t place = (i * 5 + order) % ring->n_slots;
        if (journal_request_at(j, place, &q) && (order >> i % 7 & 1))
            answer(ring, j, place);
    }
    if (order & 0x80)
        return; /* it dies here */
    ring_push(ring);
    journal_push(j);
    ring_sleep(ring);
}

/* Whatever is in the file, what is taken from it is bounded. */
static void resume(struct ring *ring, struct journal *j, const struct geometry *g)
{
    struct response r;
    struct request q;
    uint32_t n = 0;
    uint64_t connection = j->connection;
    if (!journal_resume(j, connection, ring->n_slots, ring->pushed)) {
        require(journal_begin(j, ring->n_slots, ring->pushed) != 0);
        require(journal_resume(j, j->connection, ring->n_slots, ring->pushed));
    }
    for (; ring->put != j->put; ring_put(ring, &r), n++)
        journal_answer_at(j, ring->put, &r);
    require(n <= ring->n_slots);
    ring->taken = j->taken;
    for (uint32_t i = 0; i < ring->n_slots; i++) {
        if (!journal_request_at(j, i, &q))
            continue;
        require(request_descriptors(&q) <= INDIRECT_SEGMENTS_MAX);
        struct job job = request_check(g, &q, indirect);
        check_job(g, &q, &job);
    }
    serve(ring, j, g, 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct setting set = {0};
    struct ring ring;
    size_t n = size < sizeof set ? size : sizeof set;
    memcpy(&set, data, n);
    data += n, size -= n;
    n = size < sizeof indirect ? size : sizeof indirect;
    memset(indirect, 0, sizeof indirect);
    memcpy(indirect, data, n / 2);
    data += n / 2, size -= n / 2;

    unsigned n_pages = 1U << (set.order & 3);
    struct journal *j = calloc(1, sizeof *j);
    unsigned char *shared = calloc(n_pages, RING_PAGE); /* exactly: a sanitizer sees what is beyond */
    if (!j || !shared)
        abort();
    memcpy(shared, data, size < n_pages * (size_t)RING_PAGE ? size : n_pages * (size_t)RING_PAGE);
    struct blkif_sring *s = (void *)shared;
    s->rsp_prod = set.rsp_prod;
    s->req_prod = set.flags & 4 ? set.req_prod : set.rsp_prod + set.req_prod % (RING_SLOTS_MAX + 2);
    struct geometry g = {.sectors = ((uint64_t)set.sectors_high << 32 | set.sectors) >> 9,
                         .sector_size = (uint32_t)SECTOR << (set.sector_size & 3),
                         .read_only = set.flags & 1,
                         .discard = set.flags & 2};
    ring_attach(&ring, shared, n_pages, set.abi & 1 ? BLKIF_ABI_32 : BLKIF_ABI_64);
    if (set.flags & 8) { /* a file that anybody wrote: what is left of the input */
        memcpy(j, data, size < sizeof *j ? size : sizeof *j);
        j->connection += j->connection == 0;
    } else {
        journal_begin(j, ring.n_slots, ring.pushed);
        serve(&ring, j, &g, set.order);
    }
    /* the worker that comes after it */
    uint32_t pages = n_pages;
    ring_attach(&ring, shared, pages, ring.abi);
    resume(&ring, j, &g);
    free(shared);
    free(j);
    return 0;
}
