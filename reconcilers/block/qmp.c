/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/qmp.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "reconcilers/block/say.h"

/* Until it has said something. */
static void wait_for(const struct qmp *q)
{
    struct pollfd p[] = {{.fd = q->fd, .events = POLLIN}, {.fd = q->serve ? q->other : -1, .events = POLLIN}};
    while (!p[0].revents)
        if (poll(p, 2, -1) > 0 && q->serve && p[1].revents & POLLIN)
            q->serve(q->arg);
        else if (p[1].revents)
            p[1].fd = -1; /* it is gone */
}

/* The next line, which is good until the next call; NULL, and *ret_error. */
static char *read_line(struct qmp *q, size_t *used, int *ret_error)
{
    memmove(q->text, q->text + *used, q->len - *used);
    q->len -= *used;
    *used = 0;
    for (;;) {
        char *end = memchr(q->text, '\n', q->len);
        if (end) {
            *end = '\0';
            *used = (size_t)(end + 1 - q->text);
            return q->text;
        }
        if (q->len == sizeof q->text) {
            *ret_error = -EPROTO;
            return NULL;
        }
        wait_for(q);
        ssize_t n = recv(q->fd, q->text + q->len, sizeof q->text - q->len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            *ret_error = n < 0 ? -errno : -ECONNRESET;
            return NULL;
        }
        q->len += (size_t)n;
    }
}

/* What an error says, without what JSON has escaped. */
static void describe(const char *line, char ret_why[256])
{
    const char *at = strstr(line, "\"desc\": \"");
    size_t n = 0;
    for (at = at ? at + 9 : ""; *at && *at != '"' && n < 255; at++) {
        if (*at == '\\' && at[1])
            at++;
        ret_why[n++] = *at;
    }
    ret_why[n] = '\0';
}

static int converse(struct qmp *q, const char *event, char ret_why[256])
{
    size_t used = 0;
    int error = -EIO;
    bool answered = false;
    const char *line;
    *ret_why = '\0';
    while (!answered || event) {
        line = read_line(q, &used, &error);
        if (!line) {
            snprintf(ret_why, 256, "the program that knows the format: %s", strerror(-error));
            return error;
        }
        if (strncmp(line, "{\"error\"", 8) == 0) {
            describe(line, ret_why);
            event = NULL;
            answered = true;
            error = -EIO;
        } else if (strncmp(line, "{\"return\"", 9) == 0 || strncmp(line, "{\"QMP\"", 6) == 0) {
            answered = true;
            error = 0;
        } else if (event && strstr(line, event)) {
            event = NULL;
        }
    }
    memmove(q->text, q->text + used, q->len - used);
    q->len -= used;
    return error;
}

int qmp_open(struct qmp *q, char ret_why[256])
{
    q->len = 0;
    int error = converse(q, NULL, ret_why);
    return error ? error : qmp_do(q, "{\"execute\": \"qmp_capabilities\"}", NULL, ret_why);
}

int qmp_do(struct qmp *q, const char *command, const char *event, char ret_why[256])
{
    size_t len = strlen(command);
    while (len > 0) {
        ssize_t n = send(q->fd, command, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            int error = errno == EIO ? -EPIPE : -errno;
            snprintf(ret_why, 256, "the program that knows the format: %s", strerror(-error));
            return error;
        }
        command += n;
        len -= (size_t)n;
    }
    return converse(q, event, ret_why);
}

bool qmp_string(const char *text, char *ret, size_t size)
{
    size_t n = 0;
    if (size < 3)
        return false;
    ret[n++] = '"';
    for (; *text; text++) {
        if (n + 8 > size)
            return false;
        if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ')
            n += (size_t)sprintf(ret + n, "\\u%04x", (unsigned char)*text);
        else
            ret[n++] = *text;
    }
    ret[n++] = '"';
    ret[n] = '\0';
    return true;
}
