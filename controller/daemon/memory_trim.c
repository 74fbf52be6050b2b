/* SPDX-License-Identifier: MIT */
#include "controller/daemon/memory_trim.h"

#include <stdbool.h>
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

enum {
    FEW = 64,   /* devices: no more of them are worth the trouble */
    CALM = 300, /* milliseconds */
};

static void on_calm(uv_timer_t *timer)
{
    struct memory_trim *t = timer->data;
    t->most = t->now;
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void memory_trim_open(struct memory_trim *t, uv_loop_t *loop)
{
    *t = (struct memory_trim){0};
    uv_timer_init(loop, &t->timer);
    t->timer.data = t;
}

void memory_trim_close(struct memory_trim *t)
{
    uv_close((uv_handle_t *)&t->timer, NULL);
}

void memory_trim_note(struct memory_trim *t, size_t devices)
{
    bool fewer = devices < t->now;
    t->now = devices;
    if (devices > t->most)
        t->most = devices;
    if (fewer && t->most > FEW && devices <= t->most / 2)
        uv_timer_start(&t->timer, on_calm, CALM, 0);
}
