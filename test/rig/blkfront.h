/* SPDX-License-Identifier: MIT */
/* A blkif frontend for a domain of the rig, in parts: its side of xenbus (blkfront_bus.c), the ring
 * (blkfront_ring.c), and what is done with a disk: read, write and measure (blkfront_io.c), check
 * (blkfront_verify.c) and attack (blkfront_hostile.c).
 *
 * It is honest unless told otherwise: pages are granted while a request is under way and no longer, and only
 * to be read where the backend has no business to write. Whatever the backend does wrong on the ring ends the
 * program with a message and status 1.
 *
 * Sectors are 512 bytes, as everywhere in blkif; times are milliseconds. One thread. */
#ifndef XENRECON_RIG_BLKFRONT_H
#define XENRECON_RIG_BLKFRONT_H

#include <stdbool.h>
#include <stdint.h>
#include <xen/io/blkif.h>
#include <xenevtchn.h>

#include "test/rig/rig.h"

enum {
    SECTOR = 512,
    PAGE_SECTORS = RIG_PAGE / SECTOR,
    DIRECT = BLKIF_MAX_SEGMENTS_PER_REQUEST,
    RING_PAGES_MAX = 16,
    DEPTH_MAX = 512,
};

/* As the frontend's key `protocol` names them. */
enum protocol { PROTOCOL_UNNAMED, PROTOCOL_64, PROTOCOL_32 };

struct options {
    enum protocol protocol;
    unsigned int ring_order;  /* pages of the ring, as a power of two; no more than the backend can */
    unsigned int segments;    /* of a request, likewise; more than 11 are indirect */
    unsigned int depth;       /* requests under way */
    uint32_t page;            /* the first of the domain's that are used */
    unsigned int timeout;     /* for a step of the handshake */
    unsigned int stall;       /* without any answer on the ring */
    bool persistent;          /* keep pages granted when the backend offers to keep them mapped */
    bool leave;               /* end without closing */
    bool eager;               /* do not wait for InitWait */
    bool pages;               /* say the ring's size as a number of pages, where that is offered */
    bool reset;               /* close first what a frontend before us left open */
    unsigned int count, seed; /* verify, reload */
    unsigned int seconds;     /* bench */
    unsigned int progress;    /* verify: say so every so many writes; 0: never */
    uint64_t span;            /* verify, bench: sectors from the first; 0: the disk */
};

/* A request that may be under way, with pages of its own. */
struct io {
    uint64_t id;
    bool busy;
    uint8_t op; /* read, write, flush or discard */
    int16_t status;
    uint64_t sector;
    uint32_t count;  /* sectors */
    uint32_t offset; /* of the data in the first page, in sectors */
    uint32_t pages;  /* granted */
    uint32_t page;   /* the first of its pages */
    uint64_t tag;    /* the user's */
};

/* What stands in a request on the ring, whatever its layout there. */
struct request {
    uint8_t op, n; /* of a discard, n is the flag; of an indirect one, what is to be done */
    uint16_t handle, n_indirect;
    uint64_t id, sector, n_sectors;
    struct blkif_request_segment seg[DIRECT];
    uint32_t refs[BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST];
};

struct blkfront {
    struct options opt;
    unsigned int devid;
    char f[64], *b; /* its directories */
    uint32_t backend_id;
    uint64_t incarnation; /* of the ring; requests of one have no id of another */

    /* What the backend publishes. */
    uint64_t sectors;
    uint32_t sector_size;
    unsigned int info, ring_order, segments; /* the last two: what both sides can */
    bool flush, barrier, discard, persistent;

    struct rig_memory memory;
    xenevtchn_handle *xce;
    evtchn_port_t port;
    bool has_port; /* from a connection before */

    struct shared *shared;
    uint32_t ring_page, ring_size, entry_size;
    uint32_t req_prod, rsp_cons;
    uint32_t n_ios, io_pages, under_way;
    uint32_t free_ios[DEPTH_MAX], n_free;
    struct io ios[DEPTH_MAX];
};

/* ---- blkfront_bus.c ---- */

void bus_open(struct blkfront *d);
void bus_connect(struct blkfront *d);
void bus_close(struct blkfront *d);
/* Closes, whatever is under way, and connects again with the very same keys. */
void bus_come_back(struct blkfront *d);
/* Sets F's state and waits for nothing. */
void bus_set_state(struct blkfront *d, char state);
/* B's, or '0'. */
char bus_backend_state(struct blkfront *d);
/* Until B's state is one of these. False: not in time. */
bool bus_await(struct blkfront *d, const char *states, unsigned int timeout);
/* Until the backend wants to close, which is granted, or standard input ends. */
void bus_hold(struct blkfront *d);
/* What it publishes, line by line. */
void bus_print(struct blkfront *d);

/* ---- blkfront_ring.c ---- */

void ring_create(struct blkfront *d);
void ring_destroy(struct blkfront *d); /* nothing is granted any more */

/* NULL when all are under way. */
struct io *ring_take(struct blkfront *d);
char *ring_data(const struct blkfront *d, const struct io *io);
/* Most sectors of one request. */
uint32_t ring_most(const struct blkfront *d);
/* Puts it on the ring; the backend learns of it with ring_push(). */
void ring_submit(struct blkfront *d, struct io *io, uint8_t op, uint64_t sector, uint32_t count);
void ring_push(struct blkfront *d);
/* The next that was answered, which is free again until the next call; NULL: none yet. */
struct io *ring_next(struct blkfront *d);
/* The same, waiting; never NULL: a stall ends the program. */
struct io *ring_wait(struct blkfront *d);
/* One request alone; its status. */
int ring_do(struct blkfront *d, struct io *io, uint8_t op, uint64_t sector, uint32_t count);

/* For who does not play by the rules. */
void ring_put(struct blkfront *d, const struct request *r);
void ring_set_producer(struct blkfront *d, uint32_t producer);
/* An answer within the time: true. */
bool ring_raw_answer(struct blkfront *d, unsigned int timeout, uint64_t *ret_id, int16_t *ret_status);

/* ---- what is done with a disk ---- */

/* Each returns the program's exit status. */
int io_read(struct blkfront *d, uint64_t sector, uint64_t count);  /* to standard output */
int io_write(struct blkfront *d, uint64_t sector, uint64_t count); /* from standard input */
/* A write (of what the disk does not have), or a flush, and reads that pass it, until they have used each
 * slot of the ring; says `passed`, waits for the slow one, and reads what it wrote. */
int io_overtake(struct blkfront *d, const char *what);
int io_bench(struct blkfront *d, const char *pattern, uint32_t depth);
int verify(struct blkfront *d);
int hostile(struct blkfront *d, char **names);

/* Below n, of a sequence that --seed determines. */
uint64_t random_below(struct blkfront *d, uint64_t n);

#endif
