/* SPDX-License-Identifier: MIT */
#include "controller/daemon/memory_trim.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>

#include "schemas/mem.h"

enum {
    FEW = 64,   /* devices: no more of them are worth the trouble */
    CALM = 300, /* milliseconds */
};

/* What glibc keeps at hand (see mem.h) */
enum {
    EACH = 7,          /* blocks of each size */
    STEP = 16,         /* between sizes */
    MERGES = 64 << 10, /* a request so large that small blocks that are free are merged first */
};

/* Who takes a block that is at hand, has it grow into the free ones behind it, and frees that, leaves none
 * at hand, nor its page in use. */
static void leave_none_at_hand(void)
{
    void *held[EACH];
    free(xrealloc(NULL, MERGES));
    for (size_t size = STEP; size <= MEM_AT_HAND; size += STEP) {
        for (int i = 0; i < EACH; i++)
            held[i] = xrealloc(NULL, size);
        for (int i = 0; i < EACH; i++)
            free(xrealloc(held[i], MEM_AT_HAND + STEP));
    }
}

static void on_calm(uv_timer_t *timer)
{
    struct memory_trim *t = timer->data;
    t->most = t->now;
    leave_none_at_hand();
    malloc_trim(0);
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
