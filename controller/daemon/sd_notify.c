/* SPDX-License-Identifier: MIT */
#include "controller/daemon/sd_notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "controller/base/log.h"
#include "schemas/value.h"

/* `name` is a path, or the name of an abstract socket with a @ in front. */
static int open_socket(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(name);
    int fd = -1, error = 0;
    if ((name[0] != '/' && name[0] != '@') || len >= sizeof address.sun_path)
        error = EINVAL;
    memcpy(address.sun_path, name, error ? 0 : len);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    if (!error && (fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
        error = errno;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (!error && connect(fd, (struct sockaddr *)&address, size))
        error = errno;
    if (!error)
        return fd;
    log_warning("the service manager cannot be reached at %s: %s", name, strerror(error));
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Milliseconds between two beats; 0: none are waited for. */
static uint64_t beat_interval(void)
{
    const char *text = getenv("WATCHDOG_USEC"), *whom = getenv("WATCHDOG_PID");
    uint64_t microseconds, pid;
    if (!text || parse_decimal(text, strlen(text), INT64_MAX, &microseconds))
        return 0;
    if (whom && (parse_decimal(whom, strlen(whom), INT32_MAX, &pid) || pid != (uint64_t)getpid()))
        return 0; /* it is meant for another process, of which we have inherited the environment */
    return microseconds < 2000 ? 1 : microseconds / 2000;
}

/* Sends the lines in `what`, each with its newline, and the status if it has changed. */
static void tell(struct sd_notify *n, const char *what)
{
    char now[SD_NOTIFY_STATUS_SIZE], text[2 * SD_NOTIFY_STATUS_SIZE];
    if (n->fd < 0)
        return;
    n->describe(n->arg, now, sizeof now);
    bool fresh = strcmp(now, n->status) != 0;
    if (!fresh && !*what)
        return;
    int len = snprintf(text, sizeof text, "%s%s%s", what, fresh ? "STATUS=" : "", fresh ? now : "");
    if (send(n->fd, text, (size_t)len, MSG_NOSIGNAL) == len) {
        memcpy(n->status, now, sizeof now);
        n->refused = false;
    } else if (!n->refused) {
        log_warning("the service manager cannot be told how we stand: %s", strerror(errno));
        n->refused = true;
    }
}

static void on_beat(uv_timer_t *timer)
{
    tell(timer->data, "WATCHDOG=1\n");
}

void sd_notify_open(struct sd_notify *n, uv_loop_t *loop,
                    void (*describe)(void *arg, char *text, size_t size), void *arg)
{
    const char *name = getenv("NOTIFY_SOCKET");
    uint64_t interval = beat_interval();
    *n = (struct sd_notify){.fd = -1, .describe = describe, .arg = arg};
    if (name && *name)
        n->fd = open_socket(name);
    uv_timer_init(loop, &n->beat);
    n->beat.data = n;
    if (n->fd >= 0 && interval)
        uv_timer_start(&n->beat, on_beat, 0, interval);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

void sd_notify_ready(struct sd_notify *n)
{
    n->ready = true;
    tell(n, "READY=1\n");
}

/* Managers that wait for the end of a reload need the time. */
void sd_notify_reloading(struct sd_notify *n)
{
    char text[64];
    struct timespec now;
    if (!n->ready)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n",
             (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
    tell(n, text);
}

void sd_notify_reloaded(struct sd_notify *n)
{
    if (n->ready)
        tell(n, "READY=1\n");
}

void sd_notify_stopping(struct sd_notify *n)
{
    tell(n, "STOPPING=1\n");
}

void sd_notify_status(struct sd_notify *n)
{
    tell(n, "");
}

void sd_notify_close(struct sd_notify *n)
{
    uv_close((uv_handle_t *)&n->beat, NULL);
    if (n->fd >= 0)
        close(n->fd);
    n->fd = -1;
}
