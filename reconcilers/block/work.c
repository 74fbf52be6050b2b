/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/work.h"

#include <errno.h>
#include <stdlib.h>

#include "reconcilers/block/disk.h"
#include "reconcilers/block/engine.h"
#include "reconcilers/block/flushes.h"
#include "reconcilers/block/guest.h"
#include "reconcilers/block/journal.h"
#include "reconcilers/block/request.h"
#include "reconcilers/block/space.h"
#include "schemas/mem.h"

enum { ALONE_ENOUGH = 16 /* requests that came one at a time until the next is taken to do so as well */ };

/* What is next for a request: a write may have a flush on either side of it. */
enum stage { STAGE_FLUSH_BEFORE, STAGE_DO, STAGE_FLUSH_AFTER, STAGE_END };

/* A request under way. Where it is in the array is its place in the journal. */
struct slot {
    struct slot *next; /* in whichever list it is */
    enum stage stage;
    bool failed; /* set by whatever goes wrong: BLKIF_RSP_ERROR, unless status says something else */
    int16_t status;
    struct blkif_request_segment *descriptors; /* of an indirect one; of the space, as is its data */
    uint32_t n_descriptors;
    struct request request;
    struct job job;
    struct work *work;
    struct io io;
    struct flush_waiter flush;
};

struct list {
    struct slot *first, **end;
};

struct work {
    struct work_config config;
    struct ring ring;
    struct slot *slots;  /* ring.n_slots */
    struct slot *free;   /* those without a request; the last that was used is the first */
    struct list waiting; /* for memory, or for a barrier; no more are taken meanwhile */
    struct list begun;   /* to be handed to the engine, once their data is there */
    struct list done;    /* to be answered */
    struct space space;
    struct flushes flushes;
    struct io flush;    /* the disk's, of which there is one at a time */
    unsigned under_way; /* requests begun and not done */
    bool barrier;       /* one of those is under way: alone */
    unsigned alone;     /* requests that came, in a row, when there was no other */
};

static void clear(struct list *l)
{
    l->first = NULL;
    l->end = &l->first;
}

static void append(struct list *l, struct slot *slot)
{
    slot->next = NULL;
    *l->end = slot;
    l->end = &slot->next;
}

static struct slot *remove_first(struct list *l)
{
    struct slot *slot = l->first;
    l->first = slot->next;
    if (!slot->next)
        clear(l);
    return slot;
}

/* ---- taking requests ---- */

static void copy_segments(struct work *w, struct slot *slot, enum guest_copy direction)
{
    char *at = slot->io.data;
    for (uint32_t i = 0; i < slot->job.n_segments; i++) {
        const struct blkif_request_segment *g = &slot->job.segments[i];
        guest_copy(w->config.guest, direction, g->gref, segment_offset(g), segment_length(g), at,
                   &slot->failed);
        at += segment_length(g);
    }
}

static void give_memory_back(struct work *w, struct slot *slot)
{
    if (slot->descriptors)
        space_return(&w->space, slot->descriptors, slot->n_descriptors * sizeof *slot->descriptors);
    if (slot->io.data)
        space_return(&w->space, slot->io.data, slot->job.length);
    slot->descriptors = NULL;
    slot->io.data = NULL;
}

/* False: there is no space for them now. */
static bool fetch_descriptors(struct work *w, struct slot *slot)
{
    uint32_t n = slot->n_descriptors = request_descriptors(&slot->request);
    uint16_t len = (uint16_t)(n * sizeof *slot->descriptors);
    if (n == 0 || slot->descriptors)
        return true;
    slot->descriptors = space_take(&w->space, len);
    if (!slot->descriptors)
        return false;
    guest_copy(w->config.guest, GUEST_COPY_IN, slot->request.descriptors, 0, len, slot->descriptors,
               &slot->failed);
    guest_copy_all(w->config.guest);
    return true;
}

/* What a request amounts to, with its memory, and what it writes. False: it has to wait. */
static bool prepare(struct work *w, struct slot *slot)
{
    struct job *job = &slot->job;
    if (w->barrier || !fetch_descriptors(w, slot))
        return false;
    if (slot->failed)
        *job = (struct job){.kind = JOB_REFUSED, .status = BLKIF_RSP_ERROR};
    else
        *job = request_check(&w->config.disk->geometry, &slot->request, slot->descriptors);
    if (job->barrier && w->under_way > 0)
        return false;
    if (job->kind == JOB_READ || job->kind == JOB_WRITE) {
        slot->io.data = space_take(&w->space, job->length);
        if (!slot->io.data)
            return false;
    }
    if (job->kind == JOB_WRITE)
        copy_segments(w, slot, GUEST_COPY_IN);
    w->barrier = job->barrier;
    w->under_way++;
    append(&w->begun, slot);
    return true;
}

/* Copied out of the ring, and saved, before anything can be put there in its place. */
static struct slot *take(struct work *w)
{
    struct slot *slot = w->free;
    w->free = slot->next;
    *slot = (struct slot){.work = w, .status = BLKIF_RSP_OKAY};
    ring_copy(&w->ring, &slot->request);
    journal_take(w->config.journal, (uint32_t)(slot - w->slots), w->ring.taken, &slot->request);
    ring_step(&w->ring);
    return slot;
}

/* ---- doing them ---- */

static void proceed(struct slot *slot);

static void end_flush(struct slot *slot, bool failed)
{
    slot->failed |= failed;
    slot->stage++;
    proceed(slot);
}

static void begin_flush(struct work *w);

static void flush_ended(struct work *w)
{
    bool again;
    if (w->flush.error) {
        journal_lose(w->config.journal, -w->flush.error);
        w->config.lost(w->config.arg);
    }
    struct flush_waiter *ended = flushes_ended(&w->flushes, w->flush.error != 0, &again), *next;
    if (again)
        begin_flush(w);
    for (; ended; ended = next) {
        next = ended->next;
        end_flush((struct slot *)(void *)((char *)ended - offsetof(struct slot, flush)), w->flushes.lost);
    }
}

static void begin_flush(struct work *w)
{
    w->flush = (struct io){.kind = IO_FLUSH};
    if (engine_submit(w->config.engine, &w->flush))
        flush_ended(w);
}

/* True: what comes next has to wait for it. */
static bool flush(struct slot *slot)
{
    struct work *w = slot->work;
    switch (flushes_ask(&w->flushes, &slot->flush)) {
    case FLUSH_BEGINS:
        begin_flush(w);
        return true;
    case FLUSH_WAITS:
        return true;
    case FLUSH_FAILED:
        slot->failed = true;
        return false;
    case FLUSH_DONE:
        return false;
    }
    return false;
}

static void finish(struct slot *slot)
{
    struct work *w = slot->work;
    w->under_way--;
    w->barrier &= !slot->job.barrier;
    if (slot->job.kind == JOB_READ && !slot->failed)
        copy_segments(w, slot, GUEST_COPY_OUT);
    append(&w->done, slot);
}

static void io_ended(struct slot *slot)
{
    slot->failed |= slot->io.error != 0;
    if (slot->io.error == -EOPNOTSUPP && slot->job.kind == JOB_DISCARD)
        slot->status = BLKIF_RSP_EOPNOTSUPP;
    if (slot->job.kind != JOB_READ)
        flushes_written(&slot->work->flushes);
    slot->stage++;
}

/* Takes the next steps, until one has to be waited for. */
static void proceed(struct slot *slot)
{
    while (!slot->failed && slot->stage != STAGE_END) {
        if (slot->stage != STAGE_DO) {
            if (slot->job.flush && flush(slot))
                return;
            slot->stage++;
        } else if (slot->job.kind == JOB_FLUSH) {
            slot->stage = STAGE_END; /* which has been done before */
        } else if (engine_submit(slot->work->config.engine, &slot->io)) {
            io_ended(slot);
        } else {
            return;
        }
    }
    finish(slot);
}

static void begin(struct slot *slot)
{
    static const enum io_kind kinds[] = {
        [JOB_READ] = IO_READ, [JOB_WRITE] = IO_WRITE, [JOB_DISCARD] = IO_DISCARD};
    if (slot->job.kind == JOB_REFUSED) {
        slot->status = slot->job.status;
        slot->stage = STAGE_END;
    } else if (slot->job.kind != JOB_FLUSH) {
        slot->io.kind = kinds[slot->job.kind];
        slot->io.offset = slot->job.offset;
        slot->io.length = slot->job.length;
    }
    proceed(slot);
}

/* Called by the engine. */
static void on_io(void *arg, struct io *io)
{
    struct work *w = arg;
    w->config.progressed(w->config.arg);
    if (io == &w->flush) {
        flush_ended(w);
        return;
    }
    struct slot *slot = (struct slot *)(void *)((char *)io - offsetof(struct slot, io));
    io_ended(slot);
    proceed(slot);
}

/* ---- answering ---- */

static struct response response_of(const struct slot *slot)
{
    struct response r = {.id = slot->request.id, .op = slot->request.op, .status = slot->status};
    if (slot->failed && r.status == BLKIF_RSP_OKAY)
        r.status = BLKIF_RSP_ERROR;
    return r;
}

static void release(struct work *w, struct slot *slot)
{
    give_memory_back(w, slot);
    slot->next = w->free;
    w->free = slot;
}

/* The rule of journal.h: recorded before put. */
bool work_answer(struct work *w)
{
    guest_copy_all(w->config.guest);
    while (w->done.first) {
        struct slot *slot = remove_first(&w->done);
        struct response r = response_of(slot);
        journal_record(w->config.journal, (uint32_t)(slot - w->slots), &r);
        ring_put(&w->ring, &r);
        release(w, slot);
    }
    if (w->ring.put == w->ring.pushed)
        return false;
    bool wanted = ring_push(&w->ring);
    journal_push(w->config.journal);
    return wanted;
}

/* Those that waited, if they can now, then new ones. */
static void take_all(struct work *w, int n)
{
    struct slot *slot, *next;
    for (slot = w->waiting.first; slot; slot = next) {
        next = slot->next;
        if (!prepare(w, slot))
            break;
        w->waiting.first = next;
        if (!next)
            clear(&w->waiting);
    }
    for (; n > 0 && !w->waiting.first; n--) {
        slot = take(w);
        if (!prepare(w, slot))
            append(&w->waiting, slot);
    }
}

/* A guest that has one request at a time asks for the next when it has the answer to the last. */
static void note_depth(struct work *w, unsigned n)
{
    if (n + w->under_way > 1)
        w->alone = 0;
    else if (n == 1 && w->alone < ALONE_ENOUGH)
        w->alone++;
    w->config.engine->alone = n == 1 && w->alone == ALONE_ENOUGH;
}

int work_batch(struct work *w)
{
    int n = ring_available(&w->ring);
    if (n < 0)
        return n;
    note_depth(w, (unsigned)n);
    take_all(w, n);
    bool any = w->begun.first != NULL;
    guest_copy_all(w->config.guest);
    while (w->begun.first)
        begin(remove_first(&w->begun));
    engine_start(w->config.engine);
    if (w->config.engine->alone && ring_available(&w->ring) != 0) /* while it was waited for, or done */
        w->alone = 0;
    return any;
}

bool work_sleeps(struct work *w)
{
    return w->waiting.first ? w->under_way > 0 : !ring_sleep(&w->ring);
}

unsigned work_under_way(const struct work *w)
{
    return w->under_way;
}

uint32_t work_taken(const struct work *w)
{
    return w->ring.taken;
}

bool work_trim(struct work *w)
{
    engine_rest(w->config.engine);
    return space_trim(&w->space);
}

/* ---- rings ---- */

/* Those that were taken first are first. */
static void insert_by_age(struct list *l, struct slot *slot, const struct journal *j)
{
    struct slot **at = &l->first;
    while (*at && journal_age(j, (uint32_t)(*at - slot->work->slots)) >
                      journal_age(j, (uint32_t)(slot - slot->work->slots)))
        at = &(*at)->next;
    slot->next = *at;
    *at = slot;
    if (!slot->next)
        l->end = &slot->next;
}

/* What the worker before us had answered but may not have shown is put again; what it had under way is done
 * again. */
static void recover(struct work *w)
{
    const struct journal *j = w->config.journal;
    struct response r;
    while (w->ring.put != j->put) {
        journal_answer_at(j, w->ring.put, &r);
        ring_put(&w->ring, &r);
    }
    w->ring.taken = j->taken;
    for (uint32_t i = 0; i < w->ring.n_slots; i++) {
        struct slot *slot = &w->slots[i];
        if (journal_request_at(j, i, &slot->request))
            insert_by_age(&w->waiting, slot, j);
    }
}

void work_begin(struct work *w, void *pages, unsigned n_pages, enum blkif_abi abi)
{
    ring_attach(&w->ring, pages, n_pages, abi);
    struct journal *j = w->config.journal;
    w->slots = xcalloc(w->ring.n_slots, sizeof *w->slots);
    w->free = NULL;
    w->under_way = 0;
    w->barrier = false;
    clear(&w->waiting);
    clear(&w->begun);
    clear(&w->done);
    for (uint32_t i = 0; i < w->ring.n_slots; i++)
        w->slots[i].work = w;
    if (journal_resume(j, ring_name(&w->ring), w->ring.n_slots, w->ring.pushed))
        recover(w);
    else
        ring_set_name(&w->ring, journal_begin(j, w->ring.n_slots, w->ring.pushed));
    for (uint32_t i = w->ring.n_slots; i-- > 0;) {
        if (journal_age(j, i) != 0)
            continue;
        w->slots[i].next = w->free;
        w->free = &w->slots[i];
    }
}

void work_end(struct work *w)
{
    journal_end(w->config.journal);
    engine_rest(w->config.engine);
    for (struct slot *slot = w->waiting.first, *next; slot; slot = next) {
        next = slot->next;
        release(w, slot);
    }
    free(w->slots);
    w->slots = NULL;
    space_trim(&w->space);
}

/* ---- life ---- */

struct work *work_new(const struct work_config *config)
{
    const struct disk *d = config->disk;
    struct work *w = xcalloc(1, sizeof *w);
    w->config = *config;
    config->engine->done = on_io;
    config->engine->arg = w;
    space_init(&w->space, config->engine->data, ENGINE_DATA_SIZE);
    /* the kernel may have yet to write what a worker before us was given */
    flushes_init(&w->flushes, (d->fd >= 0 || d->elsewhere) && !d->geometry.read_only,
                 config->journal->lost != 0);
    return w;
}

void work_free(struct work *w)
{
    space_finish(&w->space);
    free(w);
}
