/* SPDX-License-Identifier: MIT */
/* Writes at random places, each sector with the number of its write, and remembers what was acknowledged. A
 * sector that a request is about to read or write is left alone until the answer, so that it is always known
 * what must be there: the last acknowledged write. In between it reads and flushes; at the end everything is
 * read. A backend may be killed and replaced at any time: nobody tells this program. */
#include "test/rig/blkfront.h"

#include <inttypes.h>

#include "test/rig/client.h"

enum { SPAN_MOST = 16 * 1024 * 1024 / SECTOR };

/* What is in a sector. */
struct stamp {
    uint64_t sector, number;
};

struct check {
    uint64_t span, unit; /* sectors; unit: what one request is a multiple of */
    uint64_t *number;    /* of the write that each sector holds; 0: not known */
    bool *busy;
    uint64_t last; /* number given out */
    uint64_t acknowledged, read;
    uint64_t wrong;
};

static void fill(const struct check *c, char *data, uint64_t sector, uint64_t count, uint64_t number)
{
    (void)c;
    for (uint64_t i = 0; i < count; i++) {
        struct stamp stamp = {.sector = sector + i, .number = number};

        for (size_t at = 0; at < SECTOR; at += sizeof(stamp))
            memcpy(data + i * SECTOR + at, &stamp, sizeof(stamp));
    }
}

static bool holds(const char *data, struct stamp want)
{
    for (size_t at = 0; at < SECTOR; at += sizeof(want))
        if (memcmp(data + at, &want, sizeof(want)) != 0)
            return false;
    return true;
}

static void compare(struct check *c, const char *data, uint64_t sector, uint64_t count)
{
    struct stamp found;

    for (uint64_t i = 0; i < count; i++) {
        if (c->number[sector + i] == 0 ||
            holds(data + i * SECTOR, (struct stamp){sector + i, c->number[sector + i]}))
            continue;
        memcpy(&found, data + i * SECTOR, sizeof(found));
        if (c->wrong++ < 10)
            warnx("sector %" PRIu64 " holds write %" PRIu64 " of sector %" PRIu64
                  ", or parts of it, and should hold "
                  "write %" PRIu64,
                  sector + i, found.number, found.sector, c->number[sector + i]);
    }
}

static void set_busy(struct check *c, const struct io *io, bool busy)
{
    memset(c->busy + io->sector, busy, io->count);
}

static bool is_free(const struct check *c, uint64_t sector, uint64_t count)
{
    return !memchr(c->busy + sector, 1, count);
}

static void take_in(struct blkfront *d, struct check *c, struct io *io)
{
    if (io->status != BLKIF_RSP_OKAY)
        errx(1, "operation %u of sector %llu: status %d", io->op, (unsigned long long)io->sector, io->status);
    if (io->op == BLKIF_OP_FLUSH_DISKCACHE)
        return;
    set_busy(c, io, false);
    if (io->op == BLKIF_OP_READ) {
        compare(c, ring_data(d, io), io->sector, io->count);
        c->read++;
        return;
    }
    for (uint64_t i = 0; i < io->count; i++)
        c->number[io->sector + i] = io->tag;
    c->acknowledged++;
    if (d->opt.progress && c->acknowledged % d->opt.progress == 0) {
        printf("acknowledged=%llu\n", (unsigned long long)c->acknowledged);
        fflush(stdout);
    }
}

static void submit_data(struct blkfront *d, struct check *c, struct io *io, uint8_t op, uint64_t sector,
                        uint32_t count)
{
    if (op == BLKIF_OP_WRITE) {
        io->tag = ++c->last;
        fill(c, ring_data(d, io), sector, count, io->tag);
    } else {
        memset(ring_data(d, io), 0xee, (size_t)count * SECTOR);
    }
    ring_submit(d, io, op, sector, count);
    set_busy(c, io, true);
}

/* Somewhere, of any size, at times not from the beginning of a page; false where another is under way. */
static bool submit_random(struct blkfront *d, struct check *c)
{
    uint64_t most = ring_most(d) / c->unit, count, sector;
    struct io *io = ring_take(d);

    if (d->flush && random_below(d, 100) == 0) {
        ring_submit(d, io, BLKIF_OP_FLUSH_DISKCACHE, 0, 0);
        return true;
    }
    /* half of them small: where the ring is deep, the large ones alone would leave no room */
    if (most > 16 && random_below(d, 2))
        most = 16;
    count = (1 + random_below(d, most)) * c->unit;
    sector = random_below(d, c->span / c->unit) * c->unit;
    if (count > c->span - sector)
        count = c->span - sector;
    if (!is_free(c, sector, count))
        return false;
    if (c->unit == 1 && random_below(d, 2))
        io->offset = (uint32_t)random_below(d, PAGE_SECTORS);
    if (io->offset + count > ring_most(d))
        io->offset = 0;
    submit_data(d, c, io, random_below(d, 4) ? BLKIF_OP_WRITE : BLKIF_OP_READ, sector, (uint32_t)count);
    return true;
}

static void drain(struct blkfront *d, struct check *c)
{
    ring_push(d);
    while (d->under_way > 0)
        take_in(d, c, ring_wait(d));
}

static void write_all(struct blkfront *d, struct check *c)
{
    while (c->last < d->opt.count) {
        struct io *io;

        while (d->n_free > 0 && c->last < d->opt.count && submit_random(d, c))
            continue;
        ring_push(d);
        if (d->under_way == 0)
            continue;
        for (io = ring_wait(d); io; io = ring_next(d))
            take_in(d, c, io);
    }
    drain(d, c);
}

static void read_all(struct blkfront *d, struct check *c)
{
    uint32_t count;

    for (uint64_t sector = 0; sector < c->span; sector += count) {
        count = c->span - sector < ring_most(d) ? (uint32_t)(c->span - sector) : ring_most(d);
        if (d->n_free == 0)
            drain(d, c);
        submit_data(d, c, ring_take(d), BLKIF_OP_READ, sector, count);
    }
    drain(d, c);
}

int verify(struct blkfront *d)
{
    struct check c = {.unit = d->sector_size / SECTOR};

    c.span = d->opt.span ? d->opt.span : SPAN_MOST;
    if (c.span > d->sectors)
        c.span = d->sectors;
    c.span -= c.span % c.unit;
    c.number = calloc(c.span, sizeof(*c.number));
    c.busy = calloc(c.span, sizeof(*c.busy));
    if (!c.number || !c.busy)
        err(1, NULL);
    write_all(d, &c);
    if (d->flush)
        ring_do(d, ring_take(d), BLKIF_OP_FLUSH_DISKCACHE, 0, 0);
    read_all(d, &c);
    printf("writes=%llu reads=%llu wrong_sectors=%llu\n", (unsigned long long)c.acknowledged,
           (unsigned long long)c.read, (unsigned long long)c.wrong);
    free(c.number);
    free(c.busy);
    return c.wrong != 0;
}
