/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/flushes.h"

#include <stddef.h>

void flushes_init(struct flushes *f, bool dirty, bool lost)
{
    *f = (struct flushes){.dirty = dirty, .lost = lost};
}

void flushes_written(struct flushes *f)
{
    f->dirty = true;
}

static void push(struct flush_waiter **list, struct flush_waiter *waiter)
{
    waiter->next = *list;
    *list = waiter;
}

static void begin(struct flushes *f)
{
    f->covered = f->waiting;
    f->waiting = NULL;
    f->dirty = false;
    f->under_way = true;
}

enum flush_step flushes_ask(struct flushes *f, struct flush_waiter *waiter)
{
    if (f->lost)
        return FLUSH_FAILED;
    if (!f->dirty && !f->under_way)
        return FLUSH_DONE;
    /* what is under way does for this one, too, unless something was written since it began */
    push(f->under_way && !f->dirty ? &f->covered : &f->waiting, waiter);
    if (f->under_way)
        return FLUSH_WAITS;
    begin(f);
    return FLUSH_BEGINS;
}

struct flush_waiter *flushes_ended(struct flushes *f, bool failed, bool *ret_again)
{
    struct flush_waiter *ended = f->covered, **end = &ended;
    f->covered = NULL;
    f->under_way = false;
    f->lost |= failed;
    *ret_again = f->waiting && !f->lost;
    if (f->lost) { /* those that wait for the next one fail with it */
        while (*end)
            end = &(*end)->next;
        *end = f->waiting;
        f->waiting = NULL;
    }
    if (*ret_again)
        begin(f);
    return ended;
}
