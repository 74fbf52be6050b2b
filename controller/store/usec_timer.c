/* SPDX-License-Identifier: MIT */
#include "controller/store/usec_timer.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* A timer that is not set does not keep the loop alive, as a stopped uv_timer_t does not. */
static void settle(struct usec_timer *t, unsigned us)
{
    if (us)
        uv_ref((uv_handle_t *)&t->poll);
    else
        uv_unref((uv_handle_t *)&t->poll);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct usec_timer *t = poll->data;
    uint64_t times;
    (void)status, (void)events;

    if (read(t->fd, &times, sizeof times) != sizeof times)
        return; /* it has been set again meanwhile */
    settle(t, 0);
    t->over(t->arg);
}

int usec_timer_open(struct usec_timer *t, uv_loop_t *loop, void (*over)(void *arg), void *arg)
{
    *t = (struct usec_timer){.over = over, .arg = arg};
    t->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (t->fd < 0)
        return -errno;
    int error = uv_poll_init(loop, &t->poll, t->fd);
    if (error) {
        close(t->fd);
        return error;
    }
    t->poll.data = t;
    uv_poll_start(&t->poll, UV_READABLE, on_readable);
    settle(t, 0);
    return 0;
}

void usec_timer_close(struct usec_timer *t, uv_close_cb closed)
{
    uv_close((uv_handle_t *)&t->poll, closed);
    close(t->fd);
}

void usec_timer_set(struct usec_timer *t, unsigned us)
{
    const struct itimerspec when = {.it_value = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000L}};
    timerfd_settime(t->fd, 0, &when, NULL);
    settle(t, us);
}
