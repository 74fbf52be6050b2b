/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/unflushed.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "schemas/mem.h"

enum {
    ALIGNMENT = 16,
    PAGE = 4096,
};
#define MAGIC 0x7866756c66000001ULL

/* Before its data, if it has any. */
struct entry {
    uint64_t offset, length;
    uint32_t kind; /* enum io_kind */
    uint32_t unused[3];
};

_Static_assert(sizeof(struct unflushed_half) % PAGE == 0 &&
                   offsetof(struct unflushed_log, halves) % PAGE == 0,
               "memory is given back in pages");

struct unflushed {
    struct engine engine, *inner;
    struct unflushed_log *log;
    struct io flush; /* our own */
    bool flushing;
    const struct io *covering;   /* the flush that the older half is waiting for; NULL: it is empty */
    struct io *held, **held_end; /* done, and waiting for a place here */
    int failed;                  /* a flush has: nothing is kept any more, and no flush succeeds */
    bool resting;                /* memory is to be given back when nothing is kept */
};

static struct unflushed *unflushed_of(struct engine *e)
{
    return (struct unflushed *)(void *)((char *)e - offsetof(struct unflushed, engine));
}

static uint64_t aligned(uint64_t n)
{
    return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static uint64_t size_of(const struct entry *e)
{
    return sizeof *e + (e->kind == IO_WRITE ? aligned(e->length) : 0);
}

/* ---- what is kept ---- */

static void set_length(struct unflushed_half *h, uint64_t length)
{
    __atomic_store_n(&h->length, length, __ATOMIC_RELEASE);
}

static void give_memory_back(struct unflushed_half *h)
{
    madvise((char *)h + PAGE, sizeof *h - PAGE, MADV_REMOVE);
}

static void empty(struct unflushed *u, unsigned which)
{
    set_length(&u->log->halves[which], 0);
}

/* While there is work, the memory is needed again in a moment. */
static void rest_if_empty(struct unflushed *u)
{
    if (!u->resting || u->log->halves[0].length > 0 || u->log->halves[1].length > 0)
        return;
    u->resting = false;
    for (unsigned i = 0; i < 2; i++)
        give_memory_back(&u->log->halves[i]);
}

/* False: there is no room. */
static bool keep(struct unflushed *u, const struct io *io)
{
    struct unflushed_half *h = &u->log->halves[u->log->newer & 1];
    struct entry e = {.offset = io->offset, .length = io->length, .kind = (uint32_t)io->kind};
    if (u->failed)
        return true;
    if (size_of(&e) > UNFLUSHED_HALF - h->length)
        return false;
    memcpy(h->data + h->length, &e, sizeof e);
    if (io->kind == IO_WRITE)
        memcpy(h->data + h->length + sizeof e, io->data, io->length);
    set_length(h, h->length + size_of(&e));
    return true;
}

/* ---- flushes ---- */

/* It is for all that is kept now, if the other half is free for what comes. */
static void cover(struct unflushed *u, const struct io *flush)
{
    if (u->covering || u->log->halves[u->log->newer & 1].length == 0)
        return;
    u->covering = flush;
    __atomic_store_n(&u->log->newer, !(u->log->newer & 1), __ATOMIC_RELEASE);
}

static bool submit_flush(struct unflushed *u, struct io *io)
{
    cover(u, io);
    return u->inner->submit(u->inner, io);
}

static void flush_ended(struct unflushed *u, const struct io *io)
{
    bool covered = u->covering == io;
    if (covered)
        u->covering = NULL;
    if (io->error && !u->failed) {
        u->failed = io->error;
        u->log->failed = (uint64_t)-io->error;
    }
    if (u->failed || covered)
        empty(u, !(u->log->newer & 1));
    if (u->failed)
        empty(u, u->log->newer & 1);
    rest_if_empty(u);
}

static void flush_by_ourselves(struct unflushed *u)
{
    if (u->flushing || u->covering || u->failed)
        return;
    u->flushing = true;
    u->flush = (struct io){.kind = IO_FLUSH};
    if (submit_flush(u, &u->flush)) {
        u->flushing = false;
        flush_ended(u, &u->flush);
    }
}

/* Those that wait in the order in which they were done. */
static void let_go(struct unflushed *u)
{
    while (u->held && keep(u, u->held)) {
        struct io *io = u->held;
        u->held = io->next;
        if (!u->held)
            u->held_end = &u->held;
        u->engine.done(u->engine.arg, io);
    }
    if (u->held)
        flush_by_ourselves(u);
}

/* ---- the engine ---- */

/* True: whoever submitted it may know. */
static bool ended(struct unflushed *u, struct io *io)
{
    if (io->kind == IO_FLUSH) {
        flush_ended(u, io);
        let_go(u);
        return true;
    }
    if (io->kind == IO_READ || io->error)
        return true;
    if (!u->held && keep(u, io)) {
        if (u->log->halves[u->log->newer & 1].length > UNFLUSHED_HALF / 2)
            flush_by_ourselves(u);
        return true;
    }
    io->next = NULL;
    *u->held_end = io;
    u->held_end = &io->next;
    flush_by_ourselves(u);
    return false;
}

static void on_done(void *arg, struct io *io)
{
    struct unflushed *u = arg;
    if (io == &u->flush)
        u->flushing = false;
    if (ended(u, io) && io != &u->flush)
        u->engine.done(u->engine.arg, io);
}

static bool submit(struct engine *e, struct io *io)
{
    struct unflushed *u = unflushed_of(e);
    if (io->kind != IO_FLUSH)
        return u->inner->submit(u->inner, io) && ended(u, io);
    if (u->failed) { /* the other would say that all is well now */
        io->error = u->failed;
        return true;
    }
    return submit_flush(u, io) && ended(u, io);
}

static void rest(struct engine *e)
{
    struct unflushed *u = unflushed_of(e);
    u->resting = true;
    if (u->log->halves[u->log->newer & 1].length > 0)
        flush_by_ourselves(u);
    rest_if_empty(u);
    u->inner->start(u->inner);
}

static void start(struct engine *e)
{
    struct unflushed *u = unflushed_of(e);
    u->inner->start(u->inner);
}

/* ---- life ---- */

/* False: it cannot have been written by us, nor anything behind it. */
static bool next_entry(const struct unflushed_half *h, uint64_t at, struct entry *ret)
{
    uint64_t left = h->length > UNFLUSHED_HALF ? 0 : h->length - at;
    if (left < sizeof *ret)
        return false;
    memcpy(ret, h->data + at, sizeof *ret);
    return (ret->kind == IO_WRITE ? ret->length <= left - sizeof *ret && ret->length <= ENGINE_DATA_SIZE
                                  : ret->kind == IO_DISCARD) &&
           ret->offset % SECTOR == 0 && ret->length % SECTOR == 0;
}

static int redo(const struct unflushed_half *h, struct engine *engine, int (*apply)(void *arg, struct io *io),
                void *arg)
{
    struct entry e;
    int error = 0;
    for (uint64_t at = 0; !error && at < h->length && next_entry(h, at, &e); at += size_of(&e)) {
        struct io io = {
            .kind = (enum io_kind)e.kind, .data = engine->data, .offset = e.offset, .length = e.length};
        if (io.kind == IO_WRITE)
            memcpy(io.data, h->data + at + sizeof e, e.length);
        error = apply(arg, &io);
    }
    return error;
}

/* FNV-1a */
static uint64_t hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325;
    while (*text)
        h = (h ^ (unsigned char)*text++) * 0x100000001b3;
    return h;
}

int unflushed_open(struct unflushed_log *log, const char *name, struct engine *engine,
                   int (*apply)(void *arg, struct io *io), void *arg)
{
    uint64_t image = hash(name);
    unsigned newer = log->newer & 1;
    if (log->magic != MAGIC || log->image != image) {
        log->magic = 0;
        log->halves[0].length = log->halves[1].length = log->failed = 0;
        log->image = image;
        __atomic_store_n(&log->magic, MAGIC, __ATOMIC_RELEASE);
        return 0;
    }
    if (log->halves[0].length == 0 && log->halves[1].length == 0)
        return 0;
    struct io flush = {.kind = IO_FLUSH};
    int error = redo(&log->halves[!newer], engine, apply, arg);
    if (!error)
        error = redo(&log->halves[newer], engine, apply, arg);
    if (!error)
        error = apply(arg, &flush);
    for (unsigned i = 0; !error && i < 2; i++) {
        set_length(&log->halves[i], 0);
        give_memory_back(&log->halves[i]);
    }
    return error;
}

struct unflushed *unflushed_new(struct unflushed_log *log, struct engine *engine)
{
    struct unflushed *u = xcalloc(1, sizeof *u);
    u->engine = (struct engine){.submit = submit, .start = start, .rest = rest, .data = engine->data};
    u->inner = engine;
    u->log = log;
    u->failed = log->failed ? -(int)(log->failed & 0xfff) : 0;
    u->held_end = &u->held;
    engine->done = on_done;
    engine->arg = u;
    return u;
}

void unflushed_free(struct unflushed *u)
{
    free(u);
}

struct engine *unflushed_engine(struct unflushed *u)
{
    return &u->engine;
}
