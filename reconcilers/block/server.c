/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/server.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "reconcilers/block/descriptor.h"
#include "reconcilers/block/images.h"
#include "reconcilers/block/say.h"
#include "reconcilers/block/server_start.h"
#include "schemas/value.h"

enum {
    CLIENTS_MAX = 256, /* a guest's disks */
    IDLE_S = 5,
    LINE = 4096,
};

/* A worker. */
struct client {
    int fd;
    struct image *image; /* NULL: it has not asked yet, or in vain */
    char name[32];       /* of its disk */
};

struct server {
    int listening;
    struct images *images;
    struct client clients[CLIENTS_MAX];
    size_t n;
};

/* Its image goes with it. */
static void drop(struct server *s, size_t i)
{
    struct client *c = &s->clients[i];
    if (c->image)
        images_close(s->images, c->image);
    close(c->fd);
    *c = s->clients[--s->n];
}

/* A line; NULL: it is open, with this descriptor. */
static void answer(const struct client *c, const char *text, int fd)
{
    char line[LINE];
    int n = snprintf(line, sizeof line, "%s\n", text ? text : "open");
    descriptor_send(c->fd, line, (size_t)n, fd);
}

/* A worker that was killed a moment ago may not have been noticed yet; its successor is the one that counts.
 */
static void take_over(struct server *s, const struct client *c)
{
    for (size_t i = s->n; i-- > 0;) {
        struct client *other = &s->clients[i];
        if (other == c || !other->image || strcmp(other->name, c->name) != 0)
            continue;
        images_close(s->images, other->image);
        other->image = NULL;
        shutdown(other->fd, SHUT_RDWR);
    }
}

/* "grow NAME BYTES", of somebody who is no worker; the worker is told, too. */
static void on_grow(struct server *s, const struct client *c, const char *name, const char *size)
{
    char why[256] = "", line[64];
    uint64_t bytes = 0;
    const struct client *worker = NULL;
    for (size_t i = 0; i < s->n; i++)
        if (s->clients[i].image && strcmp(s->clients[i].name, name) == 0)
            worker = &s->clients[i];
    if (!worker || parse_decimal(size, strlen(size), INT64_MAX, &bytes)) {
        answer(c, worker ? "no size" : "this disk has no image open here", -1);
        return;
    }
    if (images_grow(s->images, worker->image, bytes, why)) {
        answer(c, why, -1);
        return;
    }
    snprintf(line, sizeof line, "size %" PRIu64, bytes);
    answer(worker, line, -1);
    answer(c, "grown", -1);
}

/* "open NAME r|w discard|keep direct|cached PARAMS"; "close", or just the end */
static void on_line(struct server *s, struct client *c, char *line)
{
    char why[256] = "", *words[6] = {0}, *save = NULL;
    struct image_options o = {0};
    for (size_t i = 0; i < 5; i++)
        words[i] = strtok_r(i ? NULL : line, " ", &save);
    words[5] = save;
    if (!c->image && words[2] && strcmp(words[0], "grow") == 0) {
        on_grow(s, c, words[1], words[2]);
        return;
    }
    if (c->image || !words[4] || !words[5] || strcmp(words[0], "open") != 0) {
        answer(c, "not a request to open an image", -1);
        return;
    }
    snprintf(c->name, sizeof c->name, "%s", words[1]);
    take_over(s, c);
    o.read_only = *words[2] == 'r';
    o.discard = *words[3] == 'd';
    o.direct = *words[4] == 'd';
    o.params = words[5];
    c->image = images_open(s->images, &o, why);
    int fd = c->image ? image_connect(c->image) : -1;
    if (c->image && fd < 0)
        snprintf(why, sizeof why, "connecting to what has opened it: %s", strerror(-fd));
    answer(c, fd < 0 ? why : NULL, fd);
    if (fd >= 0)
        close(fd);
}

/* False: it is gone. */
static bool on_client(struct server *s, struct client *c)
{
    char line[LINE];
    ssize_t n = recv(c->fd, line, sizeof line - 1, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    char *end = memchr(line, '\n', (size_t)n);
    if (n == 0 || !end) /* they are short, and come at once */
        return false;
    *end = '\0';
    if (strcmp(line, "close") == 0)
        return false;
    on_line(s, c, line);
    return true;
}

static void on_listening(struct server *s)
{
    int fd = accept4(s->listening, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0 && s->n < CLIENTS_MAX)
        s->clients[s->n++] = (struct client){.fd = fd};
    else if (fd >= 0)
        close(fd);
}

static volatile sig_atomic_t ending;

static void on_term(int number)
{
    (void)number;
    ending = 1;
}

/* One turn. False: nobody needs us, or nothing can be served any more. */
static bool turn(struct server *s, const struct server_start *start)
{
    enum { OTHERS = 3 };
    struct pollfd p[CLIENTS_MAX + OTHERS] = {{.fd = s->listening, .events = POLLIN},
                                             {.fd = start->images.daemon, .events = POLLRDHUP},
                                             {.fd = start->images.opener, .events = POLLIN}};
    const struct timespec idle = {.tv_sec = IDLE_S};
    sigset_t none;
    size_t n = s->n;
    sigemptyset(&none);
    for (size_t i = 0; i < n; i++)
        p[OTHERS + i] = (struct pollfd){.fd = s->clients[i].fd, .events = POLLIN};
    if (n == 0 && (ending || s->listening < 0))
        return false;
    int ready = ppoll(p, n + OTHERS, n ? NULL : &idle, &none); /* SIGTERM comes only here */
    if (ready < 0)
        return errno == EINTR;
    if (ready == 0)
        return false;
    if (p[1].revents) {
        say("qemu-storage-daemon has ended");
        return false;
    }
    if (p[2].revents & POLLIN)
        images_serve(s->images);
    for (size_t i = n; i-- > 0;)
        if (p[OTHERS + i].revents && !on_client(s, &s->clients[i]))
            drop(s, i);
    if (p[0].revents)
        on_listening(s);
    return images_well(s->images);
}

/* Whoever has connected is told why nothing is served, once he has said what he wants. It is over then. */
static int refuse(const struct server_start *start, const char *why)
{
    const struct timeval patience = {.tv_sec = 1};
    char line[LINE];
    struct client c;
    say("%s", why);
    for (c.fd = start->worker; c.fd >= 0 || (c.fd = accept4(start->listening, NULL, NULL, SOCK_CLOEXEC)) >= 0;
         c.fd = -1) {
        setsockopt(c.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        recv(c.fd, line, sizeof line, 0);
        answer(&c, why, -1);
        close(c.fd);
    }
    free(start->directory);
    return 1;
}

int server_main(int argc, char **argv, bool network)
{
    static struct server s;
    struct server_start start = {.listening = -1, .worker = -1};
    const struct sigaction term = {.sa_handler = on_term};
    sigset_t set;
    char why[256];
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigaction(SIGTERM, &term, NULL);
    if (network ? server_start_network(argc, argv, &start, why) : server_start(argc, argv, &start, why))
        return refuse(&start, why);
    s.listening = start.listening;
    s.images = images_new(&start.images, why);
    if (!s.images)
        return refuse(&start, why);
    if (start.worker >= 0)
        s.clients[s.n++] = (struct client){.fd = start.worker};
    while (turn(&s, &start))
        ;
    bool well = images_well(s.images) && s.n == 0;
    images_free(s.images);
    free(start.directory);
    return well ? 0 : 1;
}
