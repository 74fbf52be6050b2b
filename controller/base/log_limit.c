/* SPDX-License-Identifier: MIT */
#include "controller/base/log_limit.h"

#include <stdlib.h>

#include "controller/base/log.h"
#include "schemas/mem.h"

enum { BUCKETS = 64, RAISED_MAX = 8192 };

struct log_device {
    SLIST_ENTRY(log_device) same_bucket;
    struct device_key key;
    unsigned said, suppressed;
};

struct log_guest {
    TAILQ_ENTRY(log_guest) order;
    SLIST_HEAD(, log_device) devices[BUCKETS]; /* of which something was said */
    uint64_t since;
    unsigned said, quoted, raised;
    unsigned suppressed; /* beyond the guest's limit */
    bool pending;        /* something was suppressed, of a device or of the guest */
    uint16_t domid;
};

void log_limit_init(struct log_limit *l,
                    void (*tell)(uint16_t domid, const struct device_key *key, unsigned suppressed))
{
    TAILQ_INIT(&l->order);
    l->tell = tell;
}

/* The lines that the guest was given, and has not used. They are used first. */
static unsigned room_left(const struct log_guest *g)
{
    return g->said < g->raised ? g->raised - g->said : 0;
}

/* Tells what was suppressed. Forgets the guest, unless it has said something and has room left: what a
 * toolstack has begun may take longer than LOG_WINDOW. */
static void end(struct log_limit *l, struct log_guest *g, uint64_t now, bool last)
{
    unsigned left = g->said && !last ? room_left(g) : 0, suppressed = g->suppressed;
    uint16_t domid = g->domid;
    TAILQ_REMOVE(&l->order, g, order);
    l->guests[g->domid] = NULL;
    l->pending -= g->pending;
    for (size_t i = 0; i < BUCKETS; i++) {
        struct log_device *d;
        while ((d = SLIST_FIRST(&g->devices[i]))) {
            SLIST_REMOVE_HEAD(&g->devices[i], same_bucket);
            if (d->suppressed)
                l->tell(g->domid, &d->key, d->suppressed);
            free(d);
        }
    }
    if (suppressed)
        l->tell(domid, NULL, suppressed);
    if (left) {
        *g = (struct log_guest){.domid = domid, .since = now, .raised = left};
        l->guests[g->domid] = g;
        TAILQ_INSERT_TAIL(&l->order, g, order);
    } else {
        free(g);
    }
}

static bool over(const struct log_guest *g, uint64_t now)
{
    return now - g->since >= LOG_WINDOW;
}

static struct log_guest *guest(struct log_limit *l, uint16_t domid, uint64_t now)
{
    struct log_guest *g = l->guests[domid];
    if (g && over(g, now))
        end(l, g, now, false);
    if (l->guests[domid])
        return l->guests[domid];
    g = l->guests[domid] = xcalloc(1, sizeof *g);
    g->domid = domid;
    g->since = now;
    TAILQ_INSERT_TAIL(&l->order, g, order);
    return g;
}

static struct log_device *device(struct log_guest *g, const struct device_key *key, bool add)
{
    size_t bucket = device_key_hash(key) % BUCKETS;
    struct log_device *d;
    SLIST_FOREACH (d, &g->devices[bucket], same_bucket)
        if (device_key_equal(&d->key, key))
            return d;
    if (!add)
        return NULL;
    d = xcalloc(1, sizeof *d);
    d->key = *key;
    SLIST_INSERT_HEAD(&g->devices[bucket], d, same_bucket);
    return d;
}

bool log_limit_allows(struct log_limit *l, uint16_t domid, const struct device_key *key, bool quoted,
                      uint64_t now)
{
    struct log_guest *g = guest(l, domid, now);
    bool full = g->said >= LOG_GUEST_BURST + g->raised || (quoted && g->quoted >= LOG_QUOTED);
    struct log_device *d = key ? device(g, key, !full) : NULL;
    bool device_full = d && d->said >= LOG_BURST;
    if (!full && !device_full) {
        g->said++;
        g->quoted += quoted;
        if (d)
            d->said++;
        return true;
    }
    ++*(device_full ? &d->suppressed : &g->suppressed);
    l->pending += !g->pending;
    g->pending = true;
    return false;
}

void log_limit_raise(struct log_limit *l, uint16_t domid, unsigned lines, uint64_t now)
{
    struct log_guest *g = guest(l, domid, now);
    if (g->raised + lines <= RAISED_MAX)
        g->raised += lines;
}

uint64_t log_limit_tell(struct log_limit *l, uint64_t now, bool all)
{
    struct log_guest *g;
    while ((g = TAILQ_FIRST(&l->order)) && (all || over(g, now)))
        end(l, g, now, all);
    TAILQ_FOREACH (g, &l->order, order)
        if (g->pending)
            return g->since + LOG_WINDOW;
    return 0;
}
