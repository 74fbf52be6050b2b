/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/serve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "reconcilers/block/disk.h"
#include "reconcilers/block/guest.h"
#include "reconcilers/block/journal.h"
#include "reconcilers/block/request.h"
#include "reconcilers/block/space.h"
#include "schemas/mem.h"

enum {
    /* one request of the greatest size, its descriptors, and some */
    SPACE_SIZE = INDIRECT_SEGMENTS_MAX * RING_PAGE + 16 * RING_PAGE,
    ROUNDS = 8,       /* batches until the loop gets a turn */
    TICK_MS = 1000,   /* looks at the size; unused memory is given back */
    IDLE_EVENTS = 16, /* events in a row that brought nothing before they are looked at late */
    LATE_MS_MAX = 64,
};

enum slot_state { SLOT_FREE, SLOT_UNDER_WAY, SLOT_DONE };

struct slot {
    enum slot_state state;
    bool failed; /* set by whatever goes wrong: BLKIF_RSP_ERROR, unless status says something else */
    int16_t status;
    int error;   /* of the pool's work */
    size_t held; /* of the space */
    char *data;
    size_t progress; /* bytes that were done at once */
    struct request request;
    struct job job;
    struct serve *serve;
    uv_work_t work;
};

enum serve_state { SERVE_IDLE, SERVE_CONNECTED, SERVE_ENDING };

struct serve {
    struct serve_config config;
    enum serve_state state;
    bool broken;
    struct ring ring;
    struct slot *slots; /* ring.n_slots */
    struct space space;
    unsigned in_pool;
    bool look;        /* at the ring, at the end of this turn of the loop */
    bool full;        /* requests wait for space */
    bool greet;       /* notify the guest whether or not it asked for it */
    bool masked;      /* its events */
    bool size_is_new; /* resized() is due */
    unsigned idle_events;
    uint32_t taken_at_event, taken_at_tick;
    uv_poll_t events;
    uv_check_t check;
    uv_idle_t again;
    uv_timer_t tick, late;
    unsigned open_handles;
};

static struct slot *slot_at(struct serve *s, uint32_t index)
{
    return &s->slots[index & (s->ring.n_slots - 1)];
}

/* ---- taking requests ---- */

static void copy_segments(struct serve *s, struct slot *slot, enum guest_copy direction)
{
    char *at = slot->data;
    for (uint32_t i = 0; i < slot->job.n_segments; i++) {
        const struct blkif_request_segment *g = &slot->job.segments[i];
        guest_copy(s->config.guest, direction, g->gref, segment_offset(g), segment_length(g), at,
                   &slot->failed);
        at += segment_length(g);
    }
}

/* False: there is no space for it now; it stays in the ring, and will be looked at anew. */
static bool take(struct serve *s)
{
    struct slot *slot = slot_at(s, s->ring.taken);
    struct blkif_request_segment *descriptors = NULL;
    *slot = (struct slot){.serve = s, .state = SLOT_UNDER_WAY, .status = BLKIF_RSP_OKAY};
    ring_copy(&s->ring, &slot->request);
    uint32_t n = request_descriptors(&slot->request);
    if (n > 0) {
        uint16_t len = (uint16_t)(n * sizeof *descriptors);
        descriptors = space_take(&s->space, len, &slot->held);
        if (!descriptors)
            return false;
        guest_copy(s->config.guest, GUEST_COPY_IN, slot->request.descriptors, 0, len, descriptors,
                   &slot->failed);
        guest_copy_all(s->config.guest);
    }
    if (slot->failed)
        slot->job = (struct job){.kind = JOB_REFUSED, .status = BLKIF_RSP_ERROR};
    else
        slot->job = request_check(&s->config.disk->geometry, &slot->request, descriptors);
    if (slot->job.kind == JOB_READ || slot->job.kind == JOB_WRITE) {
        slot->data = space_take(&s->space, slot->job.length, &slot->held);
        if (!slot->data) {
            space_undo(&s->space, slot->held);
            return false;
        }
    }
    if (slot->job.kind == JOB_WRITE)
        copy_segments(s, slot, GUEST_COPY_IN);
    ring_step(&s->ring);
    return true;
}

/* ---- doing them ---- */

/* On the pool. */
static void work(uv_work_t *req)
{
    struct slot *slot = req->data;
    const struct disk *d = slot->serve->config.disk;
    const struct job *job = &slot->job;
    size_t from = slot->progress, len = job->length - from;
    int error = 0;
    switch (job->kind) {
    case JOB_READ:
        error = disk_read(d, slot->data + from, len, job->offset + from);
        break;
    case JOB_WRITE:
        if (job->flush)
            error = disk_flush(d);
        if (!error)
            error = disk_write(d, slot->data + from, len, job->offset + from);
        if (!error && job->flush)
            error = disk_flush(d);
        break;
    case JOB_FLUSH:
        error = disk_flush(d);
        break;
    case JOB_DISCARD:
        error = disk_discard(d, job->offset, job->length);
        break;
    case JOB_REFUSED:
        break;
    }
    slot->error = error;
}

static void done(struct slot *slot)
{
    slot->state = SLOT_DONE;
    if (slot->job.kind == JOB_READ && !slot->failed)
        copy_segments(slot->serve, slot, GUEST_COPY_OUT);
}

static void on_worked(uv_work_t *req, int status)
{
    struct slot *slot = req->data;
    struct serve *s = slot->serve;
    s->in_pool--;
    s->look = true;
    slot->failed = slot->error || status;
    if (slot->error == -EOPNOTSUPP && slot->job.kind == JOB_DISCARD)
        slot->status = BLKIF_RSP_EOPNOTSUPP;
    done(slot);
}

static void to_pool(struct slot *slot)
{
    struct serve *s = slot->serve;
    slot->work.data = slot;
    s->in_pool++;
    uv_queue_work(s->config.loop, &slot->work, work, on_worked);
}

static void transfer(struct slot *slot)
{
    struct disk *d = slot->serve->config.disk;
    const struct job *job = &slot->job;
    int64_t n = -EAGAIN;
    if (job->kind == JOB_READ)
        n = disk_read_now(d, slot->data, job->length, job->offset);
    else if (!job->flush)
        n = disk_write_now(d, slot->data, job->length, job->offset);
    slot->progress = n > 0 ? (size_t)n : 0;
    slot->failed = n < 0 && n != -EAGAIN;
    if (slot->failed || slot->progress == job->length)
        done(slot);
    else
        to_pool(slot);
}

static void begin(struct slot *slot)
{
    switch (slot->job.kind) {
    case JOB_REFUSED:
        slot->status = slot->job.status;
        done(slot);
        return;
    case JOB_READ:
    case JOB_WRITE:
        if (slot->failed)
            done(slot);
        else
            transfer(slot);
        return;
    case JOB_FLUSH:
    case JOB_DISCARD:
        to_pool(slot);
        return;
    }
}

/* ---- answering ---- */

static struct response response_of(const struct slot *slot)
{
    struct response r = {.id = slot->request.id, .op = slot->request.op, .status = slot->status};
    if (slot->failed && r.status == BLKIF_RSP_OKAY)
        r.status = BLKIF_RSP_ERROR;
    return r;
}

/* The rule of journal.h: in the order of the ring, and recorded before put. */
static void answer(struct serve *s)
{
    guest_copy_all(s->config.guest);
    while (s->ring.put != s->ring.taken) {
        struct slot *slot = slot_at(s, s->ring.put);
        if (slot->state != SLOT_DONE)
            break;
        struct response r = response_of(slot);
        journal_record(s->config.journal, s->ring.n_slots, s->ring.put, &r);
        ring_put(&s->ring, &r);
        space_return(&s->space, slot->held);
        slot->state = SLOT_FREE;
        s->full = false;
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

/* False: there was nothing to take. */
static bool batch(struct serve *s)
{
    uint32_t first = s->ring.taken;
    int n = ring_available(&s->ring);
    if (n < 0) {
        give_up(s);
        return false;
    }
    for (; n > 0 && !s->full; n--)
        s->full = !take(s);
    guest_copy_all(s->config.guest);
    for (uint32_t i = first; i != s->ring.taken; i++)
        begin(slot_at(s, i));
    answer(s);
    return s->ring.taken != first;
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
    uv_timer_stop(&s->tick);
    uv_timer_stop(&s->late);
    uv_idle_stop(&s->again);
    uv_poll_stop(&s->events);
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
    if (!s->full && ring_sleep(&s->ring))
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
    if (s->state == SERVE_ENDING && s->in_pool == 0)
        end(s);
    if (s->size_is_new) {
        s->size_is_new = false;
        s->config.resized(s->config.arg);
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

static void on_tick(uv_timer_t *timer)
{
    struct serve *s = timer->data;
    serve_look_at_size(s);
    if (s->ring.taken == s->taken_at_tick)
        space_trim(&s->space);
    s->taken_at_tick = s->ring.taken;
}

/* ---- connections ---- */

/* What the worker before us recorded but may not have shown is to be answered as it was. */
static void recover(struct serve *s)
{
    struct response r;
    int n = ring_available(&s->ring);
    for (; n > 0 && journal_find(s->config.journal, s->ring.n_slots, s->ring.taken, &r); n--) {
        struct slot *slot = slot_at(s, s->ring.taken);
        *slot = (struct slot){.serve = s, .state = SLOT_DONE, .status = r.status};
        slot->request.id = r.id;
        slot->request.op = r.op;
        ring_step(&s->ring);
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
    s->slots = xcalloc(s->ring.n_slots, sizeof *s->slots);
    s->state = SERVE_CONNECTED;
    s->broken = s->full = s->masked = false;
    s->idle_events = 0;
    if (journal_begin(s->config.journal, ring->id, s->ring.pushed))
        recover(s);
    s->taken_at_event = s->taken_at_tick = s->ring.taken;
    s->greet = true;
    uv_poll_start(&s->events, UV_READABLE, on_event);
    stay_awake(s);
    if (s->config.disk->fd >= 0)
        uv_timer_start(&s->tick, on_tick, TICK_MS, TICK_MS);
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
    s->config = *config;
    space_init(&s->space, SPACE_SIZE);
    uv_poll_init(config->loop, &s->events, guest_fd(config->guest));
    uv_check_init(config->loop, &s->check);
    uv_idle_init(config->loop, &s->again);
    uv_timer_init(config->loop, &s->tick);
    uv_timer_init(config->loop, &s->late);
    add_handle(s, (uv_handle_t *)&s->events);
    add_handle(s, (uv_handle_t *)&s->check);
    add_handle(s, (uv_handle_t *)&s->again);
    add_handle(s, (uv_handle_t *)&s->tick);
    add_handle(s, (uv_handle_t *)&s->late);
    uv_check_start(&s->check, on_check);
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
    uv_close((uv_handle_t *)&s->tick, on_closed);
    uv_close((uv_handle_t *)&s->late, on_closed);
}
