/* SPDX-License-Identifier: MIT */
/* Time as a loop has it: how often a timer of this loop came. A process that gets no processor gets no ticks
 * either, so that a bound in ticks means the same on a busy machine. */
#ifndef XENRECON_TEST_TICKS_H
#define XENRECON_TEST_TICKS_H

#include <stdbool.h>
#include <uv.h>

struct ticks {
    uv_timer_t timer;
    unsigned n;
};

static inline void ticks_on_timer(uv_timer_t *timer)
{
    struct ticks *t = timer->data;
    t->n++;
}

/* One every so many milliseconds, beginning now. */
static inline void ticks_start(struct ticks *t, uv_loop_t *of, uint64_t each)
{
    t->n = 0;
    uv_timer_init(of, &t->timer);
    t->timer.data = t;
    uv_timer_start(&t->timer, ticks_on_timer, each, each);
}

static inline void ticks_stop(struct ticks *t)
{
    uv_close((uv_handle_t *)&t->timer, NULL);
    uv_run(t->timer.loop, UV_RUN_NOWAIT);
}

/* Runs the loop until the condition holds; whether it did within so many ticks. */
#define WITHIN(t, most, condition)                \
    ({                                            \
        unsigned end_ = (t)->n + (most);          \
        while (!(condition) && (t)->n < end_)     \
            uv_run((t)->timer.loop, UV_RUN_ONCE); \
        (bool)(condition);                        \
    })

#endif
