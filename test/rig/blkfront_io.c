/* SPDX-License-Identifier: MIT */
#include "test/rig/blkfront.h"

#include "test/rig/client.h"

/* ---- read and write ---- */

static void need_ok(const char *what, uint64_t sector, int status)
{
    if (status != BLKIF_RSP_OKAY)
        errx(1, "%s of sector %llu: status %d", what, (unsigned long long)sector, status);
}

static uint32_t piece(const struct blkfront *d, uint64_t count)
{
    return count < ring_most(d) ? (uint32_t)count : ring_most(d);
}

int io_read(struct blkfront *d, uint64_t sector, uint64_t count)
{
    for (uint32_t n; count > 0; sector += n, count -= n) {
        struct io *io = ring_take(d);

        n = piece(d, count);
        need_ok("read", sector, ring_do(d, io, BLKIF_OP_READ, sector, n));
        if (fwrite(ring_data(d, io), SECTOR, n, stdout) != n)
            err(1, "standard output");
    }
    if (fflush(stdout) != 0)
        err(1, "standard output");
    return 0;
}

int io_write(struct blkfront *d, uint64_t sector, uint64_t count)
{
    for (uint32_t n; count > 0; sector += n, count -= n) {
        struct io *io = ring_take(d);

        n = piece(d, count);
        if (fread(ring_data(d, io), SECTOR, n, stdin) != n)
            errx(1, "standard input ends too early");
        need_ok("write", sector, ring_do(d, io, BLKIF_OP_WRITE, sector, n));
    }
    return 0;
}

/* ---- what may be answered in any order ---- */

static void fill(char *data, uint64_t seed)
{
    for (size_t i = 0; i < RIG_PAGE; i++)
        data[i] = (char)(i * 7 + seed);
}

int io_overtake(struct blkfront *d, const char *what)
{
    bool flush = strcmp(what, "flush") == 0;
    struct io *slow = ring_take(d), *io;
    char want[RIG_PAGE];
    int status;

    if (!flush && strcmp(what, "write") != 0)
        errx(EXIT_USAGE, "overtake what, write or flush?");
    fill(want, slow->id + d->opt.seed);
    memcpy(ring_data(d, slow), want, RIG_PAGE);
    ring_submit(d, slow, flush ? BLKIF_OP_FLUSH_DISKCACHE : BLKIF_OP_WRITE, 0, flush ? 0 : PAGE_SECTORS);
    for (uint32_t n = 0; n < 2 * d->ring_size; n++) {
        io = ring_take(d);
        status = ring_do(d, io, BLKIF_OP_READ, ((uint64_t)1 + n) * PAGE_SECTORS % (d->sectors - PAGE_SECTORS),
                         PAGE_SECTORS);
        need_ok("read", io->sector, status);
        if (!slow->busy)
            errx(1, "the slow one was not passed");
    }
    puts("passed");
    fflush(stdout);
    while (slow->busy)
        ring_wait(d);
    if (slow->status != BLKIF_RSP_OKAY || flush)
        return slow->status != BLKIF_RSP_OKAY;
    io = ring_take(d);
    need_ok("read", 0, ring_do(d, io, BLKIF_OP_READ, 0, PAGE_SECTORS));
    return memcmp(ring_data(d, io), want, RIG_PAGE) != 0;
}

/* ---- bench ---- */

enum { LARGE = 1024 * 1024 / SECTOR, SAMPLES = 1 << 20 };

struct pattern {
    const char *name;
    uint8_t op;
    bool random;
    uint32_t sectors;     /* of a request; fewer where requests are not so large */
    uint32_t flush_every; /* so manyth is a flush, which counts for nothing; after a write, or there were
                             nothing to flush */
};
static const struct pattern patterns[] = {
    {"randread", BLKIF_OP_READ, true, PAGE_SECTORS, 0},
    {"randwrite", BLKIF_OP_WRITE, true, PAGE_SECTORS, 0},
    {"read", BLKIF_OP_READ, false, LARGE, 0},
    {"write", BLKIF_OP_WRITE, false, LARGE, 0},
    {"flushread", BLKIF_OP_READ, true, PAGE_SECTORS, 1024},
};

struct bench {
    const struct pattern *pattern;
    uint32_t depth;      /* requests under way */
    uint32_t count;      /* sectors of a request */
    uint64_t places, at; /* how many of them there are; the next of a sequence */
    uint64_t submitted, requests;
    uint32_t n_samples;
    uint32_t *samples; /* latencies, in microseconds */
};

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void submit_next(struct blkfront *d, struct bench *b, uint64_t now)
{
    uint64_t place = b->pattern->random ? random_below(d, b->places) : b->at++ % b->places;
    struct io *io = ring_take(d);

    uint64_t every = b->pattern->flush_every, nth = b->submitted++;

    io->tag = now;
    if (every && nth % every == 1)
        ring_submit(d, io, BLKIF_OP_WRITE, place * b->count, b->count);
    else if (every && nth % every == every / 2)
        ring_submit(d, io, BLKIF_OP_FLUSH_DISKCACHE, 0, 0);
    else
        ring_submit(d, io, b->pattern->op, place * b->count, b->count);
}

static void take_in(struct bench *b, const struct io *io, uint64_t now)
{
    need_ok(b->pattern->name, io->sector, io->status);
    b->requests++;
    if (io->op == b->pattern->op && b->n_samples < SAMPLES)
        b->samples[b->n_samples++] = (uint32_t)((now - io->tag) / 1000);
}

/* Keeps the queue full until the time is over, then lets it run dry; what comes after the end does not count.
 */
static double run_bench(struct blkfront *d, struct bench *b)
{
    uint64_t start = now_ns(), end = start + d->opt.seconds * 1000000000ULL, now = start;

    while (now < end) {
        struct io *io;

        while (d->under_way < b->depth)
            submit_next(d, b, now);
        ring_push(d);
        io = ring_wait(d);
        now = now_ns();
        for (; io && now < end; io = ring_next(d))
            take_in(b, io, now);
    }
    while (d->under_way > 0)
        need_ok(b->pattern->name, 0, ring_wait(d)->status);
    return (double)(now - start) / 1e9;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

int io_bench(struct blkfront *d, const char *pattern, uint32_t depth)
{
    uint64_t span = d->opt.span && d->opt.span < d->sectors ? d->opt.span : d->sectors;
    struct bench b = {.depth = depth < d->n_ios ? depth : d->n_ios};
    double seconds;

    for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
        if (strcmp(patterns[i].name, pattern) == 0)
            b.pattern = &patterns[i];
    if (!b.pattern)
        errx(EXIT_USAGE, "%s: no such pattern", pattern);
    b.count = piece(d, b.pattern->sectors);
    b.places = span / b.count;
    b.samples = calloc(SAMPLES, sizeof(*b.samples));
    if (b.places == 0 || !b.samples)
        errx(1, "the disk is too small");
    seconds = run_bench(d, &b);
    qsort(b.samples, b.n_samples, sizeof(*b.samples), by_size);
    printf("pattern=%s depth=%u bytes=%u requests=%llu seconds=%.3f requests_per_s=%.0f mib_per_s=%.1f "
           "median_us=%u p99_us=%u\n",
           pattern, b.depth, b.count * SECTOR, (unsigned long long)b.requests, seconds,
           (double)b.requests / seconds, (double)b.requests * b.count * SECTOR / seconds / (1024 * 1024),
           b.n_samples ? b.samples[b.n_samples / 2] : 0,
           b.n_samples ? b.samples[(size_t)b.n_samples / 100 * 99] : 0);
    fflush(stdout);
    free(b.samples);
    return 0;
}
