/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/qmp.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

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

/* ---- messages ---- */

static int lost(int error, char ret_why[256])
{
    snprintf(ret_why, 256, "the program that knows the format: %s", strerror(-error));
    return error;
}

/* Of a whole message: is it the answer? Sets *ret_error then. */
static bool is_answer(const json_t *message, int *ret_error, char ret_why[256])
{
    const json_t *error = json_object_get(message, "error");
    const char *text = json_string_value(json_object_get(error, "desc"));
    if (error) {
        snprintf(ret_why, 256, "%s", text ? text : "it has failed, and does not say why");
        *ret_error = -EIO;
        return true;
    }
    *ret_error = 0;
    return json_object_get(message, "return") || json_object_get(message, "QMP");
}

static bool is_event(const json_t *message, const char *event)
{
    const char *name = json_string_value(json_object_get(message, "event"));
    return name && strcmp(name, event) == 0;
}

/* Until there was an answer and, where that was no error, the event. */
static int converse(struct qmp *q, const char *event, json_t **ret_answer, char ret_why[256])
{
    size_t used = 0;
    int error = -EIO, answer = 0;
    bool answered = false;
    *ret_why = '\0';
    while (!answered || event) {
        const char *line = read_line(q, &used, &error);
        if (!line)
            return lost(error, ret_why);
        json_t *message = json_loads(line, 0, NULL);
        if (!message)
            return lost(-EPROTO, ret_why);
        if (!answered && is_answer(message, &answer, ret_why)) {
            answered = true;
            if (ret_answer && !answer)
                *ret_answer = json_incref(json_object_get(message, "return"));
        } else if (event && is_event(message, event)) {
            event = NULL;
        }
        if (answered && answer)
            event = NULL;
        json_decref(message);
    }
    memmove(q->text, q->text + used, q->len - used);
    q->len -= used;
    return answer;
}

static int send_all(const struct qmp *q, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = send(q->fd, text, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EIO ? -EPIPE : -errno;
        text += n;
        len -= (size_t)n;
    }
    return 0;
}

static int execute(struct qmp *q, const char *command, json_t *arguments, const char *event,
                   json_t **ret_answer, char ret_why[256])
{
    json_t *message = json_pack("{s:s, s:o}", "execute", command, "arguments", arguments);
    char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
    json_decref(message);
    if (!text) {
        snprintf(ret_why, 256, "it has a name that is no UTF-8");
        return -EIO;
    }
    size_t len = strlen(text);
    int error = send_all(q, text, len);
    explicit_bzero(text, len); /* there may be a secret in it */
    free(text);
    return error ? lost(error, ret_why) : converse(q, event, ret_answer, ret_why);
}

int qmp_open(struct qmp *q, char ret_why[256])
{
    q->len = 0;
    int error = converse(q, NULL, NULL, ret_why);
    return error ? error : qmp_do(q, "qmp_capabilities", json_object(), ret_why);
}

int qmp_do(struct qmp *q, const char *command, json_t *arguments, char ret_why[256])
{
    return execute(q, command, arguments, NULL, NULL, ret_why);
}

int qmp_ask(struct qmp *q, const char *command, json_t *arguments, json_t **ret_answer, char ret_why[256])
{
    return execute(q, command, arguments, NULL, ret_answer, ret_why);
}

int qmp_do_until(struct qmp *q, const char *command, json_t *arguments, const char *event, char ret_why[256])
{
    return execute(q, command, arguments, event, NULL, ret_why);
}
