/* SPDX-License-Identifier: MIT */
#include "controller/daemon/ranking.h"

#include <stdlib.h>

#include "schemas/mem.h"

static void put(struct ranking *r, size_t at, struct holder *h)
{
    r->heap[at] = h;
    h->place = at + 1;
}

/* Puts it where it belongs, beginning at this place. */
static void settle(struct ranking *r, size_t at, struct holder *h)
{
    for (; at && r->heap[(at - 1) / 2]->bytes < h->bytes; at = (at - 1) / 2)
        put(r, at, r->heap[(at - 1) / 2]);
    for (size_t next; (next = 2 * at + 1) < r->n; at = next) {
        if (next + 1 < r->n && r->heap[next + 1]->bytes > r->heap[next]->bytes)
            next++;
        if (r->heap[next]->bytes <= h->bytes)
            break;
        put(r, at, r->heap[next]);
    }
    put(r, at, h);
}

static void take_out(struct ranking *r, struct holder *h)
{
    size_t at = h->place - 1;
    struct holder *last = r->heap[--r->n];
    h->place = 0;
    if (last != h)
        settle(r, at, last);
    if (r->n)
        return;
    free(r->heap);
    *r = (struct ranking){0};
}

void ranking_set(struct ranking *r, struct holder *holder, size_t bytes)
{
    holder->bytes = bytes;
    if (bytes && !holder->place) {
        xgrow(&r->heap, &r->cap, r->n + 1, sizeof *r->heap);
        put(r, r->n++, holder);
    }
    if (bytes)
        settle(r, holder->place - 1, holder);
    else if (holder->place)
        take_out(r, holder);
}

struct holder *ranking_first(const struct ranking *r)
{
    return r->n ? r->heap[0] : NULL;
}
