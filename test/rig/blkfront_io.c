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

/* ---- bench ---- */

enum { LARGE = 1024 * 1024 / SECTOR, SAMPLES = 1 << 20 };

struct pattern {
    const char *name;
    uint8_t op;
    bool random;
    uint32_t sectors; /* of a request; fewer where requests are not so large */
};
static const struct pattern patterns[] = {
    {"randread", BLKIF_OP_READ, true, PAGE_SECTORS},
    {"randwrite", BLKIF_OP_WRITE, true, PAGE_SECTORS},
    {"read", BLKIF_OP_READ, false, LARGE},
    {"write", BLKIF_OP_WRITE, false, LARGE},
};

struct bench {
    const struct pattern *pattern;
    uint32_t depth;      /* requests under way */
    uint32_t count;      /* sectors of a request */
    uint64_t places, at; /* how many of them there are; the next of a sequence */
    uint64_t requests;
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

    io->tag = now;
    ring_submit(d, io, b->pattern->op, place * b->count, b->count);
}

static void take_in(struct bench *b, const struct io *io, uint64_t now)
{
    need_ok(b->pattern->name, io->sector, io->status);
    b->requests++;
    if (b->n_samples < SAMPLES)
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
