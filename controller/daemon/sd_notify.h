/* SPDX-License-Identifier: MIT */
/* Tells the service manager how we stand: the protocol of sd_notify(3), which is stable, and a few lines.
 * libsystemd would bring libgcrypt, lzma, zstd and lz4 into a root daemon of a small dom0, and these lines
 * would be needed all the same where it is not there. Without $NOTIFY_SOCKET all of this does nothing.
 *
 * With $WATCHDOG_USEC a timer on the loop says twice within that time that the loop turns: whoever stops
 * turning is ended and started again. What could not be sent is not sent again: nothing here may block.
 *
 * Belongs to one daemon, whose children shall not speak for it: both variables are gone from the environment
 * after notify_open(). One thread, the loop's. */
#ifndef XENRECON_NOTIFY_H
#define XENRECON_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

enum { NOTIFY_STATUS_SIZE = 256 };

struct notify {
    int fd; /* -1: nobody wants to know */
    uv_timer_t beat;
    bool ready;   /* was said */
    bool refused; /* the last message: only the first of several is worth a warning */
    void (*describe)(void *arg, char *text, size_t size);
    void *arg;
    char status[NOTIFY_STATUS_SIZE]; /* as it was sent last */
};

/* `describe` writes one line about how we stand; it is called from all of the functions below, and at every
 * beat. */
void notify_open(struct notify *n, uv_loop_t *loop, void (*describe)(void *arg, char *text, size_t size),
                 void *arg);

void notify_ready(struct notify *n);
/* Before and after; nothing to be said of while we are not ready yet. */
void notify_reloading(struct notify *n);
void notify_reloaded(struct notify *n);
void notify_stopping(struct notify *n);
void notify_status(struct notify *n); /* only how we stand, if that is new */

void notify_close(struct notify *n); /* `n` must live until the loop has turned */

#endif
