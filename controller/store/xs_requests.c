/* SPDX-License-Identifier: MIT */
#include "controller/store/xs_requests.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"

static void queue_init(struct xs_queue *q)
{
    q->head = NULL;
    q->tail = &q->head;
}

static void queue_push(struct xs_queue *q, struct xs_request *r)
{
    r->next = NULL;
    *q->tail = r;
    q->tail = &r->next;
}

static struct xs_request *queue_pop(struct xs_queue *q)
{
    struct xs_request *r = q->head;
    if (r) {
        q->head = r->next;
        if (!q->head)
            q->tail = &q->head;
    }
    return r;
}

void xs_requests_init(struct xs_requests *q)
{
    *q = (struct xs_requests){0};
    queue_init(&q->waiting);
    queue_init(&q->failed);
    for (unsigned i = XS_SLOTS; i--;)
        q->free_slots[q->n_free++] = (uint8_t)i;
}

unsigned xs_requests_in_flight(const struct xs_requests *q)
{
    return XS_SLOTS - q->n_free;
}

uint32_t xs_requests_start(struct xs_requests *q, enum xsd_sockmsg_type type, store_reply_fn *done, void *arg)
{
    assert(q->n_free);
    unsigned i = q->free_slots[--q->n_free];
    if (!(++q->sequence << XS_SLOT_BITS))
        q->sequence++;
    uint32_t id = q->sequence << XS_SLOT_BITS | i;

    q->slots[i] = (struct xs_slot){.id = id, .type = type, .sent = q->now, .done = done, .arg = arg};
    return id;
}

/* Was the one sent before the other? Sequence numbers begin again after their last. */
static bool earlier(uint32_t id, uint32_t other)
{
    return (int32_t)((id & ~(uint32_t)(XS_SLOTS - 1)) - other) < 0;
}

const struct xs_slot *xs_requests_find(const struct xs_requests *q, uint32_t id)
{
    const struct xs_slot *slot = &q->slots[id & (XS_SLOTS - 1)];
    return slot->done && slot->id == id ? slot : NULL;
}

static void give_back(struct xs_requests *q, struct xs_slot *slot)
{
    slot->done = NULL;
    q->free_slots[q->n_free++] = (uint8_t)(slot - q->slots);
}

uint32_t xs_requests_next_id(const struct xs_requests *q)
{
    return (q->sequence + 1) << XS_SLOT_BITS;
}

void xs_requests_pass_by(struct xs_requests *q, uint32_t id)
{
    if (earlier(q->passed_by, id))
        q->passed_by = id & ~(uint32_t)(XS_SLOTS - 1);
}

bool xs_requests_take(struct xs_requests *q, uint32_t id, struct xs_slot *ret_slot)
{
    const struct xs_slot *slot = xs_requests_find(q, id);
    if (!slot)
        return false;
    *ret_slot = *slot;
    xs_requests_pass_by(q, id);
    give_back(q, &q->slots[id & (XS_SLOTS - 1)]);
    return true;
}

static struct xs_request *request_new(store_reply_fn *done, void *arg, int status, size_t len)
{
    struct xs_request *r = xcalloc(1, sizeof *r + len);
    r->done = done;
    r->arg = arg;
    r->status = status;
    r->len = len;
    return r;
}

void xs_requests_wait(struct xs_requests *q, enum xsd_sockmsg_type type, uint32_t tx, const void *body,
                      size_t len, store_reply_fn *done, void *arg)
{
    struct xs_request *r = request_new(done, arg, 0, len);
    r->type = type;
    r->tx = tx;
    if (len)
        memcpy(r->body, body, len);
    queue_push(&q->waiting, r);
}

struct xs_request *xs_requests_next(struct xs_requests *q)
{
    return q->n_free ? queue_pop(&q->waiting) : NULL;
}

void xs_requests_fail(struct xs_requests *q, store_reply_fn *done, void *arg, int status)
{
    queue_push(&q->failed, request_new(done, arg, status, 0));
}

void xs_requests_fail_all(struct xs_requests *q, int status)
{
    struct xs_request *r;

    for (struct xs_slot *slot = q->slots; slot < q->slots + XS_SLOTS; slot++)
        if (slot->done) {
            xs_requests_fail(q, slot->done, slot->arg, status);
            give_back(q, slot);
        }
    while ((r = queue_pop(&q->waiting))) {
        r->status = status;
        queue_push(&q->failed, r);
    }
}

bool xs_requests_expire(struct xs_requests *q, uint64_t before, struct xs_slot *ret_slot)
{
    struct xs_slot *oldest = NULL;
    for (struct xs_slot *slot = q->slots; slot < q->slots + XS_SLOTS; slot++)
        if (slot->done && slot->sent <= before && earlier(slot->id, q->passed_by) &&
            (!oldest || earlier(slot->id, oldest->id)))
            oldest = slot;
    if (!oldest)
        return false;
    *ret_slot = *oldest;
    xs_requests_fail(q, oldest->done, oldest->arg, -ETIMEDOUT);
    give_back(q, oldest);
    return true;
}

size_t xs_requests_failed(const struct xs_requests *q)
{
    size_t n = 0;
    for (const struct xs_request *r = q->failed.head; r; r = r->next)
        n++;
    return n;
}

void xs_requests_settle(struct xs_requests *q, size_t n)
{
    struct xs_request *r;
    for (; n && (r = queue_pop(&q->failed)); n--) {
        r->done(r->arg, r->status, NULL, 0);
        free(r);
    }
}
