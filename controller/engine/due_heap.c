/* SPDX-License-Identifier: MIT */
#include "controller/engine/due_heap.h"

#include <stdlib.h>

#include "controller/engine/device_table.h"
#include "schemas/mem.h"

uint64_t due_heap_time(const struct device *d)
{
    return d->held && (!d->due || d->held < d->due) ? d->held : d->due;
}

static void put(struct due_heap *h, size_t at, struct device *d)
{
    h->heap[at] = d;
    d->heap_place = at + 1;
}

/* Puts the device where it belongs, beginning at its present place or at the end. */
static void settle(struct due_heap *h, size_t at, struct device *d)
{
    uint64_t time = due_heap_time(d);
    for (; at && due_heap_time(h->heap[(at - 1) / 2]) > time; at = (at - 1) / 2)
        put(h, at, h->heap[(at - 1) / 2]);
    for (size_t next; (next = 2 * at + 1) < h->n; at = next) {
        if (next + 1 < h->n && due_heap_time(h->heap[next + 1]) < due_heap_time(h->heap[next]))
            next++;
        if (due_heap_time(h->heap[next]) >= time)
            break;
        put(h, at, h->heap[next]);
    }
    put(h, at, d);
}

void due_heap_finish(struct due_heap *h)
{
    free(h->heap);
    *h = (struct due_heap){0};
}

static void take_out(struct due_heap *h, struct device *d)
{
    size_t at = d->heap_place - 1;
    struct device *last = h->heap[--h->n];
    d->heap_place = 0;
    if (last != d)
        settle(h, at, last);
    if (!h->n)
        due_heap_finish(h);
}

void due_heap_update(struct due_heap *h, struct device *d)
{
    if (!due_heap_time(d)) {
        if (d->heap_place)
            take_out(h, d);
        return;
    }
    if (!d->heap_place) {
        xgrow(&h->heap, &h->cap, h->n + 1, sizeof(struct device *));
        put(h, h->n++, d);
    }
    settle(h, d->heap_place - 1, d);
}

struct device *due_heap_first(const struct due_heap *h)
{
    return h->n ? h->heap[0] : NULL;
}
