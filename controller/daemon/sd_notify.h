/* SPDX-License-Identifier: MIT */
/* Tells the service manager how we stand: the protocol of sd_notify(3), which is stable, and a few lines.
 * libsystemd would bring libgcrypt, lzma, zstd and lz4 into a root daemon of a small dom0, and these lines
 * would be needed all the same where it is not there. Without $NOTIFY_SOCKET all of this does nothing.
 *
 * With $WATCHDOG_USEC a timer on the loop says twice within that time that the loop turns: whoever stops
 * turning is ended and started again. What could not be sent is not sent again: nothing here may block.
 *
 * Belongs to one daemon, whose children shall not speak for it: both variables are gone from the environment
 * after sd_notify_open(). One thread, the loop's. */
#ifndef XENRECON_SD_NOTIFY_H
#define XENRECON_SD_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

enum { SD_NOTIFY_STATUS_SIZE = 256 };

struct sd_notify {
    int fd; /* -1: nobody wants to know */
    uv_timer_t beat;
    bool ready;   /* was said */
    bool refused; /* the last message: only the first of several is worth a warning */
    void (*describe)(void *arg, char *text, size_t size);
    void *arg;
    char status[SD_NOTIFY_STATUS_SIZE]; /* as it was sent last */
};

/* `describe` writes one line about how we stand; it is called from all of the functions below, and at every
 * beat. */
void sd_notify_open(struct sd_notify *n, uv_loop_t *loop,
                    void (*describe)(void *arg, char *text, size_t size), void *arg);

void sd_notify_ready(struct sd_notify *n);
/* Before and after; nothing to be said of while we are not ready yet. */
void sd_notify_reloading(struct sd_notify *n);
void sd_notify_reloaded(struct sd_notify *n);
void sd_notify_stopping(struct sd_notify *n);
void sd_notify_status(struct sd_notify *n); /* only how we stand, if that is new */

void sd_notify_close(struct sd_notify *n); /* `n` must live until the loop has turned */

#endif
