/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/serve.h"

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

#include "reconcilers/block/disk.h"
#include "reconcilers/block/guest.h"
#include "reconcilers/block/work.h"
#include "schemas/mem.h"

enum {
    ROUNDS = 8,       /* batches until the loop gets a turn */
    TRIM_MS = 1000,   /* memory that was not used for so long is given back */
    IDLE_EVENTS = 16, /* events in a row that brought nothing before they are looked at late */
    LATE_MS_MAX = 64,
};

enum serve_state { SERVE_IDLE, SERVE_CONNECTED, SERVE_ENDING };

struct serve {
    struct serve_config config;
    enum serve_state state;
    bool broken;
    struct work *work;
    bool look;        /* at the ring, at the end of this turn of the loop */
    bool greet;       /* notify the guest whether or not it asked for it */
    bool masked;      /* its events */
    bool size_is_new; /* resized() is due … */
    bool lost_is_new; /* … and lost() */
    unsigned idle_events;
    uint32_t taken_at_event, taken_at_trim;
    uv_poll_t events, changes;
    uv_check_t check;
    uv_idle_t again;
    uv_timer_t trim, late;
    unsigned open_handles;
};

/* ---- the work ---- */

static void on_progress(void *arg)
{
    struct serve *s = arg;
    s->look = true;
}

static void on_lost(void *arg)
{
    struct serve *s = arg;
    s->lost_is_new = true;
}

static void answer(struct serve *s)
{
    if (work_answer(s->work) || s->greet)
        guest_notify(s->config.guest);
    s->greet = false;
}

static void give_up(struct serve *s)
{
    s->broken = true;
    s->state = SERVE_ENDING;
}

static void on_trim(uv_timer_t *timer)
{
    struct serve *s = timer->data;
    bool idle = work_taken(s->work) == s->taken_at_trim;
    s->taken_at_trim = work_taken(s->work);
    if (!idle || work_trim(s->work))
        uv_timer_start(timer, on_trim, TRIM_MS, 0);
}

/* False: there was nothing to begin. */
static bool batch(struct serve *s)
{
    int any = work_batch(s->work);
    if (any < 0)
        give_up(s);
    if (any > 0 && !uv_is_active((uv_handle_t *)&s->trim))
        uv_timer_start(&s->trim, on_trim, TRIM_MS, 0);
    answer(s);
    return any > 0;
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
    bool useful = work_taken(s->work) != s->taken_at_event;
    if (uv_is_active((uv_handle_t *)&s->late))
        return;
    s->taken_at_event = work_taken(s->work);
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
    uv_timer_stop(&s->trim);
    uv_timer_stop(&s->late);
    uv_idle_stop(&s->again);
    uv_poll_stop(&s->events);
    work_end(s->work);
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
    if (s->state != SERVE_CONNECTED) {
        uv_idle_stop(&s->again);
        return;
    }
    if (s->masked)
        unmask(s);
    if (!work_sleeps(s->work))
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
    if (s->state == SERVE_ENDING && work_under_way(s->work) == 0)
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

static void on_changed(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    struct serve *s = poll->data;
    if (!disk_take_changes(s->config.disk))
        uv_poll_stop(poll);
    serve_look_at_size(s);
}

/* ---- connections ---- */

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
    work_begin(s->work, pages, ring->n_pages, ring->abi);
    s->state = SERVE_CONNECTED;
    s->broken = s->masked = false;
    s->idle_events = 0;
    s->taken_at_event = s->taken_at_trim = work_taken(s->work);
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
    struct work_config work = {.disk = config->disk,
                               .engine = config->engine,
                               .guest = config->guest,
                               .journal = config->journal,
                               .progressed = on_progress,
                               .lost = on_lost,
                               .arg = s};
    s->work = work_new(&work);
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
    work_free(s->work);
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
