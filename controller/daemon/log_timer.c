/* SPDX-License-Identifier: MIT */
#include "controller/daemon/log_timer.h"

#include "controller/base/log.h"

static void on_timer(uv_timer_t *timer);

static void start(void *arg, uint64_t after)
{
    struct log_timer *t = arg;
    uv_timer_start(&t->timer, on_timer, after, 0);
}

static void on_timer(uv_timer_t *timer)
{
    uint64_t after = log_tell();
    if (after)
        start(timer->data, after);
}

void log_timer_open(struct log_timer *t, uv_loop_t *loop)
{
    uv_timer_init(loop, &t->timer);
    t->timer.data = t;
    log_set_alarm(start, t);
}

void log_timer_close(struct log_timer *t)
{
    log_set_alarm(NULL, NULL);
    uv_close((uv_handle_t *)&t->timer, NULL);
}
