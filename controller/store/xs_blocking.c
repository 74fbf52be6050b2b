/* SPDX-License-Identifier: MIT */
#include "controller/store/xs_blocking.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "controller/base/log.h"
#include "controller/store/store_path.h"
#include "controller/store/xs_link.h"
#include "schemas/mem.h"

enum { PATIENCE = 1 }; /* unanswered questions whether the store lives, until it is given up */

struct xs_blocking {
    struct xs_link link;
};

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void lose(struct xs_blocking *b, const char *why)
{
    struct xs_link *l = &b->link;
    xs_link_close(l);
    xs_link_free_buffers(l);
    xs_requests_fail_all(&l->requests, -ECONNRESET);
    xs_link_settle(l);
    if (l->store.lost)
        l->store.lost(l->store.arg, why);
}

/* Waits until there is something to do, for as long as a deadline may need. */
static const char *await(struct xs_link *l)
{
    struct pollfd p = {.fd = l->fd, .events = (short)(l->blocked ? POLLIN | POLLOUT : POLLIN)};
    struct xs_harvest harvest;
    (void)poll(&p, 1, (int)l->deadline / 5);
    l->requests.now = now_ms();
    const char *lost = NULL;
    if (p.revents & ~POLLOUT)
        lost = xs_link_receive(l, &harvest);
    if (lost)
        return lost;
    if (l->nudges < PATIENCE || l->requests.now - l->nudged < l->deadline)
        return xs_link_check(l);
    log_error("the store has not answered anything for %llu s",
              (unsigned long long)(l->requests.now - l->heard) / 1000);
    return strerror(ETIMEDOUT);
}

bool xs_blocking_step(struct xs_blocking *b)
{
    struct xs_link *l = &b->link;
    const struct xs_counters before = l->counters;
    const char *lost = NULL;
    bool worked = l->requests.failed.head || l->requests.waiting.head || xs_requests_in_flight(&l->requests);

    l->requests.now = now_ms();
    xs_link_settle(l);
    if (l->fd >= 0)
        lost = xs_link_send(l);
    if (l->fd >= 0 && !lost && xs_link_outstanding(l))
        lost = await(l);
    else if (l->fd >= 0 && !lost)
        lost = xs_link_receive(l, &(struct xs_harvest){0}); /* events; it does not wait for them */
    if (lost)
        lose(b, lost);
    xs_link_settle(l);
    return worked || l->counters.events != before.events;
}

int xs_blocking_run(struct xs_blocking *b, const bool *done)
{
    while (!*done)
        if (!xs_blocking_step(b))
            return -EDEADLK;
    return 0;
}

static void blocking_request(struct store *s, enum xsd_sockmsg_type type, uint32_t tx, const void *body,
                             size_t len, store_reply_fn *done, void *arg)
{
    struct xs_blocking *b = (struct xs_blocking *)s;
    b->link.requests.now = now_ms();
    xs_link_request(&b->link, type, tx, body, len, done, arg);
}

static const struct store_ops blocking_ops = {.request = blocking_request};

int xs_blocking_open(struct xs_blocking **ret_blocking)
{
    bool device;
    int fd = store_path_open(NULL, &device);
    if (fd < 0)
        return fd;
    struct xs_blocking *b = xcalloc(1, sizeof *b);
    xs_link_init(&b->link);
    b->link.store.ops = &blocking_ops;
    xs_link_open(&b->link, fd, !device, device);
    *ret_blocking = b;
    return 0;
}

void xs_blocking_close(struct xs_blocking *b)
{
    if (!b)
        return;
    if (b->link.fd >= 0)
        xs_link_close(&b->link);
    xs_link_free_buffers(&b->link);
    xs_requests_fail_all(&b->link.requests, -ECANCELED);
    xs_requests_settle(&b->link.requests, SIZE_MAX);
    free(b);
}

struct store *xs_blocking_store(struct xs_blocking *b)
{
    return &b->link.store;
}
