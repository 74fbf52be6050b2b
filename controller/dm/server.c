/* SPDX-License-Identifier: MIT */
#include "controller/dm/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "schemas/mem.h"

enum { CLIENTS_MAX = 16, BACKLOG = 8 };

struct listener {
    uv_pipe_t pipe;
    struct dm_server *server;
    size_t index; /* the socket's index in the options */
    bool open;
};

struct dm_server {
    struct dm_server_config cfg;
    struct listener listeners[DM_SOCKETS_MAX];
    unsigned n_clients, n_open; /* clients that are connected; handles of libuv that are not closed yet */
    struct client *clients;
    bool closing;
};

struct client {
    uv_pipe_t pipe;
    struct dm_server *server;
    struct client *next;
    size_t index;
    struct qmp_session session;
    bool closing;
    char data[4096];
};

struct sending {
    uv_write_t request;
    char *text;
    bool last; /* the connection is closed when it is written */
};

static void handle_closed(struct dm_server *s)
{
    if (--s->n_open == 0 && s->closing)
        free(s);
}

/* ---- clients ---- */

static void on_client_closed(uv_handle_t *handle)
{
    struct client *c = handle->data;
    struct dm_server *s = c->server;
    qmp_session_finish(&c->session);
    free(c);
    handle_closed(s);
}

static void hang_up(struct client *c)
{
    struct dm_server *s = c->server;
    if (c->closing)
        return;
    c->closing = true;
    s->n_clients--;
    s->cfg.machine->clients[c->index]--;
    for (struct client **at = &s->clients; *at; at = &(*at)->next)
        if (*at == c) {
            *at = c->next;
            break;
        }
    uv_close((uv_handle_t *)&c->pipe, on_client_closed);
}

static void on_sent(uv_write_t *request, int status)
{
    struct sending *w = request->data;
    struct client *c = request->handle->data;
    bool last = w->last;
    free(w->text);
    free(w);
    if (status || last)
        hang_up(c);
}

/* Sends `text`, which it takes over. A client that does not read gets no more than the socket holds. */
static void send_text(struct client *c, char *text, bool last)
{
    struct sending *w = xcalloc(1, sizeof *w);
    uv_buf_t buf = uv_buf_init(text, (unsigned)strlen(text));
    w->request.data = w;
    w->text = text;
    w->last = last;
    if (c->pipe.write_queue_size > QMP_MESSAGE_MAX ||
        uv_write(&w->request, (uv_stream_t *)&c->pipe, &buf, 1, on_sent)) {
        free(text);
        free(w);
        hang_up(c);
    } else if (last) {
        uv_read_stop((uv_stream_t *)&c->pipe);
    }
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct client *c = handle->data;
    (void)suggested;
    *buf = uv_buf_init(c->data, sizeof c->data);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct client *c = stream->data;
    struct dm_server *s = c->server;
    bool broken = false;
    char *answer;
    if (n < 0) {
        hang_up(c);
        return;
    }
    for (size_t at = 0; at < (size_t)n && !broken && !c->closing && !s->cfg.machine->quit;) {
        at += qmp_feed(&c->session, buf->base + at, (size_t)n - at, &answer, &broken);
        if (answer)
            send_text(c, answer, broken);
    }
    s->cfg.changed(s->cfg.arg);
}

static struct client *add_client(struct listener *l)
{
    struct dm_server *s = l->server;
    struct client *c = xcalloc(1, sizeof *c);
    c->server = s;
    c->index = l->index;
    c->next = s->clients;
    s->clients = c;
    qmp_session_init(&c->session, s->cfg.machine);
    uv_pipe_init(s->cfg.loop, &c->pipe, 0);
    c->pipe.data = c;
    s->n_open++;
    s->n_clients++;
    s->cfg.machine->clients[c->index]++;
    return c;
}

/* A client too many is accepted and closed: left waiting, it would wake us for ever. */
static void on_connection(uv_stream_t *stream, int status)
{
    struct listener *l = stream->data;
    if (status)
        return;
    struct client *c = add_client(l);
    if (uv_accept(stream, (uv_stream_t *)&c->pipe) || l->server->n_clients > CLIENTS_MAX ||
        uv_read_start((uv_stream_t *)&c->pipe, on_room, on_read)) {
        hang_up(c);
        return;
    }
    send_text(c, qmp_greeting(), false);
}

/* ---- sockets ---- */

/* Refuses a path that is too long: it would be cut, and another one bound. A socket that was left there is
 * removed. */
static int bind_path(uv_pipe_t *pipe, const char *path)
{
    struct sockaddr_un address;
    struct stat st;
    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
        unlink(path);
    mode_t before = umask(077);
    int error = uv_pipe_bind(pipe, path);
    umask(before);
    return error;
}

static int listen_at(struct dm_server *s, size_t index)
{
    const struct dm_socket *socket = &s->cfg.machine->options->sockets[index];
    struct listener *l = &s->listeners[index];
    l->server = s;
    l->index = index;
    uv_pipe_init(s->cfg.loop, &l->pipe, 0);
    l->pipe.data = l;
    l->open = true;
    s->n_open++;
    int error = socket->path ? bind_path(&l->pipe, socket->path) : uv_pipe_open(&l->pipe, socket->fd);
    return error ? error : uv_listen((uv_stream_t *)&l->pipe, BACKLOG, on_connection);
}

int dm_server_new(const struct dm_server_config *config, struct dm_server **ret_server,
                  const struct dm_socket **ret_at)
{
    const struct dm_options *o = config->machine->options;
    struct dm_server *s = xcalloc(1, sizeof *s);
    s->cfg = *config;
    s->n_open = 1; /* held by the caller until it is returned or closed */
    for (size_t i = 0; i < o->n_sockets; i++) {
        int error = o->sockets[i].control ? listen_at(s, i) : 0;
        if (error) {
            *ret_at = &o->sockets[i];
            dm_server_close(s);
            return error;
        }
    }
    *ret_server = s;
    return 0;
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct listener *l = handle->data;
    handle_closed(l->server);
}

void dm_server_close(struct dm_server *s)
{
    s->closing = true;
    for (size_t i = 0; i < DM_SOCKETS_MAX; i++)
        if (s->listeners[i].open)
            uv_close((uv_handle_t *)&s->listeners[i].pipe,
                     on_listener_closed); /* this removes its path, too */
    for (struct client *c = s->clients, *next; c; c = next) {
        next = c->next;
        hang_up(c);
    }
    handle_closed(s);
}
