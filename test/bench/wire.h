/* SPDX-License-Identifier: MIT */
/* The least that can be between a program and the store: requests written back to back on one socket, up to
 * WINDOW of them unanswered, and replies that are counted. What it takes is the floor that others are
 * measured against. Gives up loudly. One thread. Protocol: xen/io/xs_wire.h. */
#ifndef XENRECON_BENCH_WIRE_H
#define XENRECON_BENCH_WIRE_H

#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

enum { WINDOW_MAX = 128, WIRE_BUFFER = 256 << 10 };

struct wire {
    int fd;
    unsigned window, in_flight;
    uint64_t replies, errors;
    size_t out_len, in_len;
    char out[WIRE_BUFFER], in[WIRE_BUFFER];
};

static inline uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static inline struct wire *wire_open(unsigned window)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const char *path = getenv("XENSTORED_PATH");
    struct wire *w = calloc(1, sizeof *w);

    if (!w || !path || strlen(path) >= sizeof at.sun_path)
        errx(1, "XENSTORED_PATH is not the path of a socket");
    memcpy(at.sun_path, path, strlen(path));
    w->window = window;
    w->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (w->fd < 0 || connect(w->fd, (struct sockaddr *)&at, sizeof at) != 0)
        err(1, "%s", path);
    return w;
}

static inline void wire_flush(struct wire *w)
{
    for (size_t at = 0; at < w->out_len;) {
        ssize_t n = write(w->fd, w->out + at, w->out_len - at);
        if (n < 0 && errno != EINTR)
            err(1, "the store");
        at += n > 0 ? (size_t)n : 0;
    }
    w->out_len = 0;
}

/* Takes in what one read brings. */
static inline void wire_receive(struct wire *w)
{
    struct xsd_sockmsg header;
    size_t at = 0;
    ssize_t n = read(w->fd, w->in + w->in_len, sizeof w->in - w->in_len);

    if (n <= 0)
        err(1, "the store");
    w->in_len += (size_t)n;
    while (w->in_len - at >= sizeof header) {
        memcpy(&header, w->in + at, sizeof header);
        if (w->in_len - at < sizeof header + header.len)
            break;
        at += sizeof header + header.len;
        if (header.type == XS_WATCH_EVENT)
            continue;
        w->errors += header.type == XS_ERROR;
        w->replies++;
        w->in_flight--;
    }
    w->in_len -= at;
    memmove(w->in, w->in + at, w->in_len);
}

/* Until everything is answered. */
static inline void wire_settle(struct wire *w)
{
    wire_flush(w);
    while (w->in_flight)
        wire_receive(w);
}

static inline void wire_ask(struct wire *w, enum xsd_sockmsg_type type, const void *body, size_t len)
{
    struct xsd_sockmsg header = {.type = type, .req_id = (uint32_t)w->replies, .len = (uint32_t)len};

    if (w->in_flight == w->window) {
        wire_flush(w);
        while (w->in_flight > w->window / 2)
            wire_receive(w);
    }
    memcpy(w->out + w->out_len, &header, sizeof header);
    memcpy(w->out + w->out_len + sizeof header, body, len);
    w->out_len += sizeof header + len;
    w->in_flight++;
}

static inline void wire_ask_path(struct wire *w, enum xsd_sockmsg_type type, const char *path)
{
    wire_ask(w, type, path, strlen(path) + 1);
}

static inline void wire_write(struct wire *w, const char *path, const char *value)
{
    char body[XENSTORE_PAYLOAD_MAX];
    size_t n = strlen(path) + 1, len = strlen(value);

    if (n + len > sizeof body)
        errx(1, "%s: too long", path);
    memcpy(body, path, n);
    memcpy(body + n, value, len);
    wire_ask(w, XS_WRITE, body, n + len);
}

/* Answered requests that failed: an exit status. Frees it. */
static inline int wire_close(struct wire *w)
{
    int status;

    wire_settle(w);
    status = w->errors ? 1 : 0;
    close(w->fd);
    free(w);
    return status;
}

#endif
