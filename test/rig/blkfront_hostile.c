/* SPDX-License-Identifier: MIT */
/* What no frontend would do. For each case it prints what came back: `NAME: STATUS`, or `NAME: no answer`,
 * and goes on; after each one, an honest read must work, or the line ends with `, then dead`. */
#include "test/rig/blkfront.h"

#include "test/rig/client.h"

enum {
    PATIENCE = 2000,
    ANSWERED = 60000 /* milliseconds */,
    UNGRANTED = 3 /* a page of the domain that is never granted */
};

struct hostile_case {
    const char *name;
    void (*make)(struct blkfront *d, struct request *r, struct blkif_request_segment *indirect);
    bool fatal; /* only where it is named */
};

#define CASE(fn) static void fn(struct blkfront *d, struct request *r, struct blkif_request_segment *indirect)
#define UNUSED   (void)d, (void)r, (void)indirect

/* Every request begins as a good one: a read of the first page; `indirect` is what its one indirect page
 * holds, good too. */

CASE(good)
{
    UNUSED;
}
CASE(unknown_operation)
{
    UNUSED;
    r->op = 99;
}
CASE(reserved_operation)
{
    UNUSED;
    r->op = BLKIF_OP_RESERVED_1;
}
CASE(barrier)
{
    UNUSED;
    r->op = BLKIF_OP_WRITE_BARRIER;
    r->n = 0;
}
CASE(no_segments)
{
    UNUSED;
    r->n = 0;
}
CASE(too_many_segments)
{
    UNUSED;
    r->n = DIRECT + 1;
}
CASE(most_segments)
{
    UNUSED;
    r->n = 255;
}
CASE(sectors_backwards)
{
    UNUSED;
    r->seg[0].first_sect = 5;
    r->seg[0].last_sect = 4;
}
CASE(sectors_beyond_page)
{
    UNUSED;
    r->seg[0].last_sect = PAGE_SECTORS;
}
CASE(sectors_far_beyond_page)
{
    UNUSED;
    r->seg[0].first_sect = 254;
    r->seg[0].last_sect = 255;
}
CASE(not_granted)
{
    UNUSED;
    r->seg[0].gref = UNGRANTED;
}
CASE(no_such_page)
{
    UNUSED;
    r->seg[0].gref = 0xfffffff0;
}
CASE(read_into_read_only)
{
    UNUSED;
    rig_grant(&d->memory, r->seg[0].gref, d->backend_id, true);
}
CASE(one_of_many_not_granted)
{
    UNUSED;
    r->n = 3;
    r->seg[2] = r->seg[1] = r->seg[0];
    r->seg[1].gref = UNGRANTED;
}
CASE(at_the_end)
{
    UNUSED;
    r->sector = d->sectors;
}
CASE(across_the_end)
{
    UNUSED;
    r->sector = d->sectors - 1;
}
CASE(sector_overflows)
{
    UNUSED;
    r->sector = ~0ULL;
}
CASE(byte_overflows)
{
    UNUSED;
    r->sector = 1ULL << 55;
}
CASE(write_at_the_end)
{
    UNUSED;
    r->op = BLKIF_OP_WRITE;
    r->sector = d->sectors;
}
CASE(write_first)
{
    UNUSED;
    r->op = BLKIF_OP_WRITE; /* what a read-only disk must refuse; the page holds what is there */
}
CASE(discard_beyond_end)
{
    UNUSED;
    r->op = BLKIF_OP_DISCARD;
    r->n = 0;
    r->sector = d->sectors - 1;
    r->n_sectors = 100;
}
CASE(discard_overflows)
{
    UNUSED;
    r->op = BLKIF_OP_DISCARD;
    r->n = 0;
    r->sector = 8;
    r->n_sectors = ~0ULL - 4;
}
CASE(flush_with_segments)
{
    UNUSED;
    r->op = BLKIF_OP_FLUSH_DISKCACHE;
}

static void make_indirect(struct request *r)
{
    r->n = r->op;
    r->op = BLKIF_OP_INDIRECT;
}

CASE(indirect_good)
{
    UNUSED;
    make_indirect(r);
}
CASE(indirect_none)
{
    UNUSED;
    make_indirect(r);
    r->n_indirect = 0;
}
CASE(indirect_too_many)
{
    UNUSED;
    make_indirect(r);
    r->n_indirect = 0xffff;
}
CASE(indirect_unknown)
{
    UNUSED;
    make_indirect(r);
    r->n = 77;
}
CASE(indirect_of_indirect)
{
    UNUSED;
    make_indirect(r);
    r->n = BLKIF_OP_INDIRECT;
}
CASE(indirect_not_granted)
{
    UNUSED;
    make_indirect(r);
    r->refs[0] = UNGRANTED;
}
CASE(indirect_rubbish)
{
    UNUSED;
    make_indirect(r);
    memset(indirect, 0xa5, RIG_PAGE);
    r->n_indirect = 20;
}
CASE(indirect_sectors_backwards)
{
    UNUSED;
    make_indirect(r);
    indirect[0].first_sect = 6;
    indirect[0].last_sect = 1;
}
CASE(event_storm)
{
    UNUSED;
    for (int i = 0; i < 20000; i++)
        xenevtchn_notify(d->xce, d->port);
}
CASE(producer_too_far)
{
    UNUSED;
    ring_set_producer(d, d->req_prod + d->ring_size + 7);
}
CASE(producer_backwards)
{
    UNUSED;
    ring_set_producer(d, d->req_prod - 3);
}

static const struct hostile_case cases[] = {
    {"good", good, false},
    {"unknown-operation", unknown_operation, false},
    {"reserved-operation", reserved_operation, false},
    {"barrier", barrier, false},
    {"no-segments", no_segments, false},
    {"too-many-segments", too_many_segments, false},
    {"most-segments", most_segments, false},
    {"sectors-backwards", sectors_backwards, false},
    {"sectors-beyond-page", sectors_beyond_page, false},
    {"sectors-far-beyond-page", sectors_far_beyond_page, false},
    {"not-granted", not_granted, false},
    {"no-such-page", no_such_page, false},
    {"read-into-read-only", read_into_read_only, false},
    {"one-of-many-not-granted", one_of_many_not_granted, false},
    {"at-the-end", at_the_end, false},
    {"across-the-end", across_the_end, false},
    {"sector-overflows", sector_overflows, false},
    {"byte-overflows", byte_overflows, false},
    {"write-at-the-end", write_at_the_end, false},
    {"write-first", write_first, false},
    {"discard-beyond-end", discard_beyond_end, false},
    {"discard-overflows", discard_overflows, false},
    {"flush-with-segments", flush_with_segments, false},
    {"indirect-good", indirect_good, false},
    {"indirect-none", indirect_none, false},
    {"indirect-too-many", indirect_too_many, false},
    {"indirect-unknown", indirect_unknown, false},
    {"indirect-of-indirect", indirect_of_indirect, false},
    {"indirect-not-granted", indirect_not_granted, false},
    {"indirect-rubbish", indirect_rubbish, false},
    {"indirect-sectors-backwards", indirect_sectors_backwards, false},
    {"event-storm", event_storm, false},
    {"producer-too-far", producer_too_far, true},
    {"producer-backwards", producer_backwards, true},
};

/* The pages of the first request: its data, and behind them one for indirect segments. */
static struct request good_read(struct blkfront *d, struct blkif_request_segment *indirect)
{
    uint32_t data = d->ios[0].page;
    struct request r = {
        .op = BLKIF_OP_READ, .n = 1, .handle = (uint16_t)d->devid, .n_indirect = 1, .id = 0x5eed};

    r.seg[0] = (struct blkif_request_segment){.gref = data, .first_sect = 0, .last_sect = PAGE_SECTORS - 1};
    r.refs[0] = data + 1;
    indirect[0] = r.seg[0];
    rig_grant(&d->memory, data, d->backend_id, false);
    rig_grant(&d->memory, data + 1, d->backend_id, true);
    return r;
}

static bool lives(struct blkfront *d, struct blkif_request_segment *indirect)
{
    struct request r = good_read(d, indirect);
    int16_t status;
    uint64_t id;

    ring_put(d, &r);
    ring_push(d);
    return ring_raw_answer(d, ANSWERED, &id, &status) && id == r.id && status == BLKIF_RSP_OKAY;
}

static void run_case(struct blkfront *d, const struct hostile_case *c)
{
    struct blkif_request_segment *indirect =
        (void *)(d->memory.base + (size_t)(d->ios[0].page + 1) * RIG_PAGE);
    struct request r = good_read(d, indirect);
    int16_t status;
    uint64_t id;

    c->make(d, &r, indirect);
    if (c->fatal) {
        printf("%s: backend %s\n", c->name, bus_await(d, "560", PATIENCE) ? "closes" : "stays");
        return;
    }
    ring_put(d, &r);
    ring_push(d);
    if (!ring_raw_answer(d, ANSWERED, &id, &status))
        printf("%s: no answer", c->name);
    else if (id != r.id)
        printf("%s: an answer to another", c->name);
    else
        printf("%s: %d", c->name, status);
    puts(lives(d, indirect) ? "" : ", then dead");
    fflush(stdout);
}

static bool named(char **names, const struct hostile_case *c)
{
    for (; *names; names++)
        if (strcmp(*names, c->name) == 0)
            return true;
    return false;
}

int hostile(struct blkfront *d, char **names)
{
    lives(d, (void *)(d->memory.base +
                      (size_t)(d->ios[0].page + 1) * RIG_PAGE)); /* so that the page holds the disk's */
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if (*names && strcmp(*names, "list") == 0)
            puts(cases[i].name);
        else if (*names ? named(names, &cases[i]) : !cases[i].fatal)
            run_case(d, &cases[i]);
    }
    return 0;
}
