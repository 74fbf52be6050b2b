/* SPDX-License-Identifier: MIT */
#include "controller/thrift.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>

#include "schemas/mem.h"

enum {
    FEW = 64,   /* devices: no more of them are worth the trouble */
    CALM = 300, /* milliseconds */
};

/* glibc's cache for each thread (malloc/malloc.c, tcache) */
enum {
    CACHED = 7, /* blocks of each size */
    CACHED_STEP = 16,
    CACHED_MAX = 1032, /* bytes; larger blocks are not */
    MERGES = 64 << 10, /* a request so large that small blocks that are free are merged first */
};

/* The allocator keeps a few free blocks of each size at hand, and with each its page. Who takes one of them,
 * has it grow into the free ones behind it, and frees that, leaves none at hand. */
static void empty_cache(void)
{
    void *held[CACHED];
    free(xrealloc(NULL, MERGES));
    for (size_t size = CACHED_STEP; size <= CACHED_MAX; size += CACHED_STEP) {
        for (int i = 0; i < CACHED; i++)
            held[i] = xrealloc(NULL, size);
        for (int i = 0; i < CACHED; i++)
            free(xrealloc(held[i], CACHED_MAX + CACHED_STEP));
    }
}

static void on_calm(uv_timer_t *timer)
{
    struct thrift *t = timer->data;
    t->most = t->now;
    empty_cache();
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
