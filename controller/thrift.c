/* SPDX-License-Identifier: MIT */
#include "controller/thrift.h"

#include <malloc.h>
#include <stdbool.h>

enum {
    FEW = 64,   /* devices: no more of them are worth the trouble */
    CALM = 300, /* milliseconds */
};

static void on_calm(uv_timer_t *timer)
{
    struct thrift *t = timer->data;
    t->most = t->now;
    malloc_trim(0);
}

void thrift_open(struct thrift *t, uv_loop_t *loop)
{
    *t = (struct thrift){0};
    uv_timer_init(loop, &t->timer);
    t->timer.data = t;
}

void thrift_close(struct thrift *t)
{
    uv_close((uv_handle_t *)&t->timer, NULL);
}

void thrift_note(struct thrift *t, size_t devices)
{
    bool fewer = devices < t->now;
    t->now = devices;
    if (devices > t->most)
        t->most = devices;
    if (fewer && t->most > FEW && devices <= t->most / 2)
        uv_timer_start(&t->timer, on_calm, CALM, 0);
}
