/* SPDX-License-Identifier: MIT */
#include "controller/store/xs_link.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controller/base/log.h"
#include "schemas/mem.h"

enum {
    READ_MAX = 64 << 10,
    OUT_KEEP = 8 << 10, /* bytes; a larger buffer is given back once it is written */
    REFILL = 32, /* after so many answers new requests are sent, before the other answers are delivered */
    SAID = 2,    /* after so many nudges in a row it is said that the store does not answer */
    PROBE = 1,   /* the id of a question that only asks whether the store lives; no request has it */
};

void xs_link_init(struct xs_link *l)
{
    *l = (struct xs_link){.fd = -1, .deadline = XS_LINK_DEADLINE};
    xs_requests_init(&l->requests);
}

void xs_link_open(struct xs_link *l, int fd, bool socket, bool whole)
{
    l->fd = fd;
    l->socket = socket;
    l->whole = whole;
    l->unanswered = l->blocked = l->begun = l->left_open = false;
    l->nudges = l->probes = 0;
}

void xs_link_close(struct xs_link *l)
{
    close(l->fd);
    l->fd = -1;
    l->blocked = false;
}

void xs_link_free_buffers(struct xs_link *l)
{
    xs_buffer_free(&l->in);
    xs_buffer_free(&l->out);
    l->out_sent = 0;
}

/* ---- what is said of an odd store: at the first, second, fourth… time ---- */

static bool worth_saying(uint64_t times)
{
    return (times & (times - 1)) == 0;
}

static void drop(struct xs_link *l, const struct xs_message *m)
{
    if (worth_saying(++l->counters.unasked))
        log_warning("the store sent what nobody asked for (%s, id %u): dropped, %llu until now",
                    xs_type_name(m->type), m->req_id, (unsigned long long)l->counters.unasked);
}

static void say_unanswered(struct xs_link *l, enum xsd_sockmsg_type type)
{
    if (worth_saying(++l->counters.unanswered))
        log_warning("the store did not answer a request (%s) within %u s: asked again later; %llu until now",
                    xs_type_name(type), l->deadline / 1000, (unsigned long long)l->counters.unanswered);
}

/* ---- sending ---- */

static void send_later(struct xs_link *l, enum xsd_sockmsg_type type, uint32_t tx, const void *body,
                       size_t len, store_reply_fn *done, void *arg)
{
    if (!xs_requests_in_flight(&l->requests)) /* it had nothing to answer until now */
        l->heard = l->nudged = l->requests.now;
    uint32_t id = xs_requests_start(&l->requests, type, done, arg);
    (void)xs_wire_append(&l->out, type, id, tx, body, len); /* its length was checked before */
    l->counters.requests++;
}

void xs_link_request(struct xs_link *l, enum xsd_sockmsg_type type, uint32_t tx, const void *body, size_t len,
                     store_reply_fn *done, void *arg)
{
    if (l->fd < 0 || len > XENSTORE_PAYLOAD_MAX)
        xs_requests_fail(&l->requests, done, arg, l->fd < 0 ? -ECONNRESET : -E2BIG);
    else if (!l->requests.waiting.head && l->requests.n_free)
        send_later(l, type, tx, body, len, done, arg);
    else
        xs_requests_wait(&l->requests, type, tx, body, len, done, arg);
}

static void start_waiting(struct xs_link *l)
{
    struct xs_request *r;
    while ((r = xs_requests_next(&l->requests))) {
        send_later(l, r->type, r->tx, r->body, r->len, r->done, r->arg);
        free(r);
    }
}

bool xs_link_busy(const struct xs_link *l)
{
    return l->requests.failed.head || (l->fd >= 0 && !l->blocked &&
                                       ((l->requests.waiting.head && l->requests.n_free) ||
                                        (l->out.len > l->out_sent && !l->unanswered)));
}

/* The kernel's driver checks each message as it is written, and may refuse it: a second watch, a watch beyond
 * its limit. That answers this request, and says nothing about the others. */
static void refused(struct xs_link *l, const char *message, int status)
{
    struct xsd_sockmsg header;
    struct xs_slot slot;
    memcpy(&header, message, sizeof header);
    if (xs_requests_take(&l->requests, header.req_id, &slot))
        xs_requests_fail(&l->requests, slot.done, slot.arg, status);
}

static bool connection_error(int e)
{
    return e == EPIPE || e == ECONNRESET || e == ENOTCONN || e == EBADF || e == ENODEV || e == ENXIO ||
           e == EIO;
}

static void count_sent(struct xs_link *l, size_t n)
{
    l->out_sent += n;
    l->counters.writes++;
    l->counters.bytes_written += n;
}

const char *xs_link_send(struct xs_link *l)
{
    start_waiting(l);
    l->blocked = false;
    while (l->out_sent < l->out.len && !l->unanswered) {
        const char *data = l->out.data + l->out_sent;
        size_t size = l->whole ? xs_wire_size(data) : l->out.len - l->out_sent;
        ssize_t n = l->socket ? send(l->fd, data, size, MSG_NOSIGNAL) : write(l->fd, data, size);
        if (n >= 0 && l->whole && (size_t)n != size)
            return "a message was cut on its way to the store";
        if (n >= 0) {
            l->unanswered = l->whole;
            count_sent(l, (size_t)n);
        } else if (errno == EAGAIN && l->socket) {
            l->blocked = true;
            break;
        } else if (l->whole && !connection_error(errno)) {
            if (errno == EINTR)
                continue;
            refused(l, data, -errno);
            l->out_sent += size;
        } else if (errno != EINTR) {
            return strerror(errno);
        }
    }
    if (l->out_sent == l->out.len || l->out_sent > OUT_KEEP) { /* it may not become empty for a long time */
        xs_buffer_cut(&l->out, l->out_sent);
        l->out_sent = 0;
    }
    if (!l->out.len && l->out.cap > OUT_KEEP)
        xs_buffer_free(&l->out);
    return NULL;
}

/* Sends what can be sent now. The rest, and errors, are for xs_link_send(). */
static void refill(struct xs_link *l)
{
    start_waiting(l);
    if (l->blocked || l->whole)
        return;
    ssize_t n = send(l->fd, l->out.data + l->out_sent, l->out.len - l->out_sent, MSG_NOSIGNAL);
    if (n > 0)
        count_sent(l, (size_t)n);
}

/* ---- receiving ---- */

/* The store lives. */
static void hear(struct xs_link *l)
{
    if (l->nudges >= SAID)
        log_info("the store answers again");
    l->nudges = 0;
    l->unanswered = false;
    l->heard = l->nudged = l->requests.now;
}

/* Fails what the store should have answered by now. What a transaction of which it was to begin or end has
 * become only the end of the connection settles. */
static void expire(struct xs_link *l)
{
    struct xs_slot slot;
    uint64_t now = l->requests.now;
    while (now >= l->deadline && xs_requests_expire(&l->requests, now - l->deadline, &slot)) {
        say_unanswered(l, slot.type);
        l->left_open |= slot.type == XS_TRANSACTION_START || slot.type == XS_TRANSACTION_END;
    }
}

/* Puts a NUL behind it where it lies: that byte belongs to the next message, or is the buffer's spare one. */
static void hand_over(struct xs_link *l, const struct xs_message *m, const struct xs_slot *s)
{
    char *end = l->in.data + (m->body - l->in.data) + m->len;
    char next = *end;
    *end = '\0';
    s->done(s->arg, 0, m->body, m->len);
    *end = next;
}

static void deliver_event(struct xs_link *l, const struct xs_message *m)
{
    l->counters.events++;
    if (l->store.event)
        l->store.event(l->store.arg, xs_event_path(m), xs_event_token(m));
}

/* NULL, or why the connection is lost. */
static const char *deliver(struct xs_link *l, const struct xs_message *m, struct xs_harvest *harvest)
{
    struct xs_slot s;
    if (m->type == XS_WATCH_EVENT) {
        harvest->events++;
        deliver_event(l, m);
        return NULL;
    }
    const struct xs_slot *asked = xs_requests_find(&l->requests, m->req_id);
    if (m->req_id == PROBE && l->probes) {
        l->probes--;
        xs_requests_pass_by(&l->requests, l->probe_after);
        hear(l);
        expire(l);
        return NULL;
    }
    if (!asked || (m->type != asked->type && m->type != XS_ERROR)) {
        drop(l, m);
        return NULL;
    }
    xs_requests_take(&l->requests, m->req_id, &s);
    harvest->replies++;
    l->counters.replies++;
    hear(l);
    if (s.type == XS_TRANSACTION_START && m->type == XS_ERROR && l->begun && l->left_open) {
        xs_requests_fail(&l->requests, s.done, s.arg, -ECONNRESET);
        return "it may have left a transaction of ours open";
    }
    l->begun |= s.type == XS_TRANSACTION_START && m->type == s.type;
    if (m->type == XS_ERROR)
        s.done(s.arg, xs_wire_error(m->body, m->len), NULL, 0);
    else
        hand_over(l, m, &s);
    return NULL;
}

/* Delivers every whole message in the buffer, unless who receives one closes the link. */
static const char *deliver_all(struct xs_link *l, struct xs_harvest *harvest)
{
    struct xs_message m;
    size_t at = 0, size = 0;
    unsigned refilled = 0;
    int found;

    while ((found = xs_wire_parse(l->in.data + at, l->in.len - at, &m, &size)) > 0) {
        at += size;
        const char *lost = deliver(l, &m, harvest);
        if (lost || l->fd < 0)
            return lost;
        if (harvest->replies - refilled == REFILL) {
            refill(l);
            refilled = harvest->replies;
        }
    }
    if (found < 0)
        return "the store sent what the protocol does not allow";
    xs_buffer_cut(&l->in, at);
    if (!l->in.len)
        xs_buffer_free(&l->in);
    return NULL;
}

const char *xs_link_receive(struct xs_link *l, struct xs_harvest *ret_harvest)
{
    *ret_harvest = (struct xs_harvest){0};
    xgrow(&l->in.data, &l->in.cap, XS_MESSAGE_MAX + READ_MAX + 1, 1);
    ssize_t n = read(l->fd, l->in.data + l->in.len, READ_MAX);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return NULL;
    if (n <= 0)
        return n ? strerror(errno) : "the store closed the connection";
    l->in.len += (size_t)n;
    l->counters.reads++;
    l->counters.bytes_read += (uint64_t)n;
    return deliver_all(l, ret_harvest);
}

void xs_link_settle(struct xs_link *l)
{
    /* not those that fail meanwhile: a completion may try again each time */
    xs_requests_settle(&l->requests, xs_requests_failed(&l->requests));
}

/* ---- deadlines ---- */

/* Nothing was asked later than what is overdue. So something is asked now: what waits for its turn on a
 * device that takes one at a time, or a value that any store has. */
static void nudge(struct xs_link *l)
{
    if (++l->nudges == SAID)
        log_warning("the store has not answered anything for %llu s: waiting for it",
                    (unsigned long long)(l->requests.now - l->heard) / 1000);
    l->unanswered = false;
    l->nudged = l->requests.now;
    if (l->whole && l->out.len > l->out_sent)
        return;
    l->probes++;
    l->probe_after = xs_requests_next_id(&l->requests);
    (void)xs_wire_append(&l->out, XS_READ, PROBE, 0, "/", 2);
}

const char *xs_link_check(struct xs_link *l)
{
    uint64_t now = l->requests.now;
    expire(l);
    if (!xs_link_outstanding(l) || now - l->nudged < l->deadline)
        return NULL;
    if (l->nudges == XS_LINK_NUDGES)
        return "it has stopped answering";
    nudge(l);
    return NULL;
}
