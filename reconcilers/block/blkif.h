/* SPDX-License-Identifier: MIT */
/* The blkif ring as its backend sees it, in each of the layouts that guests use: a request is copied out of
 * the shared memory once, and only the copy is looked at (what is shared changes whenever the guest likes).
 *
 * Owns nothing: the pages are mapped by whoever attaches. Pure: nothing here waits, notifies or logs. One
 * thread. Indices are free-running, as in xen/io/ring.h, where the protocol of the indices is described;
 * xen/io/blkif.h has the rest. Of that, one thing is done as every implementation does it and not as older
 * editions of the header say: a sector on the ring has 512 bytes, whatever `sector-size` says. */
#ifndef XENRECON_BLOCK_BLKIF_H
#define XENRECON_BLOCK_BLKIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/io/blkif.h>

enum {
    RING_PAGE = 4096,
    RING_PAGES_MAX = 8,
    RING_SLOTS_MAX = 256, /* that fit RING_PAGES_MAX pages, in any layout */
    SECTOR = 512,
    SECTORS_PER_PAGE = RING_PAGE / SECTOR,
    INDIRECT_SEGMENTS_MAX = 256, /* their descriptors fit one page */
};

/* How structs are laid out: a 32-bit x86 aligns 64-bit fields to 4 bytes, everybody else to 8. */
enum blkif_abi { BLKIF_ABI_32, BLKIF_ABI_64 };

/* From the frontend's `protocol`; NULL: the key is absent. False: nobody that we know speaks this. */
bool blkif_abi_parse(const char *protocol, enum blkif_abi *ret_abi);

/* A request, in our own memory. */
struct request {
    uint64_t id;
    uint64_t sector;
    uint64_t n_sectors; /* of a discard */
    uint8_t op;         /* of an indirect request the one that it wraps, which is what the answer names */
    bool indirect;
    bool secure;             /* a discard after which nobody can get at the data */
    uint16_t n_segments;     /* as the guest has it: any number */
    grant_ref_t descriptors; /* indirect: the first page of them */
    struct blkif_request_segment segments[BLKIF_MAX_SEGMENTS_PER_REQUEST]; /* not indirect */
};

struct response {
    uint64_t id;
    uint8_t op;
    int16_t status; /* BLKIF_RSP_* */
};

struct ring {
    struct blkif_sring *shared;
    enum blkif_abi abi;
    uint32_t n_slots; /* a power of two */
    uint32_t taken;   /* requests before this index were copied out … */
    uint32_t put;     /* … before this one, answered … */
    uint32_t pushed;  /* … and before this one, the guest knows of it */
};

/* The greatest ring-page-order that can be served, by the size of a page of ours: a grant is always 4 KiB,
 * and where a page is larger several of them cannot be mapped one behind the other. */
unsigned ring_order_max(long page_size);

uint32_t ring_slots(enum blkif_abi abi, unsigned n_pages);

/* Takes up the ring where its backend, new or dead, left it. */
void ring_attach(struct ring *r, void *shared, unsigned n_pages, enum blkif_abi abi);

/* A name that the backend gives the ring, in what the header of the ring leaves unused: it is gone (0) when
 * the guest has made the ring anew, since who makes one clears that (xen/io/ring.h, SHARED_RING_INIT). A
 * guest that writes there harms itself. */
uint64_t ring_name(const struct ring *r);
void ring_set_name(struct ring *r, uint64_t name);

/* How many requests there are to take; -EPROTO: the guest's index cannot be, the ring is broken for good. */
int ring_available(const struct ring *r);

/* Copies out the request at `taken`, and does not step over it: ring_step() does. */
void ring_copy(const struct ring *r, struct request *ret_request);
void ring_step(struct ring *r);

/* Puts the answer into the next slot: what was requested in it is gone. */
void ring_put(struct ring *r, const struct response *response);
/* Shows the guest what was put. True: it wants to be notified. */
bool ring_push(struct ring *r);

/* Before sleeping: asks the guest to notify us of the next request. True: one came already (or the ring is
 * broken), look again. */
bool ring_sleep(struct ring *r);

#endif
