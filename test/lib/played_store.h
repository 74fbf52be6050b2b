/* SPDX-License-Identifier: MIT */
/* A store that is played on the other end of a socket pair, in the thread of the asynchronous client that is
 * tried against it: nothing depends on timing, but for the pace. A test begins with one of the set-ups and
 * ends with teardown(). */
#ifndef XENRECON_TEST_PLAYED_STORE_H
#define XENRECON_TEST_PLAYED_STORE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controller/base/read_pacing.h"
#include "controller/store/xs_client.h"
#include "controller/store/xs_wire.h"

enum {
    ANSWERS_MAX = 1024,
    TURNS = 30,
};

static uv_loop_t loop;
static struct xs_client *client;
static struct store *store;
static int peer = -1;
static bool client_closed;

static struct answer {
    unsigned times;
    int status;
    char text[16];
    size_t len;
} answers[ANSWERS_MAX];
static unsigned n_answers, order[ANSWERS_MAX]; /* in which they came */

static unsigned n_events, n_lost;
static unsigned answers_at_event, answers_at_loss;
static char event_path[64], event_token[64];
static bool reconnect_when_lost;
static int reconnected;

static inline void on_event(void *arg, const char *path, const char *token)
{
    ck_assert_ptr_eq(arg, &answers);
    n_events++;
    answers_at_event = n_answers;
    snprintf(event_path, sizeof event_path, "%s", path);
    snprintf(event_token, sizeof event_token, "%s", token);
}

static inline void on_lost(void *arg, const char *why)
{
    ck_assert_ptr_eq(arg, &answers);
    ck_assert_uint_gt(strlen(why), 0);
    n_lost++;
    answers_at_loss = n_answers;
    if (reconnect_when_lost)
        reconnected = xs_client_connect(client);
}

static inline void on_answer(void *arg, int status, const char *data, size_t len)
{
    struct answer *a = arg;
    a->times++;
    a->status = status;
    a->len = len;
    ck_assert_int_eq(!data, status != 0);
    if (data) {
        ck_assert_int_eq(data[len], '\0');
        snprintf(a->text, sizeof a->text, "%s", data);
    }
    order[n_answers++] = (unsigned)(a - answers);
}

static inline void attend(struct xs_client *c)
{
    client = c;
    store = xs_client_store(c);
    store->event = on_event;
    store->lost = on_lost;
    store->arg = &answers;
}

static inline void set_timeout(int fd)
{
    struct timeval t = {.tv_sec = 5};
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t), 0);
}

static inline void begin(int type, bool whole)
{
    int fds[2];
    ck_assert_int_eq(socketpair(AF_UNIX, type, 0, fds), 0);
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    peer = fds[1];
    set_timeout(peer);
    attend(xs_client_new_fd(&loop, fds[0], whole));
    ck_assert_int_eq(xs_client_connect(client), 0);
}

static inline void setup(void)
{
    begin(SOCK_STREAM, false);
}

static inline void setup_device(void)
{
    begin(SOCK_SEQPACKET, true);
}

static inline uint64_t pauses(void)
{
    return client ? xs_client_counters(client)->pauses : 0;
}

/* And until no pause is left. */
static inline void turn(void)
{
    for (uint64_t before = pauses();; before = pauses()) {
        for (int i = 0; i < TURNS; i++)
            uv_run(&loop, UV_RUN_NOWAIT);
        if (pauses() == before)
            return;
        usleep(PACING_FLOOD);
    }
}

static inline void on_client_closed(void *arg)
{
    ck_assert_ptr_eq(arg, &client_closed);
    client_closed = true;
}

static inline void teardown(void)
{
    if (client)
        xs_client_close(client, on_client_closed, &client_closed);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert(client_closed);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    if (peer >= 0)
        close(peer);
    for (unsigned i = 0; i < ANSWERS_MAX; i++)
        ck_assert_uint_le(answers[i].times, 1);
}

static inline void ask(unsigned i)
{
    char path[32];
    snprintf(path, sizeof path, "/key/%u", i);
    store_read(store, 0, path, on_answer, &answers[i]);
}

/* The store's side */

static char body[XENSTORE_PAYLOAD_MAX + 1];

static inline struct xsd_sockmsg take(void)
{
    struct xsd_sockmsg h = {0};
    ck_assert_int_eq(recv(peer, &h, sizeof h, MSG_WAITALL), sizeof h);
    ck_assert_uint_le(h.len, XENSTORE_PAYLOAD_MAX);
    if (h.len)
        ck_assert_int_eq(recv(peer, body, h.len, MSG_WAITALL), h.len);
    body[h.len] = '\0';
    return h;
}

static inline bool nothing_to_take(void)
{
    char byte;
    return recv(peer, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

static inline void say(const struct xs_buffer *b)
{
    ck_assert_int_eq(write(peer, b->data, b->len), (ssize_t)b->len);
}

static inline void reply_text(enum xsd_sockmsg_type type, uint32_t id, const char *text, size_t len)
{
    struct xs_buffer b = {0};
    ck_assert_int_eq(xs_wire_append(&b, type, id, 0, text, len), 0);
    say(&b);
    xs_buffer_free(&b);
}

static inline void reply(struct xsd_sockmsg h, const char *text)
{
    reply_text((enum xsd_sockmsg_type)h.type, h.req_id, text, strlen(text));
}

static inline uint64_t unanswered(void)
{
    const struct xs_counters *c = client ? xs_client_counters(client) : NULL;
    return c ? c->requests - c->replies - c->unanswered : 0;
}

static inline void event(void)
{
    reply_text(XS_WATCH_EVENT, 0, "/path\0token", 12);
}

/* With nothing to do the loop would wait for ever: no timer, nothing that spins. While something is
 * outstanding it would wait for the deadline. */
static inline void check_asleep(void)
{
    uv_update_time(&loop);
    int timeout = uv_backend_timeout(&loop);
    ck_assert_msg(unanswered() ? timeout > 10 : timeout == -1, "%d ms", timeout);
}

static inline void check_lost(unsigned outstanding)
{
    ck_assert_uint_eq(n_lost, 1);
    ck_assert_uint_eq(n_answers, outstanding);
    ck_assert_uint_eq(answers_at_loss, outstanding);
    for (unsigned i = 0; i < outstanding; i++) {
        ck_assert_uint_eq(answers[i].times, 1);
        ck_assert_int_eq(answers[i].status, -ECONNRESET);
    }
}

#endif
