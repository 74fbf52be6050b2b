/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/serve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "reconcilers/block/disk.h"
#include "reconcilers/block/engine.h"
#include "reconcilers/block/flushes.h"
#include "reconcilers/block/guest.h"
#include "reconcilers/block/journal.h"
#include "reconcilers/block/request.h"
#include "reconcilers/block/space.h"
#include "schemas/mem.h"

enum {
    /* A full ring of one page with requests of the greatest size, or one of eight with an eighth of it */
    SPACE_SIZE = 32 * INDIRECT_SEGMENTS_MAX * RING_PAGE + 32 * RING_PAGE,
    ROUNDS = 8,       /* batches until the loop gets a turn */
    TRIM_MS = 1000,   /* memory that was not used for so long is given back */
    IDLE_EVENTS = 16, /* events in a row that brought nothing before they are looked at late */
    LATE_MS_MAX = 64,
};

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
    struct serve *serve;
    struct io io;
    struct flush_waiter flush;
};

struct list {
    struct slot *first, **end;
};

enum serve_state { SERVE_IDLE, SERVE_CONNECTED, SERVE_ENDING };

struct serve {
    struct serve_config config;
    enum serve_state state;
    bool broken;
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
    bool look;          /* at the ring, at the end of this turn of the loop */
    bool greet;         /* notify the guest whether or not it asked for it */
    bool masked;        /* its events */
    bool size_is_new;   /* resized() is due … */
    bool lost_is_new;   /* … and lost() */
    unsigned idle_events;
    uint32_t taken_at_event, taken_at_trim;
    uv_poll_t events, changes;
    uv_check_t check;
    uv_idle_t again;
    uv_timer_t trim, late;
    unsigned open_handles;
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

static void copy_segments(struct serve *s, struct slot *slot, enum guest_copy direction)
{
    char *at = slot->io.data;
    for (uint32_t i = 0; i < slot->job.n_segments; i++) {
        const struct blkif_request_segment *g = &slot->job.segments[i];
        guest_copy(s->config.guest, direction, g->gref, segment_offset(g), segment_length(g), at,
                   &slot->failed);
        at += segment_length(g);
    }
}

static void give_memory_back(struct serve *s, struct slot *slot)
{
    if (slot->descriptors)
        space_return(&s->space, slot->descriptors, slot->n_descriptors * sizeof *slot->descriptors);
    if (slot->io.data)
        space_return(&s->space, slot->io.data, slot->job.length);
    slot->descriptors = NULL;
    slot->io.data = NULL;
}

/* False: there is no space for them now. */
static bool fetch_descriptors(struct serve *s, struct slot *slot)
{
    uint32_t n = slot->n_descriptors = request_descriptors(&slot->request);
    uint16_t len = (uint16_t)(n * sizeof *slot->descriptors);
    if (n == 0 || slot->descriptors)
        return true;
    slot->descriptors = space_take(&s->space, len);
    if (!slot->descriptors)
        return false;
    guest_copy(s->config.guest, GUEST_COPY_IN, slot->request.descriptors, 0, len, slot->descriptors,
               &slot->failed);
    guest_copy_all(s->config.guest);
    return true;
}

/* What a request amounts to, with its memory, and what it writes. False: it has to wait. */
static bool prepare(struct serve *s, struct slot *slot)
{
    struct job *job = &slot->job;
    if (s->barrier || !fetch_descriptors(s, slot))
        return false;
    if (slot->failed)
        *job = (struct job){.kind = JOB_REFUSED, .status = BLKIF_RSP_ERROR};
    else
        *job = request_check(&s->config.disk->geometry, &slot->request, slot->descriptors);
    if (job->barrier && s->under_way > 0)
        return false;
    if (job->kind == JOB_READ || job->kind == JOB_WRITE) {
        slot->io.data = space_take(&s->space, job->length);
        if (!slot->io.data)
            return false;
    }
    if (job->kind == JOB_WRITE)
        copy_segments(s, slot, GUEST_COPY_IN);
    s->barrier = job->barrier;
    s->under_way++;
    append(&s->begun, slot);
    return true;
}

/* Copied out of the ring, and saved, before anything can be put there in its place. */
static struct slot *take(struct serve *s)
{
    struct slot *slot = s->free;
    s->free = slot->next;
    *slot = (struct slot){.serve = s, .status = BLKIF_RSP_OKAY};
    ring_copy(&s->ring, &slot->request);
    journal_take(s->config.journal, (uint32_t)(slot - s->slots), s->ring.taken, &slot->request);
    ring_step(&s->ring);
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

static void begin_flush(struct serve *s);

static void flush_ended(struct serve *s)
{
    bool again;
    if (s->flush.error) {
        journal_lose(s->config.journal, -s->flush.error);
        s->lost_is_new = true;
    }
    struct flush_waiter *w = flushes_ended(&s->flushes, s->flush.error != 0, &again), *next;
    if (again)
        begin_flush(s);
    for (; w; w = next) {
        next = w->next;
        end_flush((struct slot *)(void *)((char *)w - offsetof(struct slot, flush)), s->flushes.lost);
    }
}

static void begin_flush(struct serve *s)
{
    s->flush = (struct io){.kind = IO_FLUSH};
    if (engine_submit(s->config.engine, &s->flush))
        flush_ended(s);
}

/* True: what comes next has to wait for it. */
static bool flush(struct slot *slot)
{
    struct serve *s = slot->serve;
    switch (flushes_ask(&s->flushes, &slot->flush)) {
    case FLUSH_BEGINS:
        begin_flush(s);
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
    struct serve *s = slot->serve;
    s->under_way--;
    s->barrier &= !slot->job.barrier;
    if (slot->job.kind == JOB_READ && !slot->failed)
        copy_segments(s, slot, GUEST_COPY_OUT);
    append(&s->done, slot);
}

static void io_ended(struct slot *slot)
{
    slot->failed |= slot->io.error != 0;
    if (slot->io.error == -EOPNOTSUPP && slot->job.kind == JOB_DISCARD)
        slot->status = BLKIF_RSP_EOPNOTSUPP;
    if (slot->job.kind != JOB_READ)
        flushes_written(&slot->serve->flushes);
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
        } else if (engine_submit(slot->serve->config.engine, &slot->io)) {
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
    struct serve *s = arg;
    s->look = true;
    if (io == &s->flush) {
        flush_ended(s);
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

static void release(struct serve *s, struct slot *slot)
{
    give_memory_back(s, slot);
    slot->next = s->free;
    s->free = slot;
}

/* The rule of journal.h: recorded before put. */
static void answer(struct serve *s)
{
    guest_copy_all(s->config.guest);
    while (s->done.first) {
        struct slot *slot = remove_first(&s->done);
        struct response r = response_of(slot);
        journal_record(s->config.journal, (uint32_t)(slot - s->slots), &r);
        ring_put(&s->ring, &r);
        release(s, slot);
    }
    if (s->ring.put == s->ring.pushed)
        return;
    bool wanted = ring_push(&s->ring);
    journal_push(s->config.journal);
    if (wanted || s->greet) {
        guest_notify(s->config.guest);
        s->greet = false;
    }
}

static void give_up(struct serve *s)
{
    s->broken = true;
    s->state = SERVE_ENDING;
}

static void on_trim(uv_timer_t *timer);

/* Those that waited, if they can now, then new ones. */
static void take_all(struct serve *s, int n)
{
    struct slot *slot, *next;
    for (slot = s->waiting.first; slot; slot = next) {
        next = slot->next;
        if (!prepare(s, slot))
            break;
        s->waiting.first = next;
        if (!next)
            clear(&s->waiting);
    }
    if (n > 0 && !uv_is_active((uv_handle_t *)&s->trim))
        uv_timer_start(&s->trim, on_trim, TRIM_MS, 0);
    for (; n > 0 && !s->waiting.first; n--) {
        slot = take(s);
        if (!prepare(s, slot))
            append(&s->waiting, slot);
    }
}

/* False: there was nothing to begin. */
static bool batch(struct serve *s)
{
    int n = ring_available(&s->ring);
    if (n < 0) {
        give_up(s);
        return false;
    }
    take_all(s, n);
    bool any = s->begun.first != NULL;
    guest_copy_all(s->config.guest);
    while (s->begun.first)
        begin(remove_first(&s->begun));
    engine_start(s->config.engine);
    answer(s);
    return any;
}

/* ---- the turn of the loop ---- */

static void on_again(uv_idle_t *idle)
{
    struct serve *s = idle->data;
    s->look = true;
}

/* Timers run before the loop sleeps: what they find must keep it from that. */
static void stay_awake(struct serve *s)
{
    uv_idle_start(&s->again, on_again);
}

static void on_late(uv_timer_t *timer)
{
    struct serve *s = timer->data;
    s->masked = false;
    guest_unmask(s->config.guest);
    stay_awake(s);
}

/* Events that bring requests are unmasked at once; a guest that only makes us look is looked at late. */
static void unmask(struct serve *s)
{
    bool useful = s->ring.taken != s->taken_at_event;
    if (uv_is_active((uv_handle_t *)&s->late))
        return;
    s->taken_at_event = s->ring.taken;
    s->idle_events = useful ? 0 : s->idle_events + 1;
    if (s->idle_events <= IDLE_EVENTS) {
        s->masked = false;
        guest_unmask(s->config.guest);
    } else {
        unsigned over = s->idle_events - IDLE_EVENTS;
        uv_timer_start(&s->late, on_late, over < 7 ? 1U << (over - 1) : LATE_MS_MAX, 0);
    }
}

static void end(struct serve *s)
{
    guest_release(s->config.guest);
    journal_end(s->config.journal);
    uv_timer_stop(&s->trim);
    uv_timer_stop(&s->late);
    uv_idle_stop(&s->again);
    uv_poll_stop(&s->events);
    for (struct slot *slot = s->waiting.first, *next; slot; slot = next) {
        next = slot->next;
        release(s, slot);
    }
    free(s->slots);
    s->slots = NULL;
    space_trim(&s->space);
    s->state = SERVE_IDLE;
    if (s->broken)
        s->config.broken(s->config.arg);
    else
        s->config.ended(s->config.arg);
}

/* One look at the ring, once everything that woke us has been told. */
static void serve_pass(struct serve *s)
{
    answer(s);
    for (int i = 0; i < ROUNDS && s->state == SERVE_CONNECTED && batch(s); i++)
        ;
    if (s->greet) {
        guest_notify(s->config.guest);
        s->greet = false;
    }
    if (s->state != SERVE_CONNECTED) {
        uv_idle_stop(&s->again);
        return;
    }
    if (s->masked)
        unmask(s);
    if (s->waiting.first ? s->under_way == 0 : ring_sleep(&s->ring))
        stay_awake(s);
    else
        uv_idle_stop(&s->again);
}

static void on_check(uv_check_t *check)
{
    struct serve *s = check->data;
    if (s->look && s->state != SERVE_IDLE)
        serve_pass(s);
    else if (s->look)
        uv_idle_stop(&s->again);
    s->look = false;
    if (s->state == SERVE_ENDING && s->under_way == 0)
        end(s);
    if (s->size_is_new) {
        s->size_is_new = false;
        s->config.resized(s->config.arg);
    }
    if (s->lost_is_new) {
        s->lost_is_new = false;
        s->config.lost(s->config.arg);
    }
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct serve *s = poll->data;
    (void)events;
    if (status == 0 && guest_pending(s->config.guest))
        s->masked = s->look = true;
}

void serve_look_at_size(struct serve *s)
{
    if (!disk_resized(s->config.disk))
        return;
    s->size_is_new = true;
    stay_awake(s);
}

static void on_trim(uv_timer_t *timer)
{
    struct serve *s = timer->data;
    bool idle = s->ring.taken == s->taken_at_trim;
    s->taken_at_trim = s->ring.taken;
    if (!idle || space_trim(&s->space))
        uv_timer_start(timer, on_trim, TRIM_MS, 0);
}

static void on_changed(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    struct serve *s = poll->data;
    disk_take_changes(s->config.disk);
    serve_look_at_size(s);
}

/* ---- connections ---- */

/* Those that were taken first are first. */
static void insert_by_age(struct list *l, struct slot *slot, const struct journal *j)
{
    struct slot **at = &l->first;
    while (*at && journal_age(j, (uint32_t)(*at - slot->serve->slots)) >
                      journal_age(j, (uint32_t)(slot - slot->serve->slots)))
        at = &(*at)->next;
    slot->next = *at;
    *at = slot;
    if (!slot->next)
        l->end = &slot->next;
}

/* What the worker before us had answered but may not have shown is put again; what it had under way is done
 * again. */
static void recover(struct serve *s)
{
    const struct journal *j = s->config.journal;
    struct response r;
    while (s->ring.put != j->put) {
        journal_answer_at(j, s->ring.put, &r);
        ring_put(&s->ring, &r);
    }
    s->ring.taken = j->taken;
    for (uint32_t i = 0; i < s->ring.n_slots; i++) {
        struct slot *slot = &s->slots[i];
        if (journal_request_at(j, i, &slot->request))
            insert_by_age(&s->waiting, slot, j);
    }
}

static void make_slots(struct serve *s)
{
    struct journal *j = s->config.journal;
    s->slots = xcalloc(s->ring.n_slots, sizeof *s->slots);
    s->free = NULL;
    s->under_way = 0;
    clear(&s->waiting);
    clear(&s->begun);
    clear(&s->done);
    for (uint32_t i = 0; i < s->ring.n_slots; i++)
        s->slots[i].serve = s;
    if (journal_resume(j, ring_name(&s->ring), s->ring.n_slots, s->ring.pushed))
        recover(s);
    else
        ring_set_name(&s->ring, journal_begin(j, s->ring.n_slots, s->ring.pushed));
    for (uint32_t i = s->ring.n_slots; i-- > 0;) {
        if (journal_age(j, i) != 0)
            continue;
        s->slots[i].next = s->free;
        s->free = &s->slots[i];
    }
}

int serve_connect(struct serve *s, const struct serve_ring *ring, const char **ret_what)
{
    void *pages;
    const char *what = "mapping the ring";
    if (s->state != SERVE_IDLE)
        return -EBUSY;
    int error = guest_map(s->config.guest, ring->refs, ring->n_pages, &pages);
    if (!error) {
        what = "binding the event channel";
        error = guest_bind(s->config.guest, ring->port);
    }
    if (error) {
        guest_release(s->config.guest);
        *ret_what = what;
        return error;
    }
    ring_attach(&s->ring, pages, ring->n_pages, ring->abi);
    make_slots(s);
    s->state = SERVE_CONNECTED;
    s->broken = s->barrier = s->masked = false;
    s->idle_events = 0;
    s->taken_at_event = s->taken_at_trim = s->ring.taken;
    s->greet = true;
    uv_poll_start(&s->events, UV_READABLE, on_event);
    stay_awake(s);
    return 0;
}

void serve_disconnect(struct serve *s)
{
    if (s->state != SERVE_CONNECTED)
        return;
    s->state = SERVE_ENDING;
    stay_awake(s);
}

/* ---- life ---- */

static void add_handle(struct serve *s, uv_handle_t *handle)
{
    handle->data = s;
    s->open_handles++;
}

struct serve *serve_new(const struct serve_config *config)
{
    struct serve *s = xcalloc(1, sizeof *s);
    const struct disk *d = config->disk;
    s->config = *config;
    config->engine->done = on_io;
    config->engine->arg = s;
    space_init(&s->space, SPACE_SIZE);
    /* the kernel may have yet to write what a worker before us was given */
    flushes_init(&s->flushes, d->fd >= 0 && !d->geometry.read_only, config->journal->lost != 0);
    uv_poll_init(config->loop, &s->events, guest_fd(config->guest));
    uv_check_init(config->loop, &s->check);
    uv_idle_init(config->loop, &s->again);
    uv_timer_init(config->loop, &s->trim);
    uv_timer_init(config->loop, &s->late);
    add_handle(s, (uv_handle_t *)&s->events);
    add_handle(s, (uv_handle_t *)&s->check);
    add_handle(s, (uv_handle_t *)&s->again);
    add_handle(s, (uv_handle_t *)&s->trim);
    add_handle(s, (uv_handle_t *)&s->late);
    uv_check_start(&s->check, on_check);
    if (d->changes >= 0) {
        uv_poll_init(config->loop, &s->changes, d->changes);
        add_handle(s, (uv_handle_t *)&s->changes);
        uv_poll_start(&s->changes, UV_READABLE, on_changed);
    }
    return s;
}

static void on_closed(uv_handle_t *handle)
{
    struct serve *s = handle->data;
    if (--s->open_handles > 0)
        return;
    space_finish(&s->space);
    free(s);
}

void serve_free(struct serve *s)
{
    if (!s)
        return;
    uv_close((uv_handle_t *)&s->events, on_closed);
    uv_close((uv_handle_t *)&s->check, on_closed);
    uv_close((uv_handle_t *)&s->again, on_closed);
    uv_close((uv_handle_t *)&s->trim, on_closed);
    if (s->config.disk->changes >= 0)
        uv_close((uv_handle_t *)&s->changes, on_closed);
    uv_close((uv_handle_t *)&s->late, on_closed);
}
