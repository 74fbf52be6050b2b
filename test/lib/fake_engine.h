/* SPDX-License-Identifier: MIT */
/* An engine of a disk in memory, which does nothing before it is told to: tests say what ends when, in which
 * order, and how. What was submitted and not started cannot end. */
#ifndef XENRECON_TEST_FAKE_ENGINE_H
#define XENRECON_TEST_FAKE_ENGINE_H

#include "reconcilers/block/engine.h"
#include "test/lib/unit.h"

enum { FAKE_MAX = 512 /* under way */ };

struct fake_engine {
    struct engine engine;
    char *disk; /* NULL: nobody looks at data */
    bool at_once;
    void (*started)(void);    /* NULL, or what else happens then */
    struct io *ios[FAKE_MAX]; /* under way, in the order in which they came */
    size_t n, n_started;
    unsigned count[IO_DISCARD + 1]; /* that were submitted, ever, by kind */
    uint64_t bytes, bytes_max;      /* of the data of those under way */
    char log[FAKE_MAX + 1];         /* a letter for each that was submitted: r w f d */
    size_t logged;
};

static inline void fake_move(struct fake_engine *f, struct io *io)
{
    if (!f->disk || !io->data)
        return;
    if (io->kind == IO_READ) /* as far as it came before it failed */
        memcpy(io->data, f->disk + io->offset, io->length);
    else if (io->kind == IO_WRITE && !io->error)
        memcpy(f->disk + io->offset, io->data, io->length);
}

static inline bool fake_submit(struct engine *e, struct io *io)
{
    struct fake_engine *f = (struct fake_engine *)(void *)e;
    ck_assert_uint_lt(f->n, FAKE_MAX);
    f->count[io->kind]++;
    if (f->logged < FAKE_MAX)
        f->log[f->logged++] = "rwfd"[io->kind];
    if (f->at_once) {
        fake_move(f, io);
        return true;
    }
    f->ios[f->n++] = io;
    f->bytes += io->data ? io->length : 0;
    f->bytes_max = f->bytes > f->bytes_max ? f->bytes : f->bytes_max;
    return false;
}

static inline void fake_start(struct engine *e)
{
    struct fake_engine *f = (struct fake_engine *)(void *)e;
    f->n_started = f->n;
    if (f->started)
        f->started();
}

static inline struct fake_engine fake_new(char *disk)
{
    return (struct fake_engine){.engine = {.submit = fake_submit, .start = fake_start}, .disk = disk};
}

/* The nth of those under way ends. */
static inline void fake_end(struct fake_engine *f, size_t nth, int error)
{
    ck_assert_uint_lt(nth, f->n_started);
    struct io *io = f->ios[nth];
    f->n--;
    f->n_started--;
    memmove(&f->ios[nth], &f->ios[nth + 1], (f->n - nth) * sizeof(struct io *));
    f->bytes -= io->data ? io->length : 0;
    io->error = error;
    fake_move(f, io);
    f->engine.done(f->engine.arg, io);
}

static inline size_t fake_find(const struct fake_engine *f, enum io_kind kind)
{
    for (size_t i = 0; i < f->n_started; i++)
        if (f->ios[i]->kind == kind)
            return i;
    ck_abort_msg("nothing of that kind is under way");
}

/* The first of that kind ends. */
static inline void fake_end_kind(struct fake_engine *f, enum io_kind kind, int error)
{
    fake_end(f, fake_find(f, kind), error);
}

/* What was submitted since the last call, as letters. */
static inline const char *fake_log(struct fake_engine *f)
{
    f->log[f->logged] = '\0';
    f->logged = 0;
    return f->log;
}

#endif
