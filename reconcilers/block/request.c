/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/request.h"

static struct job refused(int16_t status)
{
    return (struct job){.kind = JOB_REFUSED, .status = status};
}

uint32_t request_descriptors(const struct request *request)
{
    bool known = request->op == BLKIF_OP_READ || request->op == BLKIF_OP_WRITE;
    if (!request->indirect || !known || request->n_segments > INDIRECT_SEGMENTS_MAX)
        return 0;
    return request->n_segments;
}

/* Whether the job's range is on the disk; no sum here can overflow. */
static bool in_range(const struct geometry *g, uint64_t sector, uint64_t n_sectors)
{
    uint64_t unit = g->sector_size / SECTOR;
    return sector <= g->sectors && n_sectors <= g->sectors - sector && sector % unit == 0 &&
           n_sectors % unit == 0;
}

/* The sectors that the segments are long together; 0: one of them is nonsense. */
static uint64_t count_sectors(const struct blkif_request_segment *segments, uint32_t n)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct blkif_request_segment *s = &segments[i];
        if (s->first_sect > s->last_sect || s->last_sect >= SECTORS_PER_PAGE)
            return 0;
        total += (uint64_t)(s->last_sect - s->first_sect + 1);
    }
    return total;
}

static struct job check_transfer(const struct geometry *g, const struct request *q,
                                 const struct blkif_request_segment *indirect, enum job_kind kind)
{
    uint32_t max = q->indirect ? INDIRECT_SEGMENTS_MAX : BLKIF_MAX_SEGMENTS_PER_REQUEST;
    struct job job = {.kind = kind,
                      .flush = q->op == BLKIF_OP_FLUSH_DISKCACHE || q->op == BLKIF_OP_WRITE_BARRIER,
                      .barrier = q->op == BLKIF_OP_WRITE_BARRIER,
                      .segments = q->indirect ? indirect : q->segments,
                      .n_segments = q->n_segments};
    if (q->n_segments > max || (kind == JOB_WRITE && g->read_only))
        return refused(BLKIF_RSP_ERROR);
    uint64_t n_sectors = count_sectors(job.segments, job.n_segments);
    if (n_sectors == 0 || !in_range(g, q->sector, n_sectors))
        return refused(BLKIF_RSP_ERROR);
    job.offset = q->sector * SECTOR;
    job.length = n_sectors * SECTOR;
    return job;
}

static struct job check_discard(const struct geometry *g, const struct request *q)
{
    if (!g->discard || q->secure) /* discard-secure is 0 */
        return refused(BLKIF_RSP_EOPNOTSUPP);
    if (g->read_only || q->n_sectors == 0 || !in_range(g, q->sector, q->n_sectors))
        return refused(BLKIF_RSP_ERROR);
    return (struct job){.kind = JOB_DISCARD, .offset = q->sector * SECTOR, .length = q->n_sectors * SECTOR};
}

struct job request_check(const struct geometry *g, const struct request *q,
                         const struct blkif_request_segment *indirect)
{
    switch (q->op) {
    case BLKIF_OP_READ:
        return check_transfer(g, q, indirect, JOB_READ);
    case BLKIF_OP_WRITE:
        return check_transfer(g, q, indirect, JOB_WRITE);
    case BLKIF_OP_FLUSH_DISKCACHE:
    case BLKIF_OP_WRITE_BARRIER:
        if (q->indirect)
            return refused(BLKIF_RSP_ERROR);
        if (q->n_segments == 0)
            return (struct job){.kind = JOB_FLUSH, .flush = true, .barrier = q->op == BLKIF_OP_WRITE_BARRIER};
        return check_transfer(g, q, NULL, JOB_WRITE);
    case BLKIF_OP_DISCARD:
        if (q->indirect)
            return refused(BLKIF_RSP_ERROR);
        return check_discard(g, q);
    default: /* what nobody knows */
        return refused(BLKIF_RSP_EOPNOTSUPP);
    }
}
