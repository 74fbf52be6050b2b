/* SPDX-License-Identifier: MIT */
#include "test/rig/blkfront.h"

#include <xen/xen.h>

#include "test/rig/client.h"

/* As xen/io/ring.h lays it out. */
struct shared {
    uint32_t req_prod, req_event, rsp_prod, rsp_event;
    char pad[48];
    char entries[];
};

/* ---- layouts ---- */

static void place(char *entry, size_t at, const void *value, size_t size)
{
    memcpy(entry + at, value, size);
}

/* The 32-bit layout does not align the first 64-bit field. */
static void encode(const struct blkfront *d, const struct request *r, char *entry)
{
    size_t id = d->opt.protocol == PROTOCOL_32 ? 4 : 8, rest = id + 16;

    place(entry, 0, &r->op, 1);
    place(entry, 1, &r->n, 1);
    place(entry, 2, r->op == BLKIF_OP_INDIRECT ? &r->n_indirect : &r->handle, 2);
    place(entry, id, &r->id, 8);
    place(entry, id + 8, &r->sector, 8);
    if (r->op == BLKIF_OP_DISCARD) {
        place(entry, rest, &r->n_sectors, 8);
    } else if (r->op == BLKIF_OP_INDIRECT) {
        place(entry, rest, &r->handle, 2);
        place(entry, rest + 4, r->refs, sizeof(r->refs));
    } else {
        place(entry, rest, r->seg, (r->n < DIRECT ? r->n : DIRECT) * sizeof(*r->seg));
    }
}

static char *entry_of(const struct blkfront *d, uint32_t index)
{
    return d->shared->entries + (size_t)(index & (d->ring_size - 1)) * d->entry_size;
}

/* ---- life ---- */

static void let_have(struct blkfront *d, uint32_t page, uint32_t n, bool read_only)
{
    for (uint32_t i = 0; i < n; i++)
        if (rig_grant(&d->memory, page + i, d->backend_id, read_only) != 0)
            err(1, "grant of page %u", page + i);
}

static void take_back(struct blkfront *d, uint32_t page, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        rig_revoke(&d->memory, page + i);
}

static uint32_t indirect_pages(const struct blkfront *d)
{
    return d->segments <= DIRECT
               ? 0
               : (uint32_t)((d->segments * sizeof(struct blkif_request_segment) + RIG_PAGE - 1) / RIG_PAGE);
}

/* Pages: the ring, then for each request its data and its indirect segments. */
void ring_create(struct blkfront *d)
{
    uint32_t ring_pages = 1U << d->ring_order;
    uint32_t room = (ring_pages * RIG_PAGE - (uint32_t)sizeof(struct shared));

    d->entry_size = d->opt.protocol == PROTOCOL_32 ? 108 : 112;
    for (d->ring_size = 1; 2 * d->ring_size * d->entry_size <= room; d->ring_size *= 2)
        continue;
    d->ring_page = d->opt.page;
    d->n_ios = d->opt.depth < d->ring_size ? d->opt.depth : d->ring_size;
    d->io_pages = d->segments + indirect_pages(d);
    if (d->ring_page + ring_pages + d->n_ios * d->io_pages > d->memory.pages)
        errx(1, "the domain needs %u pages for this", d->ring_page + ring_pages + d->n_ios * d->io_pages);

    d->shared = (void *)(d->memory.base + (size_t)d->ring_page * RIG_PAGE);
    memset(d->shared, 0, (size_t)ring_pages * RIG_PAGE);
    d->shared->req_event = d->shared->rsp_event = 1;
    let_have(d, d->ring_page, ring_pages, false);
    d->req_prod = d->rsp_cons = d->under_way = d->n_free = 0;
    d->incarnation++;
    for (uint32_t i = d->n_ios; i-- > 0;) {
        d->ios[i] = (struct io){.page = d->ring_page + ring_pages + i * d->io_pages};
        d->free_ios[d->n_free++] = i;
        if (d->persistent)
            let_have(d, d->ios[i].page, d->io_pages, false);
    }
}

void ring_destroy(struct blkfront *d)
{
    take_back(d, d->ring_page, (1U << d->ring_order) + d->n_ios * d->io_pages);
}

/* ---- requests ---- */

struct io *ring_take(struct blkfront *d)
{
    struct io *io;

    if (d->n_free == 0)
        return NULL;
    io = &d->ios[d->free_ios[d->n_free - 1]];
    io->offset = 0;
    return io;
}

char *ring_data(const struct blkfront *d, const struct io *io)
{
    return d->memory.base + (size_t)io->page * RIG_PAGE + (size_t)io->offset * SECTOR;
}

uint32_t ring_most(const struct blkfront *d)
{
    return d->segments * PAGE_SECTORS;
}

static struct blkif_request_segment segment(const struct io *io, uint32_t i)
{
    uint32_t end = io->offset + io->count - i * PAGE_SECTORS;

    return (struct blkif_request_segment){
        .gref = io->page + i,
        .first_sect = (uint8_t)(i == 0 ? io->offset : 0),
        .last_sect = (uint8_t)(end < PAGE_SECTORS ? end - 1 : PAGE_SECTORS - 1),
    };
}

static void describe_data(struct blkfront *d, const struct io *io, struct request *r)
{
    uint32_t page = io->page + d->segments; /* of its segments */
    struct blkif_request_segment *segs = r->seg;

    if (io->pages > DIRECT) {
        uint32_t n = (uint32_t)((io->pages * sizeof(*segs) + RIG_PAGE - 1) / RIG_PAGE);

        segs = (void *)(d->memory.base + (size_t)page * RIG_PAGE);
        for (uint32_t i = 0; i < n; i++)
            r->refs[i] = page + i;
        if (!d->persistent)
            let_have(d, page, n, true);
        r->n = r->op;
        r->op = BLKIF_OP_INDIRECT;
        r->n_indirect = (uint16_t)io->pages;
    } else {
        r->n = (uint8_t)io->pages;
    }
    for (uint32_t i = 0; i < io->pages; i++)
        segs[i] = segment(io, i);
    if (!d->persistent)
        let_have(d, io->page, io->pages, io->op != BLKIF_OP_READ);
}

void ring_put(struct blkfront *d, const struct request *r)
{
    encode(d, r, entry_of(d, d->req_prod++));
}

void ring_submit(struct blkfront *d, struct io *io, uint8_t op, uint64_t sector, uint32_t count)
{
    struct request r = {.op = op, .handle = (uint16_t)d->devid, .sector = sector, .n_sectors = count};
    uint32_t index = (uint32_t)(io - d->ios);

    if (io->busy || d->n_free == 0 || d->free_ios[d->n_free - 1] != index)
        errx(1, "a request is used twice");
    d->n_free--;
    io->busy = true;
    io->op = op;
    io->sector = sector;
    io->count = count;
    io->pages = 0;
    /* never the same twice, not even on another ring */
    io->id = r.id = d->incarnation << 48 | (uint64_t)(d->req_prod & 0xffffffff) << 16 | index;
    if (op == BLKIF_OP_READ || op == BLKIF_OP_WRITE) {
        io->pages = (io->offset + count + PAGE_SECTORS - 1) / PAGE_SECTORS;
        describe_data(d, io, &r);
    }
    d->under_way++;
    ring_put(d, &r);
}

void ring_set_producer(struct blkfront *d, uint32_t producer)
{
    __atomic_store_n(&d->shared->req_prod, producer, __ATOMIC_SEQ_CST);
    xenevtchn_notify(d->xce, d->port);
}

/* Notifies when the backend asked to be told of one of these. */
void ring_push(struct blkfront *d)
{
    uint32_t before = d->shared->req_prod, event;

    if (before == d->req_prod)
        return;
    __atomic_store_n(&d->shared->req_prod, d->req_prod, __ATOMIC_SEQ_CST);
    event = __atomic_load_n(&d->shared->req_event, __ATOMIC_SEQ_CST);
    if (d->req_prod - event < d->req_prod - before && xenevtchn_notify(d->xce, d->port) != 0)
        err(1, "notify");
}

/* ---- answers ---- */

static uint32_t answered(const struct blkfront *d)
{
    return __atomic_load_n(&d->shared->rsp_prod, __ATOMIC_SEQ_CST) - d->rsp_cons;
}

static void take_answer(struct blkfront *d, uint64_t *id, uint8_t *op, int16_t *status)
{
    const char *entry = entry_of(d, d->rsp_cons++);

    memcpy(id, entry, sizeof(*id));
    memcpy(op, entry + 8, sizeof(*op));
    memcpy(status, entry + 10, sizeof(*status));
}

struct io *ring_next(struct blkfront *d)
{
    uint32_t n = answered(d), index;
    struct io *io;
    uint64_t id;
    uint8_t op;

    if (n == 0)
        return NULL;
    if (n > d->under_way)
        errx(1, "the backend has answered %u requests, and %u are under way", n, d->under_way);
    index = (uint32_t)(*(const uint64_t *)(const void *)entry_of(d, d->rsp_cons) & 0xffff);
    io = &d->ios[index < d->n_ios ? index : 0];
    take_answer(d, &id, &op, &io->status);
    if (!io->busy || io->id != id)
        errx(1, "an answer to %#llx, which nobody waits for", (unsigned long long)id);
    if (op != io->op && !(op == BLKIF_OP_INDIRECT && io->pages > DIRECT))
        errx(1, "request %#llx was operation %u, and its answer is %u", (unsigned long long)id, io->op, op);
    io->busy = false;
    d->under_way--;
    d->free_ios[d->n_free++] = index;
    if (!d->persistent) {
        take_back(d, io->page, io->pages);
        if (io->pages > DIRECT)
            take_back(d, io->page + d->segments, indirect_pages(d));
    }
    return io;
}

/* True: there is an answer. */
static bool await_answer(struct blkfront *d, unsigned int timeout)
{
    struct pollfd p = {.fd = xenevtchn_fd(d->xce), .events = POLLIN};
    long long deadline = 0, left = timeout;
    int port;

    for (;;) {
        __atomic_store_n(&d->shared->rsp_event, d->rsp_cons + 1, __ATOMIC_SEQ_CST);
        if (answered(d))
            return true;
        if (deadline)
            left = deadline - now_ms();
        else
            deadline = now_ms() + timeout;
        if (left <= 0 || poll(&p, 1, (int)left) == 0)
            return answered(d);
        port = xenevtchn_pending(d->xce);
        if (port >= 0)
            xenevtchn_unmask(d->xce, (evtchn_port_t)port);
    }
}

struct io *ring_wait(struct blkfront *d)
{
    if (!await_answer(d, d->opt.stall))
        errx(1, "no answer for %u ms, and %u requests are under way", d->opt.stall, d->under_way);
    return ring_next(d);
}

int ring_do(struct blkfront *d, struct io *io, uint8_t op, uint64_t sector, uint32_t count)
{
    ring_submit(d, io, op, sector, count);
    ring_push(d);
    while (ring_wait(d) != io)
        continue;
    return io->status;
}

bool ring_raw_answer(struct blkfront *d, unsigned int timeout, uint64_t *ret_id, int16_t *ret_status)
{
    uint8_t op;

    if (!await_answer(d, timeout))
        return false;
    take_answer(d, ret_id, &op, ret_status);
    return true;
}
