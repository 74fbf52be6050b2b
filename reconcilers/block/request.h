/* SPDX-License-Identifier: MIT */
/* Whether a guest's request may be done on this disk, and what it amounts to: a range of bytes and the pieces
 * of the guest's memory that go with it. Whatever passes lies inside the disk.
 *
 * Pure. Owns nothing: a job points at the descriptors that it was made from. */
#ifndef XENRECON_BLOCK_REQUEST_H
#define XENRECON_BLOCK_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reconcilers/block/blkif.h"

struct geometry {
    uint64_t sectors;     /* of 512 bytes; 0: no medium */
    uint32_t sector_size; /* what begins and ends of reads and writes are multiples of; bytes */
    bool read_only;
    bool discard; /* published */
};

enum job_kind { JOB_REFUSED, JOB_READ, JOB_WRITE, JOB_FLUSH, JOB_DISCARD };

struct job {
    enum job_kind kind;
    int16_t status;          /* REFUSED: BLKIF_RSP_* */
    bool flush;              /* a FLUSH; a WRITE with a flush on either side of it */
    bool barrier;            /* nothing else is under way meanwhile */
    uint64_t offset, length; /* bytes on the disk */
    const struct blkif_request_segment *segments;
    uint32_t n_segments;
};

/* How many descriptors have to be copied from the page `descriptors` before request_check() can look at them;
 * 0: none, or the request is refused without. Never more than INDIRECT_SEGMENTS_MAX. */
uint32_t request_descriptors(const struct request *request);

/* `indirect`: that many descriptors, in our own memory. */
struct job request_check(const struct geometry *geometry, const struct request *request,
                         const struct blkif_request_segment *indirect);

/* Of a segment that passed: where it begins in its page, and its length. Bytes. */
static inline uint16_t segment_offset(const struct blkif_request_segment *s)
{
    return (uint16_t)(s->first_sect * SECTOR);
}

static inline uint16_t segment_length(const struct blkif_request_segment *s)
{
    return (uint16_t)((s->last_sect - s->first_sect + 1) * SECTOR);
}

#endif
