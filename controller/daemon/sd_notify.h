/* SPDX-License-Identifier: MIT */
/* Tells the service manager our state, by the protocol of sd_notify(3). The protocol is stable and takes a
 * few lines. libsystemd would bring libgcrypt, lzma, zstd and lz4 into a root daemon of a small dom0, and the
 * lines would be needed all the same where it is missing. Without $NOTIFY_SOCKET all of this does nothing.
 *
 * With $WATCHDOG_USEC, a timer on the loop says twice within that time that the loop turns; the manager
 * restarts a daemon whose loop does not. A message that cannot be sent is dropped: nothing here may block.
 *
 * The daemon's children shall not speak for it, so sd_notify_open() takes both variables out of the
 * environment. One thread, the loop's. */
#ifndef XENRECON_SD_NOTIFY_H
#define XENRECON_SD_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

enum { SD_NOTIFY_STATUS_SIZE = 256 };

struct sd_notify {
    int fd; /* -1: there is no service manager */
    uv_timer_t beat;
    bool ready;   /* READY=1 was sent */
    bool refused; /* the last message was refused: only the first of several in a row is logged */
    void (*describe)(void *arg, char *text, size_t size);
    void *arg;
    char status[SD_NOTIFY_STATUS_SIZE]; /* the status line that was sent last */
};

/* `describe` writes the status line; every function below calls it, and so does every beat. */
void sd_notify_open(struct sd_notify *n, uv_loop_t *loop,
                    void (*describe)(void *arg, char *text, size_t size), void *arg);

void sd_notify_ready(struct sd_notify *n);
/* Around a reload. Nothing is sent before sd_notify_ready(). */
void sd_notify_reloading(struct sd_notify *n);
void sd_notify_reloaded(struct sd_notify *n);
void sd_notify_stopping(struct sd_notify *n);
void sd_notify_status(struct sd_notify *n); /* sends the status line only, if it has changed */

void sd_notify_close(struct sd_notify *n); /* `n` must live until the loop has turned */

#endif
