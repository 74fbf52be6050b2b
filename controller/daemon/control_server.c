/* SPDX-License-Identifier: MIT */
#include "controller/daemon/control_server.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "controller/base/queue.h"
#include "controller/base/run_dir.h"
#include "schemas/json.h"
#include "schemas/mem.h"

enum {
    CHUNK = 16 * 1024, /* an answer is made in pieces of so many bytes, and up to a line more */
    CHECK = 1000,      /* milliseconds between checks for slow clients */
    BACKLOG = 128,     /* connections that wait to be accepted */
};

/* A client is in one of these:
 *
 *   reading (a request) -> answering (a chunk is being written) -> ... -> reading
 *                     \-> closed, from either */
struct control_peer {
    LIST_ENTRY(control_peer) next;
    struct control_server *c;
    bool reader;
    uv_pipe_t pipe;
    uv_write_t write;
    uint64_t moved; /* when bytes were read or written last */
    bool closed;
    char *request; /* what was read of the next requests, so many bytes */
    size_t n, cap;
    bool answering;
    bool writing; /* a write was given to libuv, and on_written() is still to be called */
    struct control_answer answer;
    char *chunk;
    size_t n_chunk, cap_chunk;
};

struct entrance {
    uv_pipe_t pipe;
    struct control_server *c;
    bool readers;
};

struct control_server {
    struct control_server_config cfg;
    struct entrance *entrances[2]; /* ours, and the readers'; NULL: it does not listen there */
    uv_timer_t timer;
    LIST_HEAD(clients, control_peer) clients;
    unsigned n_clients, n_readers, handles;
    bool closed;
};

/* ---- the end of a client ---- */

static void end_answer(struct control_peer *k)
{
    if (k->answering && k->answer.end)
        k->answer.end(k->answer.state);
    k->answering = false;
}

static void release(struct control_server *c)
{
    if (--c->handles == 0 && c->closed)
        free(c);
}

static void on_client_closed(uv_handle_t *handle)
{
    struct control_peer *k = handle->data;
    struct control_server *c = k->c;
    free(k->request);
    free(k->chunk);
    free(k);
    release(c);
}

static void drop(struct control_peer *k)
{
    if (k->closed)
        return;
    k->closed = true;
    end_answer(k);
    LIST_REMOVE(k, next);
    k->c->n_readers -= k->reader;
    if (--k->c->n_clients == 0)
        uv_timer_stop(&k->c->timer);
    uv_close((uv_handle_t *)&k->pipe, on_client_closed);
}

static void on_timer(uv_timer_t *timer)
{
    struct control_server *c = timer->data;
    struct control_peer *k, *next;
    unsigned patience = c->cfg.patience ? c->cfg.patience : CONTROL_PATIENCE;
    for (k = LIST_FIRST(&c->clients); k; k = next) {
        next = LIST_NEXT(k, next);
        if (uv_now(c->cfg.loop) - k->moved > patience)
            drop(k);
    }
}

/* ---- answers ---- */

static void put_line(struct control_peer *k, json_t *line)
{
    char *text = jline(line);
    size_t len = strlen(text);
    xgrow(&k->chunk, &k->cap_chunk, k->n_chunk + len + 1, 1);
    memcpy(k->chunk + k->n_chunk, text, len);
    k->chunk[k->n_chunk + len] = '\n';
    k->n_chunk += len + 1;
    free(text);
    json_decref(line);
}

static void next_request(struct control_peer *k);
static void send_chunk(struct control_peer *k);

static void on_written(uv_write_t *write, int status)
{
    struct control_peer *k = write->data;
    k->writing = false;
    if (k->closed)
        return;
    k->moved = uv_now(k->c->cfg.loop);
    if (status)
        drop(k);
    else if (k->answering)
        send_chunk(k);
    else
        next_request(k);
}

static void send_chunk(struct control_peer *k)
{
    k->n_chunk = 0;
    while (k->answering && k->n_chunk < CHUNK) {
        json_t *line = k->answer.next(k->answer.state);
        if (line) {
            bool last = json_object_get(line, "error") != NULL;
            put_line(k, line);
            if (last)
                end_answer(k);
        } else {
            end_answer(k);
            line = jobject();
            jput(line, "end", json_true());
            put_line(k, line);
        }
    }
    uv_buf_t buf = uv_buf_init(k->chunk, (unsigned)k->n_chunk);
    k->write.data = k;
    k->writing = true;
    if (uv_write(&k->write, (uv_stream_t *)&k->pipe, &buf, 1, on_written))
        drop(k);
}

static json_t *next_error(void *state)
{
    json_t *error = state, *line = jobject();
    json_object_set(line, "error", error);
    return line;
}

static void end_error(void *state)
{
    json_decref(state);
}

struct control_answer control_server_error(const char *code, const char *format, ...)
{
    char text[512];
    va_list ap;
    json_t *error = jobject();
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    jput(error, "code", jtext(code));
    jput(error, "message", jtext(text));
    return (struct control_answer){next_error, end_error, error};
}

/* ---- requests ---- */

static struct control_answer answer(const struct control_peer *k, const char *text, size_t len)
{
    const struct control_server *c = k->c;
    json_error_t why;
    json_t *request = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    struct control_answer a;
    if (!json_is_object(request))
        a = control_server_error("bad-request", "a request is a line with one JSON object");
    else if (jget_int(request, "protocol", -1) != CONTROL_PROTOCOL)
        a = control_server_error("protocol", "this is xenrecon %s, which speaks protocol %d",
                                 XENRECON_VERSION, CONTROL_PROTOCOL);
    else if (!jget_text(request, "request"))
        a = control_server_error("bad-request", "what is asked for? There is no `request`");
    else
        a = c->cfg.ask(c->cfg.arg, request, k->reader);
    json_decref(request);
    return a;
}

/* Answers the first line of what was read, if there is one and no answer is under way. */
static void next_request(struct control_peer *k)
{
    char *newline = k->n && !k->answering && !k->writing ? memchr(k->request, '\n', k->n) : NULL;
    if (!newline)
        return;
    size_t len = (size_t)(newline - k->request);
    k->answer = answer(k, k->request, len);
    k->answering = true;
    k->n -= len + 1;
    memmove(k->request, newline + 1, k->n);
    send_chunk(k);
}

static void on_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct control_peer *k = handle->data;
    (void)suggested;
    xgrow(&k->request, &k->cap, k->n + 512 < CONTROL_REQUEST_MAX ? k->n + 512 : CONTROL_REQUEST_MAX, 1);
    size_t room = (k->cap < CONTROL_REQUEST_MAX ? k->cap : CONTROL_REQUEST_MAX) - k->n;
    *buf = uv_buf_init(k->request + k->n, (unsigned)room);
}

/* A client that fills the buffer before its first request was answered breaks the protocol. */
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct control_peer *k = stream->data;
    (void)buf;
    if (n == 0)
        return;
    if (n < 0) {
        drop(k);
        return;
    }
    k->moved = uv_now(k->c->cfg.loop);
    k->n += (size_t)n;
    next_request(k);
    if (!k->closed && k->n >= CONTROL_REQUEST_MAX)
        drop(k);
}

/* ---- clients ---- */

/* The mode of their socket lets in those readers who may. */
static bool trusted(struct control_peer *k)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    int fd;
    return k->reader || (!uv_fileno((uv_handle_t *)&k->pipe, &fd) &&
                         !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) &&
                         (peer.uid == 0 || peer.uid == geteuid()));
}

static bool too_many(const struct control_server *c)
{
    return c->n_clients > CONTROL_CLIENTS_MAX || c->n_readers > CONTROL_READERS_MAX;
}

static void on_connection(uv_stream_t *listener, int status)
{
    const struct entrance *e = listener->data;
    struct control_server *c = e->c;
    if (status)
        return;
    struct control_peer *k = xcalloc(1, sizeof *k);
    k->c = c;
    k->reader = e->readers;
    k->moved = uv_now(c->cfg.loop);
    uv_pipe_init(c->cfg.loop, &k->pipe, 0);
    k->pipe.data = k;
    c->handles++;
    LIST_INSERT_HEAD(&c->clients, k, next);
    c->n_readers += k->reader;
    if (++c->n_clients == 1)
        uv_timer_start(&c->timer, on_timer, CHECK, CHECK);
    if (uv_accept(listener, (uv_stream_t *)&k->pipe) || too_many(c) || !trusted(k) ||
        uv_read_start((uv_stream_t *)&k->pipe, on_buffer, on_read))
        drop(k);
}

/* ---- the socket ---- */

struct control_server *control_server_new(const struct control_server_config *config)
{
    struct control_server *c = xcalloc(1, sizeof *c);
    c->cfg = *config;
    LIST_INIT(&c->clients);
    uv_timer_init(config->loop, &c->timer);
    c->timer.data = c;
    c->handles = 1;
    return c;
}

/* Does another process answer there? */
static bool taken(int directory)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", directory, CONTROL_SOCKET);
    bool answered = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno == EAGAIN;
    close(fd);
    return answered;
}

static const char *name_of(bool readers)
{
    return readers ? CONTROL_READER_SOCKET : CONTROL_SOCKET;
}

static int open_entrance(struct control_server *c, int top, bool readers)
{
    int fd;
    int error = run_dir_bind(top, name_of(readers), readers ? 0660 : 0600,
                             readers ? *c->cfg.readers : (gid_t)-1, &fd);
    if (error)
        return error;
    struct entrance *e = c->entrances[readers] = xcalloc(1, sizeof *e);
    *e = (struct entrance){.c = c, .readers = readers};
    uv_pipe_init(c->cfg.loop, &e->pipe, 0);
    e->pipe.data = e;
    c->handles++;
    error = uv_pipe_open(&e->pipe, fd);
    if (error)
        close(fd);
    else
        error = uv_listen((uv_stream_t *)&e->pipe, BACKLOG, on_connection);
    return error;
}

int control_server_listen(struct control_server *c, bool take)
{
    int top, error;
    if (c->entrances[false])
        return 0;
    error = run_dir_open_top(c->cfg.run_dir, &top);
    if (error)
        return error;
    error = !take && taken(top) ? -EADDRINUSE : open_entrance(c, top, false);
    if (!error && c->cfg.readers)
        error = open_entrance(c, top, true);
    close(top);
    return error;
}

static void on_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static void on_entrance_closed(uv_handle_t *handle)
{
    struct entrance *e = handle->data;
    release(e->c);
    free(e);
}

static void stop_listening(struct control_server *c)
{
    for (unsigned i = 0; i < 2; i++) {
        if (c->entrances[i])
            uv_close((uv_handle_t *)&c->entrances[i]->pipe, on_entrance_closed);
        c->entrances[i] = NULL;
    }
}

int control_server_mend(struct control_server *c)
{
    int top, error;
    bool there = true;
    if (!c->entrances[false])
        return 0;
    error = run_dir_open_top(c->cfg.run_dir, &top);
    if (error)
        return error;
    for (unsigned i = 0; i < 2; i++)
        there = there && (!c->entrances[i] || run_dir_has(top, name_of(i)));
    close(top);
    if (there)
        return 0;
    stop_listening(c);
    error = control_server_listen(c, true);
    return error ? error : 1;
}

/* The socket's file stays: nobody answers there any more, which says as much as if it were gone. */
void control_server_close(struct control_server *c)
{
    struct control_peer *k, *next;
    if (!c)
        return;
    c->closed = true;
    for (k = LIST_FIRST(&c->clients); k; k = next) {
        next = LIST_NEXT(k, next);
        drop(k);
    }
    uv_close((uv_handle_t *)&c->timer, on_closed);
    stop_listening(c);
}
