/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/link.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "reconcilers/block/say.h"
#include "schemas/mem.h"

enum {
    RETRY_MS = 200,
    LAST_WORDS_MS = 1000, /* for the controller to answer to them */
};

/* One connection; freed when its handle is closed. */
struct connection {
    struct link *link;
    uv_poll_t poll;
    int fd;
    struct message_reader reader;
};

struct link {
    struct link_config config;
    struct connection *now; /* NULL: not connected */
    uv_timer_t retry;
    bool told; /* that the controller cannot be reached; once, until it can */
};

static const struct link *only; /* there is one: whose last words they would be */

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* The timer runs only while there is no connection. */
static void on_retry(uv_timer_t *timer);

static void drop(struct link *l)
{
    struct connection *c = l->now;
    if (!c)
        return;
    l->now = NULL;
    uv_poll_stop(&c->poll);
    close(c->fd);
    uv_close((uv_handle_t *)&c->poll, on_closed);
}

static void lost(struct link *l, const char *why)
{
    if (!l->told)
        say("the controller is out of reach (%s): going on without", why);
    l->told = true;
    drop(l);
    uv_timer_start(&l->retry, on_retry, RETRY_MS, 0);
}

/* ---- sending ---- */

void link_send(struct link *l, struct message_line *m)
{
    if (!message_end(m)) {
        say("a message to the controller does not fit a line");
        return;
    }
    if (!l->now)
        return;
    ssize_t n = send(l->now->fd, m->text, m->len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 || (size_t)n != m->len)
        lost(l, n < 0 ? strerror(errno) : "it does not read");
}

static void make_hello(const struct link *l, struct message_line *m)
{
    message_begin(m, MESSAGE_HELLO);
    message_arg(m, "1");
    message_arg(m, l->config.device);
    message_arg(m, l->config.token);
}

static void say_hello(struct link *l)
{
    struct message_line m;
    make_hello(l, &m);
    link_send(l, &m);
}

/* ---- receiving ---- */

/* A message may drop the connection: `c` is alive until the loop turns, but no longer the link's. */
static void take_lines(struct connection *c)
{
    struct link *l = c->link;
    struct message m;
    size_t len;
    char *line;
    while (l->now == c && (line = message_next(&c->reader, &len))) {
        const char *wrong = message_parse(line, len, &m);
        if (wrong) {
            lost(l, wrong);
            return;
        }
        l->told = false;
        l->config.message(l->config.arg, &m);
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct connection *c = poll->data;
    size_t size;
    char *room = message_room(&c->reader, &size);
    (void)events;
    if (status < 0 || size == 0) {
        lost(c->link, status < 0 ? uv_strerror(status) : "its line is too long");
        return;
    }
    ssize_t n = recv(c->fd, room, size, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        lost(c->link, n < 0 ? strerror(errno) : "it is gone");
        return;
    }
    message_fed(&c->reader, (size_t)n);
    take_lines(c);
}

/* ---- connecting ---- */

/* A descriptor, or a negative errno. */
static int dial(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len >= sizeof to.sun_path)
        return -ENAMETOOLONG;
    memcpy(to.sun_path, path, len + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    int error = -errno;
    close(fd);
    return error;
}

static void on_retry(uv_timer_t *timer)
{
    struct link *l = timer->data;
    int fd = dial(l->config.path);
    if (fd < 0) {
        lost(l, strerror(-fd));
        return;
    }
    struct connection *c = xcalloc(1, sizeof *c);
    c->link = l;
    c->fd = fd;
    uv_poll_init(l->config.loop, &c->poll, fd);
    c->poll.data = c;
    l->now = c;
    uv_poll_start(&c->poll, UV_READABLE, on_readable);
    say_hello(l);
}

/* ---- last words ---- */

/* Both lines at once: the answer to the first means that the second is there, too. Static, for what stack
 * there is left in a handler is not known. */
void link_last_words(const char *text)
{
    static struct message_line hello, error;
    int fd = only ? dial(only->config.path) : -1;
    if (fd < 0)
        return;
    make_hello(only, &hello);
    message_begin(&error, MESSAGE_ERROR);
    message_arg(&error, text);
    if (!message_end(&hello) || !message_end(&error) || error.len > sizeof hello.text - hello.len)
        return;
    memcpy(hello.text + hello.len, error.text, error.len);
    struct pollfd answer = {.fd = fd, .events = POLLIN};
    if (send(fd, hello.text, hello.len + error.len, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
        poll(&answer, 1, LAST_WORDS_MS);
}

/* ---- life ---- */

struct link *link_new(const struct link_config *config)
{
    struct link *l = xcalloc(1, sizeof *l);
    l->config = *config;
    only = l;
    uv_timer_init(config->loop, &l->retry);
    l->retry.data = l;
    uv_timer_start(&l->retry, on_retry, 0, 0);
    return l;
}

void link_free(struct link *l)
{
    if (!l)
        return;
    only = NULL;
    drop(l);
    uv_close((uv_handle_t *)&l->retry, on_closed);
}
