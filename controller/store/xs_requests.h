/* SPDX-License-Identifier: MIT */
/* The requests that a client has not answered yet: in flight (each in a slot that its id names), waiting for
 * a slot, and failed, whose completions are to run at the end of the turn. Owns copies of the bodies.
 * Completions run only in xs_requests_settle(). No descriptor, no loop, no clock: times are milliseconds of
 * the caller's. One thread. */
#ifndef XENRECON_XS_REQUESTS_H
#define XENRECON_XS_REQUESTS_H

#include "controller/store/store.h"

enum {
    XS_SLOT_BITS = 7,
    XS_SLOTS = 1 << XS_SLOT_BITS,
};

/* A request in flight. Its id is a sequence number with the slot in the low bits. */
struct xs_slot {
    uint32_t id;
    enum xsd_sockmsg_type type;
    uint64_t sent;
    store_reply_fn *done; /* NULL: the slot is free */
    void *arg;
};

/* A request that waits, or has failed and has no body then. */
struct xs_request {
    struct xs_request *next;
    enum xsd_sockmsg_type type;
    uint32_t tx;
    int status;
    store_reply_fn *done;
    void *arg;
    size_t len;
    char body[];
};

struct xs_queue {
    struct xs_request *head, **tail;
};

struct xs_requests {
    struct xs_queue waiting, failed;
    uint64_t now;       /* the caller keeps it up to date */
    uint32_t sequence;  /* of the request that was started last; with 0 no id is made */
    uint32_t passed_by; /* the latest request that was answered, as its id without the slot */
    unsigned n_free;
    uint8_t free_slots[XS_SLOTS];
    struct xs_slot slots[XS_SLOTS];
};

void xs_requests_init(struct xs_requests *q); /* it must not be moved after that */
unsigned xs_requests_in_flight(const struct xs_requests *q);

/* Takes a free slot, which there must be; returns the id to send. */
uint32_t xs_requests_start(struct xs_requests *q, enum xsd_sockmsg_type type, store_reply_fn *done,
                           void *arg);
/* The request with that id; NULL: there is none. */
const struct xs_slot *xs_requests_find(const struct xs_requests *q, uint32_t id);
/* Takes the request of a reply out of its slot. False: there is none with that id. */
bool xs_requests_take(struct xs_requests *q, uint32_t id, struct xs_slot *ret_slot);

/* What is started from now on has this id or a later one. */
uint32_t xs_requests_next_id(const struct xs_requests *q);
/* Whatever has an earlier id should have been answered by now: something that was sent later was. */
void xs_requests_pass_by(struct xs_requests *q, uint32_t id);
/* Fails the oldest request with -ETIMEDOUT that the store has passed by, and that was sent at `before` or
 * earlier. False: there is none. */
bool xs_requests_expire(struct xs_requests *q, uint64_t before, struct xs_slot *ret_slot);

/* Queues a request until there is a slot. The body is copied. */
void xs_requests_wait(struct xs_requests *q, enum xsd_sockmsg_type type, uint32_t tx, const void *body,
                      size_t len, store_reply_fn *done, void *arg);
/* Takes the oldest waiting request out, to be started and freed by the caller. NULL: none waits, or no slot
 * is free. */
struct xs_request *xs_requests_next(struct xs_requests *q);

void xs_requests_fail(struct xs_requests *q, store_reply_fn *done, void *arg, int status);
void xs_requests_fail_all(struct xs_requests *q, int status);
size_t xs_requests_failed(const struct xs_requests *q);
/* Runs the completions of the n oldest failed requests, or of as many as there are. */
void xs_requests_settle(struct xs_requests *q, size_t n);

#endif
