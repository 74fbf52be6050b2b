/* SPDX-License-Identifier: MIT */
/* One connection to the store, as its two clients share it: requests go out, answers and events are matched
 * and delivered. It has no loop and never waits: the client says when there may be something to read or room
 * to write, and what time it is (milliseconds).
 *
 * Every store is somebody's. What nobody asked for is logged and dropped. A request has XS_LINK_DEADLINE: if
 * the store has meanwhile answered what was asked later, it will not answer this one, which is then answered
 * with -ETIMEDOUT. Where nothing was asked later, something harmless is, to find out. A store that answers
 * nothing at all is stopped, and is waited for; after XS_LINK_NUDGES such questions the connection counts as
 * lost.
 *
 * Owns the descriptor and copies of the requests. Completions and events are called from xs_link_receive()
 * and xs_link_settle() only, and may close the link. One thread. Errors are negative errno; where the
 * connection is lost a function returns why, and the caller closes it. */
#ifndef XENRECON_XS_LINK_H
#define XENRECON_XS_LINK_H

#include "controller/store/store.h"
#include "controller/store/xs_requests.h"
#include "controller/store/xs_wire.h"

enum { XS_LINK_DEADLINE = 5 * 1000, XS_LINK_NUDGES = 12 };

/* Counted since the link was made. */
struct xs_counters {
    uint64_t requests, replies, events; /* requests sent; replies and events received */
    uint64_t reads, writes;             /* system calls that moved bytes */
    uint64_t bytes_read, bytes_written;
    uint64_t pauses;
    uint64_t unasked, unanswered; /* messages that were dropped; requests whose deadline has passed */
};

struct xs_link {
    struct store store; /* first: what is asked, and who hears of events */
    int fd;             /* -1: closed */
    bool socket;
    bool whole; /* takes one message per write, and the next when that is answered */
    bool unanswered;
    bool blocked; /* there is something to send, and no room */
    uint32_t deadline;
    uint64_t heard;       /* when something was answered last, or could have been for the first time */
    uint64_t nudged;      /* when it was last asked whether it lives; */
    unsigned nudges;      /* how often since it was heard, */
    unsigned probes;      /* and how many of these questions have no answer; */
    uint32_t probe_after; /* what was asked before the last of them has an earlier id */
    bool begun;           /* it has begun a transaction */
    bool left_open;       /* it may have one open of which we do not know */
    struct xs_buffer in, out;
    size_t out_sent;
    struct xs_requests requests;
    struct xs_counters counters;
};

/* What one read has brought. */
struct xs_harvest {
    unsigned events, replies;
};

void xs_link_init(struct xs_link *l); /* it must not be moved after that */
void xs_link_open(struct xs_link *l, int fd, bool socket, bool whole);
/* Outstanding requests are still to be answered then: see xs_requests_fail_all(). */
void xs_link_close(struct xs_link *l);
void xs_link_free_buffers(struct xs_link *l);

/* Sends it later, or fails it. `len` may be anything. */
void xs_link_request(struct xs_link *l, enum xsd_sockmsg_type type, uint32_t tx, const void *body, size_t len,
                     store_reply_fn *done, void *arg);
/* Is there something that could be sent, or settled? */
bool xs_link_busy(const struct xs_link *l);
/* Sends what can be sent. NULL, or why the connection is lost. */
const char *xs_link_send(struct xs_link *l);
/* Reads once, and delivers what is whole. NULL, or why the connection is lost. */
const char *xs_link_receive(struct xs_link *l, struct xs_harvest *ret_harvest);
/* Runs the completions of requests that have failed until now. */
void xs_link_settle(struct xs_link *l);

/* To be called now and then while requests are outstanding: the deadlines. NULL, or why it is lost. */
const char *xs_link_check(struct xs_link *l);
static inline bool xs_link_outstanding(const struct xs_link *l)
{
    return l->fd >= 0 && xs_requests_in_flight(&l->requests) > 0;
}

#endif
