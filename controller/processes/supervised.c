/* SPDX-License-Identifier: MIT */
#include "controller/processes/supervised.h"

#include <stdlib.h>
#include <string.h>

#include "controller/processes/format_servers.h"
#include "schemas/mem.h"
#include "schemas/printable.h"

uint64_t supervised_now(const struct workers *w)
{
    return uv_now(w->cfg.loop) + 1;
}

/* ---- the table ---- */

static struct bucket *bucket(struct workers *w, const struct device_key *key)
{
    return &w->buckets[device_key_hash(key) & (BUCKETS - 1)];
}

struct supervised *supervised_find(const struct workers *w, const struct device_key *key)
{
    struct supervised *s;
    LIST_FOREACH (s, &w->buckets[device_key_hash(key) & (BUCKETS - 1)], same_bucket)
        if (device_key_equal(&s->key, key))
            return s;
    return NULL;
}

struct supervised *supervised_new(struct workers *w, const struct device_key *key)
{
    struct supervised *s = xcalloc(1, sizeof *s);
    s->w = w;
    s->key = *key;
    device_key_format(key, s->name);
    LIST_INSERT_HEAD(bucket(w, key), s, same_bucket);
    return s;
}

void supervised_free(struct supervised *s)
{
    struct workers *w = s->w;
    if (s->process) {
        worker_process_close(s->process);
        w->running--;
    }
    if (w->socket)
        worker_socket_forget(w->socket, s);
    if (s->has_news)
        TAILQ_REMOVE(&w->news, s, news);
    LIST_REMOVE(s, same_bucket);
    worker_launch_free(s->next);
    if (!w->closed)
        format_servers_leave(s->formats);
    output_close(s->output);
    tail_clear(&s->printed);
    arena_free(&s->published);
    free(s);
}

/* NULL, or the text made printable, in `to`. */
static const char *keep(char to[static SAID_SIZE], const char *text)
{
    char copy[SAID_SIZE]; /* the text may lie in `to` */
    if (!text)
        return NULL;
    printable_copy(copy, sizeof copy, text, strlen(text), false);
    return memcpy(to, copy, sizeof copy);
}

void supervised_say(struct supervised *s, const char *text)
{
    s->facts.said = keep(s->said, text);
}

void supervised_say_lost(struct supervised *s, const char *text)
{
    s->facts.lost = keep(s->lost, text);
}

void supervised_say_image(struct supervised *s, const char *text)
{
    s->facts.image = keep(s->image, text);
}

/* ---- time ---- */

void supervised_await(struct supervised *s, uint32_t allowed, const char *awaited)
{
    struct patience *p = &s->w->patience;
    s->deadline = patience_now(p) + allowed;
    s->allowed = allowed;
    s->awaited = awaited;
    patience_until(p, s->deadline);
}

uint64_t supervised_look(void *arg, uint64_t now)
{
    struct workers *w = arg;
    struct supervised *s;
    uint64_t next = 0;
    for (int i = 0; i < BUCKETS; i++) {
        LIST_FOREACH (s, &w->buckets[i], same_bucket) {
            if (s->deadline && s->deadline <= now) {
                s->deadline = 0;
                w->overdue(s);
            }
            if (s->deadline && (!next || s->deadline < next))
                next = s->deadline;
        }
    }
    return next;
}

/* ---- news ---- */

/* News that the callbacks add are told in the next turn. */
static void on_news(uv_timer_t *timer)
{
    struct workers *w = timer->data;
    struct supervised *s, *last = TAILQ_LAST(&w->news, news);
    struct device_key key, last_key;
    if (!last)
        return;
    last_key = last->key;
    while (!w->closed && (s = TAILQ_FIRST(&w->news))) {
        key = s->key;
        TAILQ_REMOVE(&w->news, s, news);
        s->has_news = false;
        w->cfg.changed(w->cfg.arg, &key);
        if (device_key_equal(&key, &last_key))
            break;
    }
    if (!w->closed && !TAILQ_EMPTY(&w->news))
        uv_timer_start(&w->teller, on_news, 0, 0);
}

void supervised_tell(struct supervised *s)
{
    struct workers *w = s->w;
    if (s->has_news)
        return;
    s->has_news = true;
    TAILQ_INSERT_TAIL(&w->news, s, news);
    uv_timer_start(&w->teller, on_news, 0, 0);
}
