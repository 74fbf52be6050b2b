/* SPDX-License-Identifier: MIT */
/* A timer for less than the loop's milliseconds: Linux's timerfd on a libuv loop. It lies in the caller's
 * memory. One thread. Times are microseconds from now. Once it is open, nothing fails. */
#ifndef XENRECON_USEC_TIMER_H
#define XENRECON_USEC_TIMER_H

#include <uv.h>

struct usec_timer {
    uv_poll_t poll;
    int fd;
    void (*over)(void *arg);
    void *arg;
};

/* 0, or a negative errno. The memory must stay until `closed` is called. */
int usec_timer_open(struct usec_timer *t, uv_loop_t *loop, void (*over)(void *arg), void *arg);
void usec_timer_close(struct usec_timer *t, uv_close_cb closed);

/* Goes off once; what was set before is forgotten. 0: never. */
void usec_timer_set(struct usec_timer *t, unsigned us);

#endif
