/* SPDX-License-Identifier: MIT */
/* What the rig's programs share: a libxenstore client that gives up loudly (exit status 1) on any error that
 * its caller did not ask about. One connection a process, as domain 0. Times are milliseconds. */
#ifndef XENRECON_RIG_CLIENT_H
#define XENRECON_RIG_CLIENT_H

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xenstore.h>

enum { PATH_SIZE = 3072 + 1, EXIT_USAGE = 64 };

static struct xs_handle *xs;

static inline void client_open(void)
{
    xs = xs_open(0);
    if (!xs)
        err(1, "no xenstore");
}

static inline long long now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline void format_path(char path[PATH_SIZE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline void format_path(char path[PATH_SIZE], const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(path, PATH_SIZE, format, args);
    va_end(args);
    if (n < 0 || n >= PATH_SIZE)
        errx(1, "path too long: %s", path);
}

/* For the program's user to free; NULL when there is no such node. */
static inline char *get(xs_transaction_t t, const char *path)
{
    unsigned int len;
    char *value = xs_read(xs, t, path, &len);

    if (!value && errno != ENOENT)
        err(1, "read %s", path);
    return value;
}

static inline void put(xs_transaction_t t, const char *path, const char *value)
{
    if (!xs_write(xs, t, path, value, (unsigned int)strlen(value)))
        err(1, "write %s", path);
}

static inline void put_key(xs_transaction_t t, const char *dir, const char *key, const char *value)
{
    char path[PATH_SIZE];

    format_path(path, "%s/%s", dir, key);
    put(t, path, value);
}

static inline void put_number(xs_transaction_t t, const char *dir, const char *key, unsigned int value)
{
    char text[16];

    snprintf(text, sizeof(text), "%u", value);
    put_key(t, dir, key, text);
}

/* A node that is already gone is fine. */
static inline void drop(xs_transaction_t t, const char *path)
{
    if (!xs_rm(xs, t, path) && errno != ENOENT)
        err(1, "rm %s", path);
}

static inline xs_transaction_t begin(void)
{
    xs_transaction_t t = xs_transaction_start(xs);

    if (t == XBT_NULL)
        err(1, "transaction start");
    return t;
}

/* False when somebody else was faster, and all has to be done again. */
static inline bool commit(xs_transaction_t t)
{
    if (xs_transaction_end(xs, t, false))
        return true;
    if (errno != EAGAIN)
        err(1, "transaction end");
    return false;
}

static inline void watch(const char *path, const char *token)
{
    if (!xs_watch(xs, path, token))
        err(1, "watch %s", path);
}

/* The next watch event, to be freed whole; NULL when there is none before the deadline. */
static inline char **next_event(long long deadline)
{
    struct pollfd p = {.fd = xs_fileno(xs), .events = POLLIN};
    char **event;

    while (!(event = xs_check_watch(xs))) {
        long long left = deadline - now_ms();

        if (errno != EAGAIN)
            err(1, "watch event");
        if (left <= 0)
            return NULL;
        if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
            err(1, "poll");
    }
    return event;
}

static inline unsigned int parse_number(const char *what, const char *text)
{
    char *end;
    unsigned long n;

    errno = 0;
    n = strtoul(text, &end, 10);
    if (errno || *text < '0' || *text > '9' || *end || n > 0xffffffffUL)
        errx(EXIT_USAGE, "%s: not a number: '%s'", what, text);
    return (unsigned int)n;
}

#endif
