/* SPDX-License-Identifier: MIT */
#include "controller/processes/worker_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "controller/base/log.h"
#include "controller/base/patience.h"
#include "controller/base/queue.h"
#include "controller/base/read_pacing.h"
#include "schemas/mem.h"

enum {
    ACCEPTS = 16,          /* connections accepted in one turn of the loop */
    ACCEPT_PAUSE = 1000,   /* milliseconds without accepting, when there are no descriptors left */
    SEND_BUFFER = 1 << 16, /* bytes that a worker may leave unread: several of the longest lines */
};

struct worker_connection {
    TAILQ_ENTRY(worker_connection) next;
    struct worker_socket *s;
    void *whose;
    uv_poll_t poll;
    int fd;
    bool welcome, broken, closed;
    uint64_t hello_by;             /* when it is closed if it was not welcomed by then, of the patience */
    uint64_t paused_until;         /* not read before then; 0: at any time */
    struct message_reader *reader; /* holds the beginning of a line; NULL: there is none */
    struct read_pacing pace;
};

TAILQ_HEAD(connection_list, worker_connection);

struct worker_socket {
    struct worker_socket_config cfg;
    struct connection_list list;
    int listening;
    uv_poll_t *listener;
    struct patience patience; /* with those that have not said hello */
    uv_timer_t timer;
    uint64_t wake_at;              /* when the timer is set to go off; 0: it is not set */
    uint64_t accept_again;         /* when to accept again; 0: we do */
    struct message_reader scratch; /* for the connection that is being read */
    unsigned handles; /* handles of libuv that are still to be closed, the connections' included */
    bool closed;
};

/* ---- the end of a connection ---- */

static void release(struct worker_socket *s)
{
    if (--s->handles == 0 && s->closed)
        free(s);
}

static void on_connection_closed(uv_handle_t *handle)
{
    struct worker_connection *c = handle->data;
    release(c->s);
    free(c->reader);
    free(c);
}

void worker_socket_hang_up(struct worker_connection *c)
{
    if (c->closed)
        return;
    c->closed = true;
    TAILQ_REMOVE(&c->s->list, c, next);
    uv_close((uv_handle_t *)&c->poll, on_connection_closed);
    close(c->fd);
}

/* Closes a connection that broke the protocol, or whose worker left. */
static void lose(struct worker_connection *c, const char *wrong)
{
    struct worker_socket *s = c->s;
    bool welcome = c->welcome;
    void *whose = c->whose;
    worker_socket_hang_up(c);
    if (welcome)
        s->cfg.lost(s->cfg.arg, whose, wrong);
}

void worker_socket_forget(struct worker_socket *s, const void *whose)
{
    struct worker_connection *c, *next;
    for (c = TAILQ_FIRST(&s->list); c; c = next) {
        next = TAILQ_NEXT(c, next);
        if (c->whose == whose)
            worker_socket_hang_up(c);
    }
}

/* ---- one timer for all that waits ---- */

static void on_timer(uv_timer_t *timer);
static void on_readable(uv_poll_t *poll, int status, int events);
static void on_connection(uv_poll_t *poll, int status, int events);

static void wake_by(struct worker_socket *s, uint64_t at)
{
    uint64_t now = uv_now(s->cfg.loop);
    if (s->closed || (s->wake_at && s->wake_at <= at))
        return;
    s->wake_at = at;
    uv_timer_start(&s->timer, on_timer, at > now ? at - now : 0, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct worker_socket *s = timer->data;
    struct worker_connection *c;
    uint64_t now = uv_now(s->cfg.loop);
    s->wake_at = 0;
    TAILQ_FOREACH (c, &s->list, next) {
        if (c->paused_until && c->paused_until <= now) {
            c->paused_until = 0;
            uv_poll_start(&c->poll, UV_READABLE, on_readable);
        }
        if (c->paused_until)
            wake_by(s, c->paused_until);
    }
    if (s->accept_again && s->accept_again <= now) {
        s->accept_again = 0;
        uv_poll_start(s->listener, UV_READABLE, on_connection);
    }
    if (s->accept_again)
        wake_by(s, s->accept_again);
}

/* Closes those that have said nothing for too long. */
static uint64_t on_silence(void *arg, uint64_t now)
{
    struct worker_socket *s = arg;
    struct worker_connection *c, *next;
    uint64_t first = 0;
    for (c = TAILQ_FIRST(&s->list); c; c = next) {
        next = TAILQ_NEXT(c, next);
        if (c->welcome || c->broken)
            continue;
        if (c->hello_by <= now)
            worker_socket_hang_up(c);
        else if (!first || c->hello_by < first)
            first = c->hello_by;
    }
    return first;
}

/* ---- out ---- */

/* The kernel's buffer is the queue: a worker that lets it run full does not read. */
static bool send_line(int fd, const struct message_line *line)
{
    return send(fd, line->text, line->len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)line->len;
}

int worker_socket_send(struct worker_connection *c, struct message_line *line)
{
    if (!message_end(line))
        return -EMSGSIZE;
    if (c->closed || c->broken)
        return -EPIPE;
    if (send_line(c->fd, line))
        return 0;
    c->broken = true; /* `lost` is not called from inside a call */
    shutdown(c->fd, SHUT_RDWR);
    return -EPIPE;
}

static void refuse(int fd, const char *why)
{
    struct message_line line;
    message_begin(&line, MESSAGE_REFUSED);
    message_arg(&line, why);
    if (message_end(&line))
        send_line(fd, &line); /* it is closed now, whether this arrives or not */
}

/* ---- in ---- */

static const char *welcome(struct worker_connection *c, const struct message *m)
{
    struct worker_socket *s = c->s;
    struct message_line line;
    const char *wrong = "is not to be said before hello";
    if (m->kind == MESSAGE_HELLO && strcmp(m->args[0], "1") != 0)
        wrong = "is in a version of the protocol that is not ours";
    else if (m->kind == MESSAGE_HELLO)
        wrong = s->cfg.hello(s->cfg.arg, c->whose, c, m);
    if (wrong) {
        refuse(c->fd, wrong);
        return wrong;
    }
    c->welcome = true;
    message_begin(&line, MESSAGE_WELCOME);
    worker_socket_send(c, &line);
    return NULL;
}

/* Returns NULL, or what is wrong with the line. */
static const char *take_line(struct worker_connection *c, char *line, size_t len)
{
    struct worker_socket *s = c->s;
    struct message m;
    const char *wrong = message_parse(line, len, &m);
    if (wrong)
        return wrong;
    return c->welcome ? s->cfg.message(s->cfg.arg, c->whose, &m) : welcome(c, &m);
}

/* Keeps the beginning of a line until the rest comes. */
static void keep_rest(struct worker_connection *c, struct message_reader *r)
{
    bool rest = r->len > r->taken;
    if (rest && !c->reader) {
        c->reader = xcalloc(1, sizeof *c->reader);
        c->reader->len = r->len - r->taken;
        memcpy(c->reader->data, r->data + r->taken, c->reader->len);
    } else if (!rest) {
        free(c->reader);
        c->reader = NULL;
    }
}

static void pause_reading(struct worker_connection *c, unsigned n_lines)
{
    uint64_t now = uv_now(c->s->cfg.loop);
    unsigned pause = read_pacing_read(&c->pace, now * 1000, n_lines + 1, 0, 0);
    if (pause < 1000) /* shorter than the loop's clock knows: longer ones only come from a flood */
        return;
    uv_poll_stop(&c->poll);
    c->paused_until = now + pause / 1000;
    wake_by(c->s, c->paused_until);
}

/* Reads once in a turn of the loop, so that the others get their turn. */
static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct worker_connection *c = poll->data;
    struct message_reader *r = c->reader ? c->reader : &c->s->scratch;
    const char *wrong = NULL;
    unsigned n_lines = 0;
    size_t size, len;
    char *line;
    (void)status, (void)events;

    if (!c->reader)
        r->len = r->taken = 0;
    char *room = message_room(r, &size);
    ssize_t n = recv(c->fd, room, size, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (c->broken) {
        lose(c, "does not read what it is sent");
        return;
    }
    if (n <= 0) {
        lose(c, NULL);
        return;
    }
    message_fed(r, (size_t)n);
    for (; !wrong && !c->closed && (line = message_next(r, &len)); n_lines++)
        wrong = take_line(c, line, len);
    if (c->closed)
        return;
    message_room(r, &size);
    if (wrong || size == 0) {
        char text[128];
        snprintf(text, sizeof text, "said something that %s", wrong ? wrong : "is too long");
        lose(c, text);
        return;
    }
    keep_rest(c, r);
    pause_reading(c, n_lines);
}

/* ---- new connections ---- */

static bool too_many(const struct worker_socket *s, const void *whose)
{
    unsigned silent = 0;
    struct worker_connection *c;
    TAILQ_FOREACH (c, &s->list, next)
        silent += c->whose == whose && !c->welcome;
    return silent >= SOCKET_SILENT_MAX;
}

static void greet(struct worker_socket *s, int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    int buffer = SEND_BUFFER;
    void *whose = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len)
                      ? NULL
                      : s->cfg.whose(s->cfg.arg, peer.pid, peer.uid);
    if (!whose || too_many(s, whose)) {
        refuse(fd, whose ? "too many connections" : "no worker of ours");
        close(fd);
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    struct worker_connection *c = xcalloc(1, sizeof *c);
    c->s = s;
    c->whose = whose;
    c->fd = fd;
    c->hello_by = patience_now(&s->patience) + s->cfg.hello_within;
    c->poll.data = c;
    if (uv_poll_init(s->cfg.loop, &c->poll, fd)) {
        close(fd);
        free(c);
        return;
    }
    s->handles++;
    TAILQ_INSERT_TAIL(&s->list, c, next);
    uv_poll_start(&c->poll, UV_READABLE, on_readable);
    patience_until(&s->patience, c->hello_by);
}

/* Accepts only some in a turn: a flood of connections must not keep us from other work. */
static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct worker_socket *s = poll->data;
    (void)status, (void)events;
    for (int i = 0; i < ACCEPTS; i++) {
        int fd = accept4(s->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            greet(s, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            log_error("workers cannot connect: %s", strerror(errno));
            uv_poll_stop(poll);
            s->accept_again = uv_now(s->cfg.loop) + ACCEPT_PAUSE;
            wake_by(s, s->accept_again);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

/* ---- */

static void on_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static void on_patience_closed(void *arg)
{
    release(arg);
}

static void on_listener_closed(uv_handle_t *handle)
{
    release(handle->data);
    free(handle);
}

static void stop_listening(struct worker_socket *s)
{
    uv_close((uv_handle_t *)s->listener, on_listener_closed);
    close(s->listening);
}

static void start_listening(struct worker_socket *s, int listening)
{
    s->listening = listening;
    s->listener = xcalloc(1, sizeof *s->listener);
    s->listener->data = s;
    int error = uv_poll_init(s->cfg.loop, s->listener, listening);
    if (error) { /* only want of memory can do this to a socket */
        log_error("cannot wait for workers: %s", uv_strerror(error));
        abort();
    }
    s->handles++;
    s->accept_again = 0;
    uv_poll_start(s->listener, UV_READABLE, on_connection);
}

void worker_socket_listen(struct worker_socket *s, int listening)
{
    stop_listening(s);
    start_listening(s, listening);
}

struct worker_socket *worker_socket_new(const struct worker_socket_config *config, int listening)
{
    struct worker_socket *s = xcalloc(1, sizeof *s);
    s->cfg = *config;
    TAILQ_INIT(&s->list);
    uv_timer_init(config->loop, &s->timer);
    s->timer.data = s;
    patience_open(&s->patience, config->loop, on_silence, s);
    s->handles = 2;
    start_listening(s, listening);
    return s;
}

void worker_socket_close(struct worker_socket *s)
{
    struct worker_connection *c;
    s->closed = true;
    while ((c = TAILQ_FIRST(&s->list)))
        worker_socket_hang_up(c);
    patience_close(&s->patience, on_patience_closed);
    uv_close((uv_handle_t *)&s->timer, on_closed);
    stop_listening(s);
}
