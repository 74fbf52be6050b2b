/* SPDX-License-Identifier: MIT */
#include "controller/daemon/run_dir_watch.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>
#include <uv.h>

#include "controller/base/log.h"
#include "schemas/mem.h"

enum {
    A_MOMENT = 50, /* milliseconds */
    AGAIN = 5000,
    GONE = IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT,
};

static const char *const parts[] = {"", "/worker", "/workers"};

struct run_dir_watch {
    const char *path;
    void (*gone)(void *arg);
    void *arg;
    int fd;
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned handles; /* handles of libuv that are still to be closed */
};

/* Watches what there is; adding a watch again changes nothing. Is the directory there? */
static bool watch(struct run_dir_watch *w)
{
    char path[PATH_MAX];
    bool there = true;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(path, sizeof path, "%s%s", w->path, parts[i]);
        if (inotify_add_watch(w->fd, path, GONE | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK) < 0)
            there = there && (i > 0 || errno != ENOENT);
    }
    return there;
}

void run_dir_watch_look(struct run_dir_watch *w)
{
    if (w)
        watch(w);
}

static void on_timer(uv_timer_t *timer)
{
    struct run_dir_watch *w = timer->data;
    w->gone(w->arg);
    if (!watch(w))
        uv_timer_start(timer, on_timer, AGAIN, 0);
}

/* What we rename into its place is called `.new` before, and is gone for nobody. */
static bool matters(const struct inotify_event *e)
{
    size_t len = e->len ? strlen(e->name) : 0;
    return e->mask & GONE && !(len > 4 && strcmp(e->name + len - 4, ".new") == 0);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct run_dir_watch *w = poll->data;
    _Alignas(struct inotify_event) char buf[4096];
    bool any = false;
    (void)status, (void)events;
    ssize_t n = read(w->fd, buf, sizeof buf);
    for (ssize_t at = 0; at < n;) {
        const struct inotify_event *e = (const void *)(buf + at);
        any = any || matters(e);
        at += (ssize_t)(sizeof *e + e->len);
    }
    if (any && !uv_is_active((uv_handle_t *)&w->timer))
        uv_timer_start(&w->timer, on_timer, A_MOMENT, 0);
}

static void on_closed(uv_handle_t *handle)
{
    struct run_dir_watch *w = handle->data;
    if (--w->handles == 0)
        free(w);
}

struct run_dir_watch *run_dir_watch_new(struct uv_loop_s *loop, const char *path, void (*gone)(void *arg),
                                        void *arg)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0) {
        log_warning("%s cannot be watched: %s", path, strerror(errno));
        return NULL;
    }
    struct run_dir_watch *w = xcalloc(1, sizeof *w);
    *w = (struct run_dir_watch){.path = path, .gone = gone, .arg = arg, .fd = fd, .handles = 2};
    uv_timer_init(loop, &w->timer);
    if (uv_poll_init(loop, &w->poll, fd))
        abort(); /* only want of memory can do this */
    w->poll.data = w->timer.data = w;
    uv_poll_start(&w->poll, UV_READABLE, on_readable);
    watch(w);
    return w;
}

void run_dir_watch_close(struct run_dir_watch *w)
{
    if (!w)
        return;
    uv_close((uv_handle_t *)&w->poll, on_closed);
    uv_close((uv_handle_t *)&w->timer, on_closed);
    close(w->fd);
}
