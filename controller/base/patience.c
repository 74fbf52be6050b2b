/* SPDX-License-Identifier: MIT */
#include "controller/base/patience.h"

enum {
    TICK = 1000, /* milliseconds */
    TURNS = 4,   /* of the loop: accept, then read, then read on */
};

static uint64_t loop_now(const struct patience *p)
{
    return uv_now(p->timer.loop) + 1;
}

uint64_t patience_now(const struct patience *p)
{
    return loop_now(p) - p->lost;
}

static void on_timer(uv_timer_t *timer);

static void wake_in(struct patience *p, uint64_t milliseconds)
{
    p->wakes = loop_now(p) + milliseconds;
    uv_timer_start(&p->timer, on_timer, milliseconds, 0);
}

static void wake_for(struct patience *p)
{
    uint64_t now = patience_now(p), left = p->due > now ? p->due - now : 0;
    wake_in(p, left < TICK ? left : TICK);
}

/* Timers come first in a turn of the loop, and then what has arrived is read. */
static void on_timer(uv_timer_t *timer)
{
    struct patience *p = timer->data;
    uint64_t now = loop_now(p), late = now - p->wakes;
    p->wakes = 0;
    if (late > PATIENCE_SLACK)
        p->lost += late;
    if (p->due && p->due <= patience_now(p) && p->turns++ < TURNS) {
        wake_in(p, 1);
        return;
    }
    p->due = 0; /* it may have been met meanwhile: then nothing wakes us any more */
    patience_until(p, p->look(p->arg, patience_now(p)));
}

void patience_until(struct patience *p, uint64_t at)
{
    if (!at || (p->due && p->due <= at) || uv_is_closing((uv_handle_t *)&p->timer))
        return;
    p->due = at;
    p->turns = 0;
    wake_for(p);
}

void patience_open(struct patience *p, uv_loop_t *loop, uint64_t (*look)(void *arg, uint64_t now), void *arg)
{
    *p = (struct patience){.look = look, .arg = arg};
    uv_timer_init(loop, &p->timer);
    p->timer.data = p;
}

static void on_closed(uv_handle_t *handle)
{
    struct patience *p = handle->data;
    p->closed(p->arg);
}

void patience_close(struct patience *p, void (*closed)(void *arg))
{
    p->closed = closed;
    uv_close((uv_handle_t *)&p->timer, on_closed);
}
