/* SPDX-License-Identifier: MIT */
#include "controller/processes/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "controller/base/log.h"
#include "schemas/mem.h"
#include "schemas/printable.h"

enum {
    CHUNK = 16 * 1024,       /* bytes read in one turn of the loop */
    RATE_SECOND = 1000,      /* milliseconds */
    DRAIN_MAX = 1024 * 1024, /* bytes: as much as a process may make its pipe hold, unless it is root */
};

struct output {
    struct output_config cfg;
    char *name;
    int fd;
    bool ended; /* the end of the file was read */
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned handles;        /* handles of libuv that are still to be closed */
    uint64_t second, window; /* when they began, milliseconds of the loop */
    uint64_t wake_at;        /* when the timer is set to go off; 0: it is not set */
    size_t taken;            /* bytes, in this second */
    unsigned said, unsaid;   /* lines, in this window */
    bool paused;             /* until the second is over */
    bool cut;                /* the line that is being read has been logged, as far as it is */
    size_t len;              /* of the beginning of a line */
    char line[OUTPUT_LINE];
};

/* ---- lines ---- */

static void on_timer(uv_timer_t *timer);

static void wake_by(struct output *o, uint64_t at)
{
    uint64_t now = uv_now(o->cfg.loop);
    if (o->wake_at && o->wake_at <= at)
        return;
    o->wake_at = at;
    uv_timer_start(&o->timer, on_timer, at > now ? at - now : 0, 0);
}

static void tell_unsaid(struct output *o)
{
    if (o->unsaid)
        log_warning("%s: %u more line%s", o->name, o->unsaid,
                    o->unsaid == 1 ? " was not logged" : "s were not logged");
    o->unsaid = 0;
}

static void log_line(struct output *o, const char *text, size_t len)
{
    char copy[OUTPUT_LINE];
    uint64_t now = uv_now(o->cfg.loop);
    if (!len || o->cfg.quiet)
        return;
    if (!o->window || now - o->window >= OUTPUT_WINDOW) {
        tell_unsaid(o);
        o->window = now ? now : 1;
        o->said = 0;
    }
    if (o->said == OUTPUT_LINES) {
        if (!o->unsaid++)
            wake_by(o, o->window + OUTPUT_WINDOW);
        return;
    }
    o->said++;
    printable_copy(copy, sizeof copy, text, len, false);
    log_about(LOG_LEVEL_INFO, &(struct log_about){.quoted = true}, "%s: %s", o->name, copy);
}

/* Of a line that is too long, the beginning is logged. */
static void end_line(struct output *o)
{
    if (!o->cut)
        log_line(o, o->line, o->len);
    o->len = 0;
    o->cut = false;
}

static void take(struct output *o, char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!text[i])
            text[i] = '?';
        if (text[i] == '\n' || text[i] == '\r') {
            end_line(o);
        } else if (o->len < sizeof o->line) {
            o->line[o->len++] = text[i];
        } else if (!o->cut) {
            log_line(o, o->line, o->len);
            o->cut = true;
        }
    }
    tail_add(o->cfg.tail, text, len);
}

/* ---- reading ---- */

static void on_readable(uv_poll_t *poll, int status, int events);

/* Whoever held the other end has closed it: polling would tell so for ever. The descriptor is kept for as
 * long as the handle: libuv, when that is closed, would forget whoever has its number by then. */
static void stop_reading(struct output *o)
{
    uv_poll_stop(&o->poll);
    o->ended = true;
    end_line(o);
}

/* Returns how much was read; 0: nothing now, or never again. */
static size_t read_some(struct output *o)
{
    char chunk[CHUNK];
    ssize_t n = o->ended ? 0 : read(o->fd, chunk, sizeof chunk);
    if (n > 0)
        take(o, chunk, (size_t)n);
    else if (!o->ended && (n == 0 || (errno != EAGAIN && errno != EINTR)))
        stop_reading(o);
    return n > 0 ? (size_t)n : 0;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct output *o = poll->data;
    uint64_t now = uv_now(o->cfg.loop);
    (void)status, (void)events;
    if (now - o->second >= RATE_SECOND) {
        o->second = now;
        o->taken = 0;
    }
    o->taken += read_some(o);
    if (o->ended) {
        if (o->cfg.ended)
            o->cfg.ended(o->cfg.arg);
    } else if (o->taken >= OUTPUT_RATE && !o->cfg.quiet) {
        uv_poll_stop(&o->poll);
        o->paused = true;
        wake_by(o, o->second + RATE_SECOND);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct output *o = timer->data;
    uint64_t now = uv_now(o->cfg.loop);
    o->wake_at = 0;
    if (o->paused && now - o->second >= RATE_SECOND) {
        o->paused = false;
        if (!o->ended)
            uv_poll_start(&o->poll, UV_READABLE, on_readable);
    }
    if (o->unsaid && now - o->window >= OUTPUT_WINDOW)
        tell_unsaid(o);
    if (o->paused)
        wake_by(o, o->second + RATE_SECOND);
    if (o->unsaid)
        wake_by(o, o->window + OUTPUT_WINDOW);
}

void output_speak(struct output *o)
{
    o->cfg.quiet = false;
    o->cut = o->len > 0; /* its beginning is in the tail, which the caller has shown */
    o->len = 0;
}

void output_drain(struct output *o)
{
    size_t n, all = 0;
    while (all < DRAIN_MAX && (n = read_some(o)))
        all += n;
    if (o->len)
        end_line(o);
}

/* ---- beginning and end ---- */

static void on_closed(uv_handle_t *handle)
{
    struct output *o = handle->data;
    if (--o->handles)
        return;
    free(o->name);
    free(o);
}

struct output *output_new(const struct output_config *config, int fd)
{
    struct output *o = xcalloc(1, sizeof *o);
    o->cfg = *config;
    o->name = xstrdup(config->name);
    o->fd = fd;
    uv_timer_init(config->loop, &o->timer);
    int error = uv_poll_init(config->loop, &o->poll, fd);
    if (error) { /* only want of memory can do this to a pipe */
        log_error("cannot wait for output: %s", uv_strerror(error));
        abort();
    }
    o->poll.data = o->timer.data = o;
    o->handles = 2;
    uv_poll_start(&o->poll, UV_READABLE, on_readable);
    return o;
}

void output_close(struct output *o)
{
    if (!o)
        return;
    tell_unsaid(o);
    uv_close((uv_handle_t *)&o->poll, on_closed);
    uv_close((uv_handle_t *)&o->timer, on_closed);
    close(o->fd);
}

int output_pipe(int *ret_read, int *ret_process)
{
    char path[32];
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
        return -errno;
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[1]);
    int both = open(path, O_RDWR | O_CLOEXEC);
    int error = both < 0 ? -errno : 0;
    close(ends[1]);
    if (error)
        close(ends[0]);
    else {
        *ret_read = ends[0];
        *ret_process = both;
    }
    return error;
}
