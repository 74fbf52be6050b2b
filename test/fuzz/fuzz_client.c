/* SPDX-License-Identifier: MIT */
/* The daemon's client of the store against a store of any bytes: right answers, wrong ones, and rubbish, in
 * any pieces. Everybody who asked is told exactly once, whatever comes. */
#include "controller/store/xs_client.h"

#include <sys/socket.h>
#include <unistd.h>

#include "controller/store/xs_wire.h"
#include "schemas/mem.h"
#include "test/fuzz/fuzz.h"

enum { ASKED_MAX = 300 };

struct asked {
    bool told;
    bool answered; /* rightly: with `status` and `text` */
    int status;
    size_t len;
    char text[64];
};

struct run {
    uv_loop_t loop;
    struct xs_client *client;
    int store; /* our end, the store's */
    struct asked asked[ASKED_MAX];
    size_t n, n_told, lost, events, events_sent;
    bool wrong; /* something was sent that is against the protocol */
    bool closed;
    struct xs_buffer in; /* what the client sent */
    size_t in_at;
    struct xs_buffer out; /* what it is going to get */
};

static struct run run;

static void on_reply(void *arg, int status, const char *data, size_t len)
{
    struct asked *a = arg;
    holds(!a->told, "told twice");
    a->told = true;
    run.n_told++;
    holds(!data || data[len] == '\0', "not terminated");
    holds(!status == !!data, "status %d", status);
    if (status == -ECONNRESET || status == -ECANCELED)
        return;
    if (a->answered)
        holds(run.wrong ||
                  (status == a->status && (status || (len == a->len && memcmp(data, a->text, len) == 0))),
              "status %d for %d", status, a->status);
    else
        holds(run.wrong, "told %d before it was answered", status);
}

static void on_event(void *arg, const char *path, const char *token)
{
    (void)arg;
    run.events++;
    holds(run.wrong || (strcmp(token, "t") == 0 && *path == '/'), "%s %s", path, token);
}

static void on_lost(void *arg, const char *why)
{
    (void)arg;
    holds(*why, "no reason");
    holds(run.wrong, "lost without a reason: %s", why);
    holds(run.n_told == run.n, "%zu of %zu were told", run.n_told, run.n);
    run.lost++;
}

static void turn(void)
{
    uv_run(&run.loop, UV_RUN_NOWAIT);
}

static void ask(struct choices *c)
{
    if (run.n == ASKED_MAX)
        return;
    struct asked *a = &run.asked[run.n++];
    char path[16];
    snprintf(path, sizeof path, "/%u", take_byte(c));
    store_read(xs_client_store(run.client), 0, path, on_reply, a);
}

static void put(struct xs_buffer *b, const char *data, size_t len)
{
    xgrow(&b->data, &b->cap, b->len + len + 1, 1);
    memcpy(b->data + b->len, data, len);
    b->len += len;
}

/* Takes in what it sent; false: nothing unanswered is left. */
static bool next_request(struct xs_message *ret_request)
{
    static char piece[4096];
    ssize_t n;
    size_t size;
    while ((n = recv(run.store, piece, sizeof piece, MSG_DONTWAIT)) > 0)
        put(&run.in, piece, (size_t)n);
    if (!run.in.len)
        return false;
    int found = xs_wire_parse(run.in.data + run.in_at, run.in.len - run.in_at, ret_request, &size);
    holds(found >= 0, "it sends what is against the protocol");
    run.in_at += found ? size : 0;
    return found == 1;
}

/* The oldest that was sent: replies may come in any order, but one of them is enough here. */
static void answer(struct choices *c)
{
    struct xs_message request;
    if (!next_request(&request))
        return;
    struct asked *a = NULL;
    for (size_t i = 0; i < run.n && !a; i++)
        if (!run.asked[i].told && !run.asked[i].answered)
            a = &run.asked[i];
    if (!a)
        return;
    size_t len;
    char *text = take_text(c, &len);
    len = len < sizeof a->text ? len : sizeof a->text;
    a->answered = true;
    a->len = len;
    memcpy(a->text, text, len);
    a->status = take_below(c, 4) ? 0 : -ENOENT;
    if (a->status)
        xs_wire_append(&run.out, XS_ERROR, request.req_id, 0, "ENOENT", 7);
    else
        xs_wire_append(&run.out, XS_READ, request.req_id, 0, text, len);
    free(text);
}

static void send_event(void)
{
    static const char body[] = "/local/domain/7/device\0t";
    xs_wire_append(&run.out, XS_WATCH_EVENT, 0, 0, body, sizeof body);
    run.events_sent++;
}

static void send_rubbish(struct choices *c)
{
    size_t len;
    char *text = take_text(c, &len);
    run.wrong |= len > 0;
    put(&run.out, text, len);
    free(text);
}

/* Some of what there is to send, or all of it. */
static void deliver(size_t n)
{
    n = n && n < run.out.len ? n : run.out.len;
    if (!n)
        return;
    ssize_t sent = send(run.store, run.out.data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent <= 0)
        return;
    run.out.len -= (size_t)sent;
    memmove(run.out.data, run.out.data + sent, run.out.len);
}

static void one_step(struct choices *c)
{
    switch (take_below(c, 8)) {
    case 0:
    case 1:
        ask(c);
        break;
    case 2:
        answer(c);
        break;
    case 3:
        send_event();
        break;
    case 4:
        send_rubbish(c);
        break;
    case 5:
        deliver(take_byte(c));
        break;
    case 6:
        deliver(0);
        turn();
        break;
    default:
        turn();
    }
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct choices c = {data, size};
    int pair[2];
    memset(&run, 0, sizeof run);
    holds(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair));
    run.store = pair[1];
    uv_loop_init(&run.loop);
    run.client = xs_client_new_fd(&run.loop, pair[0], take_flag(&c));
    struct store *store = xs_client_store(run.client);
    store->event = on_event;
    store->lost = on_lost;
    holds(!xs_client_connect(run.client));
    while (c.left)
        one_step(&c);
    deliver(0);
    turn();
    holds(run.lost <= 1, "lost %zu times", run.lost);
    holds(run.events <= run.events_sent || run.wrong, "%zu events of %zu", run.events, run.events_sent);
    xs_client_close(run.client, on_closed, &run.closed);
    holds(run.n_told == run.n, "%zu of %zu were told", run.n_told, run.n);
    while (!run.closed)
        uv_run(&run.loop, UV_RUN_ONCE);
    holds(!uv_loop_close(&run.loop), "handles are left");
    close(run.store);
    xs_buffer_free(&run.in);
    xs_buffer_free(&run.out);
    return 0;
}
