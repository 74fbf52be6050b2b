/* SPDX-License-Identifier: MIT */
#include "controller/engine/due_heap.h"

#include <stdlib.h>

#include "controller/engine/device_table.h"
#include "schemas/mem.h"

uint64_t device_time(const struct device *d)
{
    return d->held && (!d->due || d->held < d->due) ? d->held : d->due;
}

static void put(struct waiting *w, size_t at, struct device *d)
{
    w->heap[at] = d;
    d->waiting = at + 1;
}

/* Moves the device from where it is, or would be last, to where it belongs. */
static void settle(struct waiting *w, size_t at, struct device *d)
{
    uint64_t time = device_time(d);
    for (; at && device_time(w->heap[(at - 1) / 2]) > time; at = (at - 1) / 2)
        put(w, at, w->heap[(at - 1) / 2]);
    for (size_t next; (next = 2 * at + 1) < w->n; at = next) {
        if (next + 1 < w->n && device_time(w->heap[next + 1]) < device_time(w->heap[next]))
            next++;
        if (device_time(w->heap[next]) >= time)
            break;
        put(w, at, w->heap[next]);
    }
    put(w, at, d);
}

void waiting_finish(struct waiting *w)
{
    free(w->heap);
    *w = (struct waiting){0};
}

static void take_out(struct waiting *w, struct device *d)
{
    size_t at = d->waiting - 1;
    struct device *last = w->heap[--w->n];
    d->waiting = 0;
    if (last != d)
        settle(w, at, last);
    if (!w->n)
        waiting_finish(w);
}

void waiting_update(struct waiting *w, struct device *d)
{
    if (!device_time(d)) {
        if (d->waiting)
            take_out(w, d);
        return;
    }
    if (!d->waiting) {
        xgrow(&w->heap, &w->cap, w->n + 1, sizeof(struct device *));
        put(w, w->n++, d);
    }
    settle(w, d->waiting - 1, d);
}

struct device *waiting_first(const struct waiting *w)
{
    return w->n ? w->heap[0] : NULL;
}
