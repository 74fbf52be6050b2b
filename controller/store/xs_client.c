/* SPDX-License-Identifier: MIT */
#include "controller/store/xs_client.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controller/base/read_pacing.h"
#include "controller/store/store_path.h"
#include "controller/store/usec_timer.h"
#include "controller/store/xs_requests.h"
#include "controller/store/xs_wire.h"
#include "schemas/mem.h"

enum {
    READ_MAX = 64 << 10,
    OUT_KEEP = 8 << 10, /* bytes; a larger buffer is given back once it is written */
    REFILL = 32, /* after so many answers new requests are sent, before the other answers are delivered */
};
_Static_assert((int)XS_CLIENT_IN_FLIGHT == (int)XS_SLOTS, "what the header says");

/* Made anew by each connect: a handle cannot be used again before libuv has closed it. */
struct xs_connection {
    uv_poll_t poll;
    struct xs_client *client;
    int fd;
    int polled; /* the uv_poll_event bits that we wait for */
    bool socket;
    bool whole; /* takes one message per write, and the next when that is answered */
    bool unanswered;
};

struct xs_client {
    struct store store;
    uv_loop_t *loop;
    char *path;
    int adopted;
    bool adopted_whole;

    uv_idle_t turn; /* runs once before the loop waits again, when there is something to send or to settle */
    struct usec_timer pause;
    bool pauses;      /* pauses are made: there is a timer for them */
    unsigned handles; /* handles of libuv that are not closed yet */
    bool closing, closed;
    void (*on_closed)(void *arg);
    void *on_closed_arg;

    struct xs_connection *connection; /* NULL: none */
    bool write_blocked;
    unsigned paused; /* reading pauses for so many microseconds; 0: it does not */
    struct read_pacing pace;
    struct xs_buffer in, out;
    size_t out_sent;

    struct xs_requests requests;
    struct xs_client_counters counters;
};

/* The turn of the loop */

static void on_turn(uv_idle_t *handle);

/* An active idle handle keeps the loop from sleeping, whenever in its turn it is started. */
static void arm(struct xs_client *c)
{
    if (!c->closing)
        uv_idle_start(&c->turn, on_turn);
}

static void fail(struct xs_client *c, store_reply_fn *done, void *arg, int status)
{
    xs_requests_fail(&c->requests, done, arg, status);
    arm(c);
}

static void send_later(struct xs_client *c, enum xsd_sockmsg_type type, uint32_t tx, const void *body,
                       size_t len, store_reply_fn *done, void *arg)
{
    uint32_t id = xs_requests_start(&c->requests, type, done, arg);
    (void)xs_wire_append(&c->out, type, id, tx, body, len); /* its length was checked before */
    c->counters.requests++;
}

static void pause_reading(struct xs_client *c, unsigned us)
{
    c->paused = us;
    usec_timer_set(&c->pause, us);
}

static void client_request(struct store *s, enum xsd_sockmsg_type type, uint32_t tx, const void *body,
                           size_t len, store_reply_fn *done, void *arg)
{
    struct xs_client *c = (struct xs_client *)s;

    assert(!c->closed && done);
    if (!c->connection || len > XENSTORE_PAYLOAD_MAX) {
        fail(c, done, arg, c->closing ? -ECANCELED : c->connection ? -E2BIG : -ECONNRESET);
        return;
    }
    if (!c->requests.waiting.head && c->requests.n_free)
        send_later(c, type, tx, body, len, done, arg);
    else
        xs_requests_wait(&c->requests, type, tx, body, len, done, arg);
    if (c->paused > read_pacing_ask(c->paused)) /* now an answer is waited for */
        pause_reading(c, read_pacing_ask(c->paused));
    arm(c);
}

/* The connection */

static void on_handle_closed(struct xs_client *c)
{
    if (--c->handles || !c->closing)
        return;
    void (*closed)(void *arg) = c->on_closed;
    void *arg = c->on_closed_arg;
    xs_buffer_free(&c->in);
    xs_buffer_free(&c->out);
    free(c->path);
    free(c);
    if (closed)
        closed(arg);
}

static void on_connection_closed(uv_handle_t *handle)
{
    struct xs_connection *connection = handle->data;
    struct xs_client *c = connection->client;
    free(connection);
    on_handle_closed(c);
}

static void disconnect(struct xs_client *c)
{
    struct xs_connection *connection = c->connection;
    c->connection = NULL;
    c->write_blocked = false;
    if (c->paused)
        pause_reading(c, 0);
    uv_close((uv_handle_t *)&connection->poll, on_connection_closed);
    close(connection->fd);
}

/* Called by the loop only, so never while a completion or an event handler uses the buffer. */
static void lose(struct xs_client *c, const char *why)
{
    disconnect(c);
    xs_buffer_free(&c->in);
    xs_buffer_free(&c->out);
    c->out_sent = 0;
    xs_requests_fail_all(&c->requests, -ECONNRESET);
    xs_requests_settle(&c->requests, xs_requests_failed(&c->requests));
    if (!c->closing && c->store.lost)
        c->store.lost(c->store.arg, why);
}

static void on_poll(uv_poll_t *handle, int status, int events);

static void update_poll(struct xs_client *c)
{
    struct xs_connection *connection = c->connection;
    int want = (c->paused ? 0 : UV_READABLE) | (c->write_blocked ? UV_WRITABLE : 0);

    if (want == connection->polled)
        return;
    connection->polled = want;
    if (want)
        uv_poll_start(&connection->poll, want, on_poll);
    else
        uv_poll_stop(&connection->poll);
}

/* Sending */

static void start_waiting(struct xs_client *c)
{
    struct xs_request *r;
    while ((r = xs_requests_next(&c->requests))) {
        send_later(c, r->type, r->tx, r->body, r->len, r->done, r->arg);
        free(r);
    }
}

/* The kernel's driver checks each message as it is written, and may refuse it: a second watch, a watch beyond
 * its limit. That answers this request, and says nothing about the others. */
static void refused(struct xs_client *c, const char *message, int status)
{
    struct xsd_sockmsg header;
    struct xs_slot slot;
    memcpy(&header, message, sizeof header);
    if (xs_requests_take(&c->requests, header.req_id, &slot))
        fail(c, slot.done, slot.arg, status);
}

static bool connection_error(int e)
{
    return e == EPIPE || e == ECONNRESET || e == ENOTCONN || e == EBADF || e == ENODEV || e == ENXIO ||
           e == EIO;
}

static void count_sent(struct xs_client *c, size_t n)
{
    c->out_sent += n;
    c->counters.writes++;
    c->counters.bytes_written += n;
}

static void flush(struct xs_client *c)
{
    struct xs_connection *connection = c->connection;
    c->write_blocked = false;
    while (c->out_sent < c->out.len && !connection->unanswered) {
        const char *data = c->out.data + c->out_sent;
        size_t size = connection->whole ? xs_wire_size(data) : c->out.len - c->out_sent;
        ssize_t n = connection->socket ? send(connection->fd, data, size, MSG_NOSIGNAL)
                                       : write(connection->fd, data, size);
        if (n >= 0 && connection->whole && (size_t)n != size) {
            lose(c, "a message was cut on its way to the store");
            return;
        }
        if (n >= 0) {
            connection->unanswered = connection->whole;
            count_sent(c, (size_t)n);
        } else if (errno == EAGAIN && connection->socket) {
            c->write_blocked = true;
            break;
        } else if (connection->whole && !connection_error(errno)) {
            if (errno == EINTR)
                continue;
            refused(c, data, -errno);
            c->out_sent += size;
        } else if (errno != EINTR) {
            lose(c, strerror(errno));
            return;
        }
    }
    if (c->out_sent == c->out.len || c->out_sent > OUT_KEEP) { /* it may not become empty for a long time */
        xs_buffer_cut(&c->out, c->out_sent);
        c->out_sent = 0;
    }
    if (!c->out.len && c->out.cap > OUT_KEEP)
        xs_buffer_free(&c->out);
    update_poll(c);
}

static void on_turn(uv_idle_t *handle)
{
    struct xs_client *c = handle->data;

    uv_idle_stop(handle);
    if (c->connection)
        start_waiting(c);
    if (c->connection && !c->write_blocked && c->out.len)
        flush(c);
    /* not those that fail meanwhile: a completion may try again each time */
    xs_requests_settle(&c->requests, xs_requests_failed(&c->requests));
}

/* Receiving */

/* What one read has brought. */
struct harvest {
    unsigned events, replies;
};

static int deliver(struct xs_client *c, const struct xs_message *m, struct harvest *harvest)
{
    struct xs_slot s;
    if (m->type == XS_WATCH_EVENT) {
        harvest->events++;
        c->counters.events++;
        if (c->store.event)
            c->store.event(c->store.arg, xs_event_path(m), xs_event_token(m));
        return 0;
    }
    if (!xs_requests_take(&c->requests, m->req_id, &s))
        return -EPROTO;
    harvest->replies++;
    c->counters.replies++;
    c->connection->unanswered = false;
    if (c->out.len) /* the device takes the next one now */
        arm(c);
    if (m->type == XS_ERROR) {
        s.done(s.arg, xs_wire_error(m->body, m->len), NULL, 0);
        return 0;
    }
    if (m->type != s.type) { /* it answers another kind of request: this one is answered with the others when
                                the connection is lost */
        fail(c, s.done, s.arg, -ECONNRESET);
        return -EPROTO;
    }
    /* Puts a NUL behind it where it lies: that byte belongs to the next message, or is the buffer's spare
     * one. */
    char *end = c->in.data + (m->body - c->in.data) + m->len;
    char next = *end;
    *end = '\0';
    s.done(s.arg, 0, m->body, m->len);
    *end = next;
    return 0;
}

/* Sends what can be sent now. The rest, and errors, are for the end of the turn. */
static void refill(struct xs_client *c)
{
    start_waiting(c);
    arm(c);
    if (c->write_blocked || c->connection->whole)
        return;
    ssize_t n = send(c->connection->fd, c->out.data + c->out_sent, c->out.len - c->out_sent, MSG_NOSIGNAL);
    if (n > 0)
        count_sent(c, (size_t)n);
}

/* Delivers every whole message in the buffer. False: the connection is gone. */
static bool deliver_all(struct xs_client *c, struct harvest *harvest)
{
    struct xs_message m;
    size_t at = 0, size = 0;
    unsigned refilled = 0;
    int found;

    while ((found = xs_wire_parse(c->in.data + at, c->in.len - at, &m, &size)) > 0) {
        at += size;
        found = deliver(c, &m, harvest);
        if (!c->connection) /* the receiver of the message has closed it */
            return false;
        if (found < 0)
            break;
        if (harvest->replies - refilled == REFILL) {
            refill(c);
            refilled = harvest->replies;
        }
    }
    if (found < 0) {
        lose(c, "the store sent what the protocol does not allow");
        return false;
    }
    xs_buffer_cut(&c->in, at);
    if (!c->in.len)
        xs_buffer_free(&c->in);
    return true;
}

static void on_pause_over(void *arg)
{
    struct xs_client *c = arg;
    c->paused = 0;
    update_poll(c);
}

/* Reads once in a turn of the loop, so that others on it get their turn. */
static void receive(struct xs_client *c)
{
    struct harvest harvest = {0};
    xgrow(&c->in.data, &c->in.cap, XS_MESSAGE_MAX + READ_MAX + 1, 1);
    ssize_t n = read(c->connection->fd, c->in.data + c->in.len, READ_MAX);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        lose(c, n ? strerror(errno) : "the store closed the connection");
        return;
    }
    c->in.len += (size_t)n;
    c->counters.reads++;
    c->counters.bytes_read += (uint64_t)n;
    if (!deliver_all(c, &harvest))
        return;
    if (c->requests.waiting.head && c->requests.n_free)
        arm(c);
    unsigned outstanding = xs_requests_in_flight(&c->requests);
    if (c->connection->whole && outstanding > 1) /* the other requests are not sent yet */
        outstanding = 1;
    unsigned pause =
        read_pacing_read(&c->pace, uv_hrtime() / 1000, harvest.events, harvest.replies, outstanding);
    if (pause && c->pauses) {
        c->counters.pauses++;
        pause_reading(c, pause);
        update_poll(c);
    }
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct xs_connection *connection = handle->data;
    struct xs_client *c = connection->client;

    if (status < 0) {
        lose(c, uv_strerror(status));
        return;
    }
    if (events & UV_WRITABLE)
        flush(c);
    if (c->connection == connection && (events & UV_READABLE))
        receive(c);
}

/* Connecting and closing */

int xs_client_connect(struct xs_client *c)
{
    bool device = false, whole = c->adopted_whole;

    if (c->connection)
        return -EISCONN;
    if (c->closing)
        return -ECANCELED;
    int fd = c->adopted;
    c->adopted = -1;
    if (fd < 0) {
        fd = store_open(c->path, &device);
        whole = device;
    }
    if (fd < 0)
        return fd;
    struct xs_connection *connection = xcalloc(1, sizeof *connection);
    *connection = (struct xs_connection){.client = c, .fd = fd, .socket = !device, .whole = whole};
    int err = uv_poll_init(c->loop, &connection->poll, fd);
    if (err) {
        close(fd);
        free(connection);
        return err;
    }
    connection->poll.data = connection;
    c->handles++;
    c->connection = connection;
    c->pace = (struct read_pacing){0};
    update_poll(c);
    return 0;
}

static const struct store_ops client_ops = {.request = client_request};

static struct xs_client *client_new(uv_loop_t *loop, const char *path, int fd, bool whole)
{
    struct xs_client *c = xcalloc(1, sizeof *c);

    c->store.ops = &client_ops;
    c->loop = loop;
    c->path = path ? xstrdup(path) : NULL;
    c->adopted = fd;
    c->adopted_whole = whole;
    xs_requests_init(&c->requests);
    uv_idle_init(loop, &c->turn);
    c->turn.data = c;
    c->pauses = usec_timer_open(&c->pause, loop, on_pause_over, c) == 0; /* it works without pauses as well */
    c->handles = 1 + c->pauses;
    return c;
}

struct xs_client *xs_client_new(uv_loop_t *loop, const char *path)
{
    return client_new(loop, path, -1, false);
}

struct xs_client *xs_client_new_fd(uv_loop_t *loop, int fd, bool one_message_per_write)
{
    return client_new(loop, NULL, fd, one_message_per_write);
}

struct store *xs_client_store(struct xs_client *c)
{
    return &c->store;
}

const struct xs_client_counters *xs_client_counters(const struct xs_client *c)
{
    return &c->counters;
}

static void on_closed(uv_handle_t *handle)
{
    on_handle_closed(handle->data);
}

static void on_pause_closed(uv_handle_t *handle)
{
    const struct usec_timer *t = handle->data;
    on_handle_closed(t->arg);
}

void xs_client_close(struct xs_client *c, void (*closed)(void *arg), void *arg)
{
    assert(!c->closing);
    c->closing = true;
    c->on_closed = closed;
    c->on_closed_arg = arg;
    if (c->connection)
        disconnect(c);
    if (c->adopted >= 0)
        close(c->adopted);
    uv_close((uv_handle_t *)&c->turn, on_closed);
    if (c->pauses)
        usec_timer_close(&c->pause, on_pause_closed);
    xs_requests_fail_all(&c->requests, -ECANCELED);
    xs_requests_settle(&c->requests, SIZE_MAX);
    c->closed = true;
}
