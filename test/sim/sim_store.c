/* SPDX-License-Identifier: MIT */
/* Requests, replies, events and watches; transactions are in sim_tx.c. */
#include "test/sim/sim_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"
#include "schemas/value.h"
#include "test/sim/sim_tx.h"

/* ---- events ---- */

static void push_event(struct sim_store *s, const char *path, const char *token)
{
    for (size_t i = 0; i < s->n_events; i++)
        if (strcmp(s->events[i].path, path) == 0 && strcmp(s->events[i].token, token) == 0)
            return; /* identical ones that are pending are one */
    xgrow(&s->events, &s->cap_events, s->n_events + 1, sizeof *s->events);
    s->events[s->n_events++] = (struct sim_event){xstrdup(path), xstrdup(token), s->carried_out};
}

void sim_fire(struct sim_store *s, const char *path)
{
    for (size_t i = 0; i < s->n_watches; i++)
        if (path_within(path, s->watches[i].path))
            push_event(s, path, s->watches[i].token);
}

/* Of what is below a node that goes, only who watches just that is told. */
static void fire_removed(struct sim_store *s, const char *path)
{
    for (size_t i = 0; i < s->n_watches; i++)
        if (path_within(s->watches[i].path, path) && strcmp(s->watches[i].path, path) != 0 &&
            nodes_find(&s->nodes, s->watches[i].path))
            push_event(s, s->watches[i].path, s->watches[i].token);
    sim_fire(s, path);
}

void sim_put(struct sim_store *s, const char *path, const char *value)
{
    nodes_write(&s->nodes, path, value, strlen(value));
    sim_fire(s, path);
}

void sim_remove(struct sim_store *s, const char *path)
{
    if (!nodes_find(&s->nodes, path))
        return;
    fire_removed(s, path);
    nodes_remove(&s->nodes, path);
}

void sim_remove_silently(struct sim_store *s, const char *path)
{
    nodes_remove(&s->nodes, path);
}

static void free_event(struct sim_event *e)
{
    free(e->path);
    free(e->token);
}

bool sim_store_overtakes(const struct sim_store *s, size_t i)
{
    const struct sim_request *r = TAILQ_FIRST(&s->replies);
    return i < s->n_events && r && r->number <= s->events[i].behind;
}

bool sim_store_event(struct sim_store *s, size_t i, bool lose, bool keep)
{
    if (i >= s->n_events)
        return false;
    struct sim_event e = s->events[i];
    if (keep) {
        e = (struct sim_event){xstrdup(e.path), xstrdup(e.token), 0};
    } else {
        s->n_events--;
        memmove(&s->events[i], &s->events[i + 1], (s->n_events - i) * sizeof *s->events);
    }
    if (!lose)
        s->store.event(s->store.arg, e.path, e.token);
    free_event(&e);
    return true;
}

/* ---- requests ---- */

static void request(struct store *store, enum xsd_sockmsg_type type, uint32_t tx, const void *body,
                    size_t len, store_reply_fn *done, void *arg)
{
    struct sim_store *s = (struct sim_store *)store;
    struct sim_request *r = xcalloc(1, sizeof *r);
    *r = (struct sim_request){.type = type, .tx = tx, .len = len, .done = done, .arg = arg};
    r->body = xcalloc(1, len + 1);
    memcpy(r->body, body, len);
    TAILQ_INSERT_TAIL(&s->requests, r, next);
}

const struct sim_request *sim_store_head(const struct sim_store *s)
{
    return TAILQ_FIRST(&s->requests);
}

static size_t watch_index(const struct sim_store *s, const char *path, const char *token)
{
    size_t i = 0;
    while (i < s->n_watches &&
           (strcmp(s->watches[i].path, path) != 0 || strcmp(s->watches[i].token, token) != 0))
        i++;
    return i;
}

static int add_watch(struct sim_store *s, const char *path, const char *token)
{
    if (watch_index(s, path, token) < s->n_watches)
        return -EEXIST;
    xgrow(&s->watches, &s->cap_watches, s->n_watches + 1, sizeof *s->watches);
    s->watches[s->n_watches++] = (struct sim_event){xstrdup(path), xstrdup(token), 0};
    push_event(s, path, token);
    return 0;
}

static int drop_watch(struct sim_store *s, const char *path, const char *token)
{
    size_t i = watch_index(s, path, token);
    if (i == s->n_watches)
        return -ENOENT;
    free_event(&s->watches[i]);
    s->watches[i] = s->watches[--s->n_watches];
    return 0;
}

static void answer_text(struct sim_request *r, const char *text)
{
    r->data = xstrdup(text);
    r->data_len = strlen(text);
}

static void carry_out(struct sim_store *s, struct sim_request *r)
{
    const char *second = r->body + strlen(r->body) + 1;
    if (r->type == XS_WATCH)
        r->status = add_watch(s, r->body, second);
    else if (r->type == XS_UNWATCH)
        r->status = drop_watch(s, r->body, second);
    else if (r->type == XS_IS_DOMAIN_INTRODUCED)
        answer_text(r, s->introduced(s->arg, (unsigned)atoi(r->body)) ? "T" : "F");
    else
        sim_tx_request(s, r);
    if (!r->status && !r->data)
        answer_text(r, "OK");
}

void sim_store_process(struct sim_store *s, int error)
{
    struct sim_request *r = TAILQ_FIRST(&s->requests);
    if (!r)
        return;
    TAILQ_REMOVE(&s->requests, r, next);
    if (!s->up)
        r->status = -ECONNRESET;
    else if (error)
        sim_tx_refuse(s, r, error);
    else
        carry_out(s, r);
    r->number = ++s->carried_out;
    TAILQ_INSERT_TAIL(&s->replies, r, next);
}

static void deliver(struct sim_store *s, struct sim_request *r)
{
    int kind[] = {(int)r->type, r->status};
    s->heard = hash_bytes(s->heard, kind, sizeof kind);
    s->heard = hash_bytes(s->heard, r->body, strlen(r->body));
    if (r->data && r->type != XS_TRANSACTION_START)
        s->heard = hash_bytes(s->heard, r->data, r->data_len);
    r->done(r->arg, r->status, r->status ? NULL : r->data, r->status ? 0 : r->data_len);
    free(r->body);
    free(r->data);
    free(r);
}

bool sim_store_reply(struct sim_store *s, size_t i)
{
    struct sim_request *r = TAILQ_FIRST(&s->replies);
    while (i-- && r)
        r = TAILQ_NEXT(r, next);
    if (!r)
        return false;
    TAILQ_REMOVE(&s->replies, r, next);
    deliver(s, r);
    return true;
}

static void forget(struct sim_event *list, size_t *n)
{
    while (*n)
        free_event(&list[--*n]);
}

static void answer_all(struct sim_store *s, int error)
{
    struct sim_requests old;
    TAILQ_INIT(&old);
    TAILQ_CONCAT(&old, &s->replies, next);
    TAILQ_CONCAT(&old, &s->requests, next);
    while (!TAILQ_EMPTY(&old)) {
        struct sim_request *r = TAILQ_FIRST(&old);
        /* It does not see that the list, which was put together of two, has another first element then */
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        TAILQ_REMOVE(&old, r, next);
        r->status = error;
        deliver(s, r);
    }
}

void sim_store_cut(struct sim_store *s, int error)
{
    forget(s->events, &s->n_events);
    forget(s->watches, &s->n_watches);
    sim_tx_forget(s);
    answer_all(s, error);
    s->store.lost(s->store.arg, "cut");
    while (!TAILQ_EMPTY(&s->requests) || !TAILQ_EMPTY(&s->replies))
        answer_all(s, error);
}

void sim_store_init(struct sim_store *s, uint16_t self)
{
    static const struct store_ops ops = {request};
    *s = (struct sim_store){.store.ops = &ops, .self = self, .up = true};
    TAILQ_INIT(&s->requests);
    TAILQ_INIT(&s->replies);
    LIST_INIT(&s->txs);
}

void sim_store_finish(struct sim_store *s)
{
    forget(s->events, &s->n_events);
    forget(s->watches, &s->n_watches);
    sim_tx_forget(s);
    free(s->events);
    free(s->watches);
    nodes_free(&s->nodes);
}
