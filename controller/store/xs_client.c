/* SPDX-License-Identifier: MIT */
#include "controller/store/xs_client.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/base/read_pacing.h"
#include "controller/store/store_path.h"
#include "controller/store/usec_timer.h"
#include "schemas/mem.h"

_Static_assert((int)XS_CLIENT_IN_FLIGHT == (int)XS_SLOTS, "what the header says");

/* Made anew by each connect: a handle cannot be used again before libuv has closed it. */
struct xs_connection {
    uv_poll_t poll;
    struct xs_client *client;
    int polled; /* the uv_poll_event bits that we wait for */
};

struct xs_client {
    struct xs_link link;
    uv_loop_t *loop;
    char *path;
    int adopted;
    bool adopted_whole;

    uv_idle_t turn; /* runs once before the loop waits again, when there is something to send or to settle */
    uv_timer_t overdue; /* runs while something is outstanding */
    struct usec_timer pause;
    bool pauses;      /* pauses are made: there is a timer for them */
    unsigned handles; /* handles of libuv that are not closed yet */
    bool closing, closed;
    void (*on_closed)(void *arg);
    void *on_closed_arg;

    struct xs_connection *connection; /* NULL: none */
    unsigned paused;                  /* reading pauses for so many microseconds; 0: it does not */
    struct read_pacing pace;
};

/* ---- when something is to be done ---- */

static void on_turn(uv_idle_t *handle);
static void on_overdue(uv_timer_t *timer);

/* An active idle handle keeps the loop from sleeping, whenever in its turn it is started. */
static void arm(struct xs_client *c)
{
    if (!c->closing && xs_link_busy(&c->link))
        uv_idle_start(&c->turn, on_turn);
    bool outstanding = !c->closing && xs_link_outstanding(&c->link);
    uint64_t often = c->link.deadline / 5;
    if (outstanding && !uv_is_active((uv_handle_t *)&c->overdue))
        uv_timer_start(&c->overdue, on_overdue, often, often);
    else if (!outstanding)
        uv_timer_stop(&c->overdue);
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
    c->link.requests.now = uv_now(c->loop);
    if (c->closing)
        xs_requests_fail(&c->link.requests, done, arg, -ECANCELED);
    else
        xs_link_request(&c->link, type, tx, body, len, done, arg);
    if (c->paused > read_pacing_ask(c->paused)) /* now an answer is waited for */
        pause_reading(c, read_pacing_ask(c->paused));
    arm(c);
}

/* ---- the connection ---- */

static void on_handle_closed(struct xs_client *c)
{
    if (--c->handles || !c->closing)
        return;
    void (*closed)(void *arg) = c->on_closed;
    void *arg = c->on_closed_arg;
    xs_link_free_buffers(&c->link);
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
    if (c->paused)
        pause_reading(c, 0);
    uv_close((uv_handle_t *)&connection->poll, on_connection_closed);
    xs_link_close(&c->link);
}

/* Called by the loop only, so never while a completion or an event handler uses the buffer. */
static void lose(struct xs_client *c, const char *why)
{
    disconnect(c);
    xs_link_free_buffers(&c->link);
    xs_requests_fail_all(&c->link.requests, -ECONNRESET);
    xs_link_settle(&c->link);
    arm(c);
    if (!c->closing && c->link.store.lost)
        c->link.store.lost(c->link.store.arg, why);
}

static void on_poll(uv_poll_t *handle, int status, int events);

static void update_poll(struct xs_client *c)
{
    struct xs_connection *connection = c->connection;
    int want = (c->paused ? 0 : UV_READABLE) | (c->link.blocked ? UV_WRITABLE : 0);

    if (want == connection->polled)
        return;
    connection->polled = want;
    if (want)
        uv_poll_start(&connection->poll, want, on_poll);
    else
        uv_poll_stop(&connection->poll);
}

static void flush(struct xs_client *c)
{
    const char *lost = xs_link_send(&c->link);
    if (lost)
        lose(c, lost);
    else
        update_poll(c);
}

static void on_turn(uv_idle_t *handle)
{
    struct xs_client *c = handle->data;

    uv_idle_stop(handle);
    c->link.requests.now = uv_now(c->loop);
    if (c->connection && !c->link.blocked)
        flush(c);
    xs_link_settle(&c->link);
    arm(c);
}

static void on_overdue(uv_timer_t *timer)
{
    struct xs_client *c = timer->data;
    c->link.requests.now = uv_now(c->loop);
    const char *lost = xs_link_check(&c->link);
    if (lost)
        lose(c, lost);
    else
        arm(c);
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
    struct xs_harvest harvest;
    c->link.requests.now = uv_now(c->loop);
    const char *lost = xs_link_receive(&c->link, &harvest);
    if (!c->connection) /* who received a message has closed it */
        return;
    if (lost) {
        lose(c, lost);
        return;
    }
    arm(c);
    if (!harvest.events && !harvest.replies)
        return;
    unsigned outstanding = xs_requests_in_flight(&c->link.requests);
    if (c->link.whole && outstanding > 1) /* the other requests are not sent yet */
        outstanding = 1;
    unsigned pause =
        read_pacing_read(&c->pace, uv_hrtime() / 1000, harvest.events, harvest.replies, outstanding);
    if (pause && c->pauses) {
        c->link.counters.pauses++;
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

/* ---- connecting and closing ---- */

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
        fd = store_path_open(c->path, &device);
        whole = device;
    }
    if (fd < 0)
        return fd;
    struct xs_connection *connection = xcalloc(1, sizeof *connection);
    *connection = (struct xs_connection){.client = c};
    int err = uv_poll_init(c->loop, &connection->poll, fd);
    if (err) {
        close(fd);
        free(connection);
        return err;
    }
    connection->poll.data = connection;
    c->handles++;
    c->connection = connection;
    xs_link_open(&c->link, fd, !device, whole);
    c->pace = (struct read_pacing){0};
    update_poll(c);
    return 0;
}

static const struct store_ops client_ops = {.request = client_request};

static struct xs_client *client_new(uv_loop_t *loop, const char *path, int fd, bool whole)
{
    struct xs_client *c = xcalloc(1, sizeof *c);

    xs_link_init(&c->link);
    c->link.store.ops = &client_ops;
    c->loop = loop;
    c->path = path ? xstrdup(path) : NULL;
    c->adopted = fd;
    c->adopted_whole = whole;
    uv_idle_init(loop, &c->turn);
    uv_timer_init(loop, &c->overdue);
    uv_unref((uv_handle_t *)&c->overdue);
    c->turn.data = c->overdue.data = c;
    c->pauses = usec_timer_open(&c->pause, loop, on_pause_over, c) == 0; /* it works without pauses as well */
    c->handles = 2 + c->pauses;
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
    return &c->link.store;
}

const struct xs_counters *xs_client_counters(const struct xs_client *c)
{
    return &c->link.counters;
}

const struct store_abilities *xs_client_abilities(const struct xs_client *c)
{
    return &c->link.store.abilities;
}

uint64_t xs_client_silent(const struct xs_client *c)
{
    return xs_link_outstanding(&c->link) && c->link.nudges ? uv_now(c->loop) - c->link.heard : 0;
}

void xs_client_set_deadline(struct xs_client *c, unsigned deadline)
{
    c->link.deadline = deadline;
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
    uv_close((uv_handle_t *)&c->overdue, on_closed);
    if (c->pauses)
        usec_timer_close(&c->pause, on_pause_closed);
    xs_requests_fail_all(&c->link.requests, -ECANCELED);
    xs_requests_settle(&c->link.requests, SIZE_MAX);
    c->closed = true;
}
