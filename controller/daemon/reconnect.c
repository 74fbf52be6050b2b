/* SPDX-License-Identifier: MIT */
#include "controller/daemon/reconnect.h"

#include "controller/base/log.h"

enum {
    PAUSE_MIN = 50,
    PAUSE_MAX = 5000, /* also how long a store has to stay before the first pause is short again */
};

static void on_pause_over(uv_timer_t *timer)
{
    struct reconnect *r = timer->data;
    r->connect(r->arg);
}

void reconnect_open(struct reconnect *r, uv_loop_t *loop, void (*connect)(void *arg), void *arg)
{
    *r = (struct reconnect){.connect = connect, .arg = arg, .delay = PAUSE_MIN};
    uv_timer_init(loop, &r->timer);
    r->timer.data = r;
}

void reconnect_close(struct reconnect *r)
{
    uv_close((uv_handle_t *)&r->timer, NULL);
}

void reconnect_stored(struct reconnect *r)
{
    r->stored_at = uv_now(r->timer.loop) + 1;
}

void reconnect_lost(struct reconnect *r, const char *why)
{
    if (r->stored_at && uv_now(r->timer.loop) + 1 - r->stored_at >= PAUSE_MAX) {
        r->delay = PAUSE_MIN;
        r->losses = 0;
    }
    r->stored_at = 0;
    r->losses++;
    if (r->losses == 1)
        log_error("the store is lost (%s); trying to get it back", why);
    else if ((r->losses & (r->losses - 1)) == 0)
        log_error("the store is lost again (%s), %u times without staying; trying to get it back", why,
                  r->losses);
}

void reconnect_later(struct reconnect *r)
{
    uv_timer_start(&r->timer, on_pause_over, r->delay, 0);
    r->delay = r->delay * 2 < PAUSE_MAX ? r->delay * 2 : PAUSE_MAX;
}

bool reconnect_first(const struct reconnect *r)
{
    return r->delay == PAUSE_MIN;
}
