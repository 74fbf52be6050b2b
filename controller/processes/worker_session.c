/* SPDX-License-Identifier: MIT */
#include "controller/processes/worker_session.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/base/log.h"
#include "schemas/printable.h"

enum {
    LOG_INTERVAL = 500, /* milliseconds between two lines about what one worker says */
    MISCONDUCT_MAX = 8, /* after so many connections that were closed for what it sent, a worker is broken */
};

/* Limits what is logged of one worker, however much it says. */
static bool may_log(struct supervised *s)
{
    uint64_t now = supervised_now(s->w);
    if (s->logged_at && now - s->logged_at < LOG_INTERVAL)
        return false;
    s->logged_at = now;
    return true;
}

/* ---- connections ---- */

/* Is it the worker's process, or one of its session? */
static bool is_of(const struct supervised *s, pid_t pid, pid_t session, uid_t uid)
{
    pid_t ours = s->process ? worker_process_pid(s->process) : 0;
    return ours && (pid == ours || session == ours) && (uid == 0 || uid == s->record.uid);
}

static void *whose(void *arg, pid_t pid, uid_t uid)
{
    const struct workers *w = arg;
    pid_t session = pid > 0 ? getsid(pid) : 0;
    struct supervised *s;
    for (int i = 0; i < BUCKETS && pid > 0; i++)
        LIST_FOREACH (s, &w->buckets[i], same_bucket)
            if (is_of(s, pid, session, uid))
                return s;
    return NULL;
}

/* Compares in a time that does not depend on where they differ. */
static bool same_token(const char *ours, const char *theirs)
{
    unsigned char differ = 0;
    if (strlen(theirs) != TOKEN_DIGITS)
        return false;
    for (int i = 0; i < TOKEN_DIGITS; i++)
        differ |= (unsigned char)(ours[i] ^ theirs[i]);
    return differ == 0;
}

void session_hang_up(struct supervised *s)
{
    if (s->connection)
        worker_socket_hang_up(s->connection);
    s->connection = NULL;
}

/* It has to say its state anew. One that never did gets no more time by connecting again. */
static void start_over(struct supervised *s, const char *awaited)
{
    if (s->facts.state == WORKER_STARTING)
        return;
    s->facts.state = WORKER_STARTING;
    s->facts.ring = 0;
    supervised_await(s, s->w->cfg.hello_within, awaited);
    supervised_tell(s);
}

static const char *on_hello(void *arg, void *who, struct worker_connection *link, const struct message *m)
{
    struct supervised *s = who;
    (void)arg;
    if (strcmp(m->args[1], s->name) != 0 || !same_token(s->record.token, m->args[2])) {
        if (may_log(s))
            log_warning("%s: worker %d does not say who it is", s->name, (int)s->record.pid);
        return "not the device or the token that it was given";
    }
    if (s->ending != ENDING_NOT)
        return "it is to end";
    session_hang_up(s);
    s->connection = link;
    s->told = false;
    start_over(s, "say `ready`");
    return NULL;
}

static void on_lost(void *arg, void *who, const char *wrong)
{
    struct supervised *s = who;
    (void)arg;
    s->connection = NULL;
    if (s->ending != ENDING_NOT)
        return;
    if (!wrong) {
        start_over(s, "come back");
        return;
    }
    if (may_log(s))
        log_warning("%s: worker %d %s", s->name, (int)s->record.pid, wrong);
    if (++s->misconduct >= MISCONDUCT_MAX) {
        s->w->kill(s, wrong);
        return;
    }
    supervised_say(s, wrong);
    supervised_tell(s);
    start_over(s, "come back");
}

/* ---- what they say ---- */

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const struct published *)a)->key, ((const struct published *)b)->key);
}

static bool same_keys(const struct worker *facts, const struct published *keys, size_t n)
{
    if (facts->n_published != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(facts->published[i].key, keys[i].key) != 0 ||
            strcmp(facts->published[i].value, keys[i].value) != 0)
            return false;
    return true;
}

/* What has not changed is not replaced, and is no news. */
static void publish(struct supervised *s, const struct message *m)
{
    struct published keys[MESSAGE_KEYS_MAX] = {{0}}, *copy;
    for (size_t i = 0; i < m->n_keys; i++)
        keys[i] = (struct published){m->keys[i].name, m->keys[i].value};
    qsort(keys, m->n_keys, sizeof *keys, compare_keys);
    if (same_keys(&s->facts, keys, m->n_keys))
        return;
    arena_free(&s->published);
    copy = arena_alloc(&s->published, (m->n_keys ? m->n_keys : 1) * sizeof *copy);
    for (size_t i = 0; i < m->n_keys; i++)
        copy[i] = (struct published){arena_strdup(&s->published, keys[i].key),
                                     arena_strdup(&s->published, keys[i].value)};
    s->facts.published = copy;
    s->facts.n_published = m->n_keys;
    supervised_tell(s);
}

static void settle(struct supervised *s, enum worker_state state)
{
    s->facts.state = state;
    s->deadline = 0;
    if (state == WORKER_CONNECTED) { /* failures are forgotten for success alone */
        s->facts.failures = 0;
        s->facts.died = NULL;
        if (s->record.failures) {
            s->record.failures = 0;
            s->record.died[0] = '\0';
            worker_record_save(&s->w->dir, &s->record); /* if it fails, a restart says that it died before */
        }
        s->served_at = s->served_at ? s->served_at : supervised_now(s->w);
    }
    supervised_tell(s);
}

static void on_ready(struct supervised *s, const struct message *m)
{
    publish(s, m);
    if (s->facts.said) {
        supervised_say(s, NULL);
        supervised_tell(s);
    }
    if (s->facts.state == WORKER_STARTING)
        settle(s, s->facts.ring ? WORKER_CONNECTED : WORKER_READY);
}

/* A worker says this unasked to tell its state: before or after `ready`, as long as it was told nothing. */
static void on_connected(struct supervised *s, uint64_t ring)
{
    struct worker *f = &s->facts;
    bool late = f->state == WORKER_READY && (!s->told || ring == f->refused);
    bool answer = f->state == WORKER_CONNECTING && ring == f->ring;
    if (f->state == WORKER_STARTING && !s->told)
        f->ring = ring;
    if (!late && !answer)
        return;
    f->ring = ring;
    f->refused = 0;
    supervised_say(s, NULL);
    settle(s, WORKER_CONNECTED);
}

/* A worker that says this unasked has given the ring up: connecting it again at once would do no good. */
static void on_disconnected(struct supervised *s)
{
    struct worker *f = &s->facts;
    if (f->state == WORKER_CONNECTED)
        f->refused = f->ring;
    if (f->state != WORKER_CONNECTING) /* then `error` or `connected` is the answer */
        f->ring = 0;
    if (f->state == WORKER_CONNECTED || f->state == WORKER_DISCONNECTING)
        settle(s, WORKER_READY);
}

/* What is lost stays so, whatever the worker says or does later: it is no answer, and no `ready` takes it
 * back. */
static void on_lost_write(struct supervised *s, const char *text)
{
    if (!s->facts.lost && may_log(s))
        log_error("%s: its worker says: %s", s->name, text);
    supervised_say_lost(s, text);
    supervised_tell(s);
}

static void on_error(struct supervised *s, const char *text)
{
    if (strncmp(text, MESSAGE_LOST_WRITE, strlen(MESSAGE_LOST_WRITE)) == 0) {
        on_lost_write(s, text + strlen(MESSAGE_LOST_WRITE));
        return;
    }
    supervised_say(s, text);
    supervised_tell(s);
    if (may_log(s))
        log_warning("%s: its worker says: %s", s->name, s->said);
    if (s->facts.state != WORKER_CONNECTING)
        return;
    s->facts.refused = s->facts.ring;
    s->facts.ring = 0;
    settle(s, WORKER_READY);
}

static void on_writes(struct supervised *s, const char *image)
{
    if (s->facts.image && strcmp(s->facts.image, image) == 0)
        return;
    supervised_say_image(s, image);
    supervised_tell(s);
}

static const char *on_message(void *arg, void *who, const struct message *m)
{
    struct supervised *s = who;
    uint64_t ring;
    (void)arg;
    if (s->ending != ENDING_NOT)
        return NULL;
    switch (m->kind) {
    case MESSAGE_READY:
        on_ready(s, m);
        return NULL;
    case MESSAGE_CONNECTED:
        if (!message_ring(m->args[0], &ring))
            return "has no ring in it";
        on_connected(s, ring);
        return NULL;
    case MESSAGE_DISCONNECTED:
        on_disconnected(s);
        return NULL;
    case MESSAGE_ERROR:
        on_error(s, m->args[0]);
        return NULL;
    case MESSAGE_WRITES:
        on_writes(s, m->args[0]);
        return NULL;
    case MESSAGE_HELLO:
    case MESSAGE_WELCOME:
    case MESSAGE_REFUSED:
    case MESSAGE_CONNECT:
    case MESSAGE_DISCONNECT:
    case MESSAGE_STOP:
    case MESSAGE_COUNT:
        break;
    }
    return "is not for a worker to say now";
}

/* ---- what they are told ---- */

void session_connect(struct supervised *s, uint64_t ring, const struct published *keys, size_t n_keys)
{
    struct message_line line;
    if (!s->connection || s->facts.state != WORKER_READY)
        return;
    message_begin(&line, MESSAGE_CONNECT);
    message_arg_ring(&line, ring);
    for (size_t i = 0; i < n_keys; i++)
        message_key(&line, keys[i].key, keys[i].value);
    if (worker_socket_send(s->connection, &line) == -EMSGSIZE) {
        s->facts.refused = ring;
        supervised_say(s, "the frontend's keys are too long to be told");
        supervised_tell(s);
        return;
    }
    s->told = true;
    s->facts.refused = 0;
    s->facts.ring = ring;
    s->facts.state = WORKER_CONNECTING;
    supervised_await(s, s->record.connect, "answer `connect`");
    supervised_tell(s);
}

void session_disconnect(struct supervised *s)
{
    struct message_line line;
    if (!s->connection || (s->facts.state != WORKER_CONNECTED && s->facts.state != WORKER_CONNECTING))
        return;
    message_begin(&line, MESSAGE_DISCONNECT);
    worker_socket_send(s->connection, &line);
    s->told = true;
    s->facts.state = WORKER_DISCONNECTING;
    supervised_await(s, s->record.close, "answer `disconnect`");
    supervised_tell(s);
}

struct worker_socket *session_new(struct workers *w, int listening)
{
    const struct worker_socket_config config = {.loop = w->cfg.loop,
                                                .hello_within = w->cfg.hello_within,
                                                .arg = w,
                                                .whose = whose,
                                                .hello = on_hello,
                                                .message = on_message,
                                                .lost = on_lost};
    return worker_socket_new(&config, listening);
}
