/* SPDX-License-Identifier: MIT */
#include "controller/processes/worker_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "controller/base/log.h"
#include "controller/base/read_pacing.h"
#include "schemas/mem.h"

enum {
    ACCEPTS = 16,          /* connections in one turn of the loop */
    ACCEPT_PAUSE = 1000,   /* milliseconds, when we have no descriptors left */
    SEND_BUFFER = 1 << 16, /* what a worker may leave unread: several of the longest lines */
};

struct worker_link {
    TAILQ_ENTRY(worker_link) next;
    struct worker_links *links;
    void *whose;
    uv_poll_t poll;
    int fd;
    bool welcome, broken, closed;
    uint64_t hello_by;             /* not welcome yet: closed then */
    uint64_t paused_until;         /* 0: it is read from */
    struct message_reader *reader; /* with the beginning of a line in it, or NULL */
    struct pace pace;
};

TAILQ_HEAD(link_list, worker_link);

struct worker_links {
    struct worker_links_config cfg;
    struct link_list list;
    int listening;
    uv_poll_t listener;
    uv_timer_t timer;
    uint64_t wake_at;              /* of the timer; 0: it is not set */
    uint64_t accept_again;         /* 0: we do */
    struct message_reader scratch; /* of whom we read from */
    unsigned handles;              /* that are still to be closed, the connections' included */
    bool closed;
};

/* ---- the end of a connection ---- */

static void release(struct worker_links *links)
{
    if (--links->handles == 0 && links->closed)
        free(links);
}

static void on_link_closed(uv_handle_t *handle)
{
    struct worker_link *l = handle->data;
    release(l->links);
    free(l->reader);
    free(l);
}

void worker_link_close(struct worker_link *l)
{
    if (l->closed)
        return;
    l->closed = true;
    TAILQ_REMOVE(&l->links->list, l, next);
    uv_close((uv_handle_t *)&l->poll, on_link_closed);
    close(l->fd);
}

/* Closes it by its own fault, or because it left. */
static void lose(struct worker_link *l, const char *wrong)
{
    struct worker_links *links = l->links;
    bool welcome = l->welcome;
    void *whose = l->whose;
    worker_link_close(l);
    if (welcome)
        links->cfg.lost(links->cfg.arg, whose, wrong);
}

void worker_links_forget(struct worker_links *links, const void *whose)
{
    struct worker_link *l, *next;
    for (l = TAILQ_FIRST(&links->list); l; l = next) {
        next = TAILQ_NEXT(l, next);
        if (l->whose == whose)
            worker_link_close(l);
    }
}

/* ---- one timer for all that waits ---- */

static void on_timer(uv_timer_t *timer);
static void on_readable(uv_poll_t *poll, int status, int events);
static void on_connection(uv_poll_t *poll, int status, int events);

static void wake_by(struct worker_links *links, uint64_t at)
{
    uint64_t now = uv_now(links->cfg.loop);
    if (links->closed || (links->wake_at && links->wake_at <= at))
        return;
    links->wake_at = at;
    uv_timer_start(&links->timer, on_timer, at > now ? at - now : 0, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct worker_links *links = timer->data;
    struct worker_link *l, *next;
    uint64_t now = uv_now(links->cfg.loop);
    links->wake_at = 0;
    for (l = TAILQ_FIRST(&links->list); l; l = next) {
        next = TAILQ_NEXT(l, next);
        if (!l->welcome && !l->broken && l->hello_by <= now) {
            worker_link_close(l);
            continue;
        }
        if (l->paused_until && l->paused_until <= now) {
            l->paused_until = 0;
            uv_poll_start(&l->poll, UV_READABLE, on_readable);
        }
        if (!l->welcome)
            wake_by(links, l->hello_by);
        if (l->paused_until)
            wake_by(links, l->paused_until);
    }
    if (links->accept_again && links->accept_again <= now) {
        links->accept_again = 0;
        uv_poll_start(&links->listener, UV_READABLE, on_connection);
    }
    if (links->accept_again)
        wake_by(links, links->accept_again);
}

/* ---- out ---- */

/* The kernel's buffer is the queue: whoever lets it run full does not read. */
static bool send_line(int fd, const struct message_line *line)
{
    return send(fd, line->text, line->len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)line->len;
}

int worker_link_send(struct worker_link *l, struct message_line *line)
{
    if (!message_end(line))
        return -EMSGSIZE;
    if (l->closed || l->broken)
        return -EPIPE;
    if (send_line(l->fd, line))
        return 0;
    l->broken = true; /* `lost` is not called from inside a call */
    shutdown(l->fd, SHUT_RDWR);
    return -EPIPE;
}

static void refuse(int fd, const char *why)
{
    struct message_line line;
    message_begin(&line, MESSAGE_REFUSED);
    message_arg(&line, why);
    if (message_end(&line))
        send_line(fd, &line); /* or not: it is closed now */
}

/* ---- in ---- */

static const char *welcome(struct worker_link *l, const struct message *m)
{
    struct worker_links *links = l->links;
    struct message_line line;
    const char *wrong = "is not to be said before hello";
    if (m->kind == MESSAGE_HELLO && strcmp(m->args[0], "1") != 0)
        wrong = "is in a version of the protocol that is not ours";
    else if (m->kind == MESSAGE_HELLO)
        wrong = links->cfg.hello(links->cfg.arg, l->whose, l, m);
    if (wrong) {
        refuse(l->fd, wrong);
        return wrong;
    }
    l->welcome = true;
    message_begin(&line, MESSAGE_WELCOME);
    worker_link_send(l, &line);
    return NULL;
}

/* NULL, or what is wrong. */
static const char *take_line(struct worker_link *l, char *line, size_t len)
{
    struct worker_links *links = l->links;
    struct message m;
    const char *wrong = message_parse(line, len, &m);
    if (wrong)
        return wrong;
    return l->welcome ? links->cfg.message(links->cfg.arg, l->whose, &m) : welcome(l, &m);
}

/* What begins a line is kept until the rest comes. */
static void keep_rest(struct worker_link *l, struct message_reader *r)
{
    bool rest = r->len > r->taken;
    if (rest && !l->reader) {
        l->reader = xcalloc(1, sizeof *l->reader);
        l->reader->len = r->len - r->taken;
        memcpy(l->reader->data, r->data + r->taken, l->reader->len);
    } else if (!rest) {
        free(l->reader);
        l->reader = NULL;
    }
}

static void pause_reading(struct worker_link *l, unsigned n_lines)
{
    uint64_t now = uv_now(l->links->cfg.loop);
    unsigned pause = pace_read(&l->pace, now * 1000, n_lines + 1, 0, 0);
    if (pause < 1000) /* less than the loop's clock knows: only a flood gets there */
        return;
    uv_poll_stop(&l->poll);
    l->paused_until = now + pause / 1000;
    wake_by(l->links, l->paused_until);
}

/* One read in a turn: nobody keeps us from the others. */
static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct worker_link *l = poll->data;
    struct message_reader *r = l->reader ? l->reader : &l->links->scratch;
    const char *wrong = NULL;
    unsigned n_lines = 0;
    size_t size, len;
    char *line;
    (void)status, (void)events;

    if (!l->reader)
        r->len = r->taken = 0;
    char *room = message_room(r, &size);
    ssize_t n = recv(l->fd, room, size, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (l->broken) {
        lose(l, "does not read what it is sent");
        return;
    }
    if (n <= 0) {
        lose(l, NULL);
        return;
    }
    message_fed(r, (size_t)n);
    for (; !wrong && !l->closed && (line = message_next(r, &len)); n_lines++)
        wrong = take_line(l, line, len);
    if (l->closed)
        return;
    message_room(r, &size);
    if (wrong || size == 0) {
        char text[128];
        snprintf(text, sizeof text, "said something that %s", wrong ? wrong : "is too long");
        lose(l, text);
        return;
    }
    keep_rest(l, r);
    pause_reading(l, n_lines);
}

/* ---- new connections ---- */

static bool too_many(const struct worker_links *links, const void *whose)
{
    unsigned silent = 0;
    struct worker_link *l;
    TAILQ_FOREACH (l, &links->list, next)
        silent += l->whose == whose && !l->welcome;
    return silent >= LINKS_SILENT_MAX;
}

static void greet(struct worker_links *links, int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    int buffer = SEND_BUFFER;
    void *whose = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len)
                      ? NULL
                      : links->cfg.whose(links->cfg.arg, peer.pid, peer.uid);
    if (!whose || too_many(links, whose)) {
        refuse(fd, whose ? "too many connections" : "no worker of ours");
        close(fd);
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    struct worker_link *l = xcalloc(1, sizeof *l);
    l->links = links;
    l->whose = whose;
    l->fd = fd;
    l->hello_by = uv_now(links->cfg.loop) + links->cfg.hello_within;
    l->poll.data = l;
    if (uv_poll_init(links->cfg.loop, &l->poll, fd)) {
        close(fd);
        free(l);
        return;
    }
    links->handles++;
    TAILQ_INSERT_TAIL(&links->list, l, next);
    uv_poll_start(&l->poll, UV_READABLE, on_readable);
    wake_by(links, l->hello_by);
}

/* A flood of them must not keep us from what else there is to do. */
static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct worker_links *links = poll->data;
    (void)status, (void)events;
    for (int i = 0; i < ACCEPTS; i++) {
        int fd = accept4(links->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            greet(links, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            log_error("workers cannot connect: %s", strerror(errno));
            uv_poll_stop(poll);
            links->accept_again = uv_now(links->cfg.loop) + ACCEPT_PAUSE;
            wake_by(links, links->accept_again);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

/* ---- */

struct worker_links *worker_links_new(const struct worker_links_config *config, int listening)
{
    struct worker_links *links = xcalloc(1, sizeof *links);
    links->cfg = *config;
    links->listening = listening;
    TAILQ_INIT(&links->list);
    uv_timer_init(config->loop, &links->timer);
    int error = uv_poll_init(config->loop, &links->listener, listening);
    if (error) { /* a socket can always be polled, but for want of memory */
        log_error("cannot wait for workers: %s", uv_strerror(error));
        abort();
    }
    links->timer.data = links->listener.data = links;
    links->handles = 2;
    uv_poll_start(&links->listener, UV_READABLE, on_connection);
    return links;
}

static void on_closed(uv_handle_t *handle)
{
    release(handle->data);
}

void worker_links_close(struct worker_links *links)
{
    struct worker_link *l;
    links->closed = true;
    while ((l = TAILQ_FIRST(&links->list)))
        worker_link_close(l);
    uv_close((uv_handle_t *)&links->timer, on_closed);
    uv_close((uv_handle_t *)&links->listener, on_closed);
    close(links->listening);
}
