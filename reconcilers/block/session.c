/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reconcilers/block/disk.h"
#include "reconcilers/block/journal.h"
#include "reconcilers/block/link.h"
#include "reconcilers/block/say.h"
#include "reconcilers/block/serve.h"
#include "schemas/mem.h"
#include "schemas/message.h"
#include "schemas/value.h"

enum standing {
    STANDING_IDLE,
    STANDING_CONNECTED,
    STANDING_BROKEN, /* still the controller's connection, but nothing is served or mapped */
    STANDING_ENDING, /* told to disconnect, requests are under way */
};

struct session {
    struct session_config config;
    struct link *link;
    struct serve *serve;
    enum standing standing;
    uint64_t ring; /* CONNECTED, BROKEN, ENDING */
    bool stopping;
};

static const char broken_text[] = "the guest's ring is broken: it claims more requests than fit";

/* ---- what is said ---- */

static void publish(struct message_line *m, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    message_key(m, key, text);
}

static void send_ready(struct session *w)
{
    const struct disk *d = w->config.disk;
    const struct geometry *g = &d->geometry;
    struct message_line m;
    message_begin(&m, MESSAGE_READY);
    publish(&m, "sectors", g->sectors);
    publish(&m, "sector-size", g->sector_size);
    publish(&m, "physical-sector-size", d->physical_size);
    publish(&m, "info", (d->cdrom ? VDISK_CDROM : 0U) | (g->read_only ? VDISK_READONLY : 0U));
    publish(&m, "feature-flush-cache", 1);
    publish(&m, "feature-barrier", 1);
    publish(&m, "feature-max-indirect-segments", INDIRECT_SEGMENTS_MAX);
    publish(&m, "feature-persistent", 0);
    unsigned order = ring_order_max(sysconf(_SC_PAGESIZE));
    publish(&m, "max-ring-page-order", order);
    publish(&m, "max-ring-pages", 1U << order);
    if (g->discard) {
        publish(&m, "feature-discard", 1);
        publish(&m, "discard-granularity", d->discard_granularity);
        publish(&m, "discard-alignment", d->discard_alignment);
        publish(&m, "discard-secure", 0);
    }
    link_send(w->link, &m);
}

static void send_ring(struct session *w)
{
    struct message_line m;
    message_begin(&m, MESSAGE_CONNECTED);
    message_arg_ring(&m, w->ring);
    link_send(w->link, &m);
}

/* By what it is, not by where it was found. */
static void send_image(struct session *w)
{
    const struct disk *d = w->config.disk;
    struct message_line m;
    if (!*d->identity || d->geometry.read_only)
        return;
    message_begin(&m, MESSAGE_WRITES);
    message_arg(&m, d->identity);
    link_send(w->link, &m);
}

static void send_disconnected(struct session *w)
{
    struct message_line m;
    message_begin(&m, MESSAGE_DISCONNECTED);
    link_send(w->link, &m);
}

static void send_error(struct session *w, const char *text)
{
    struct message_line m;
    message_begin(&m, MESSAGE_ERROR);
    message_arg(&m, text);
    link_send(w->link, &m);
}

static void complain(struct session *w, const char *text)
{
    say("%s", text);
    send_error(w, text);
}

static void send_lost(struct session *w)
{
    char text[160];
    snprintf(text, sizeof text,
             MESSAGE_LOST_WRITE
             "a flush of the image failed (%s): data is lost, and all flushes fail from now on",
             strerror((int)w->config.journal->lost));
    send_error(w, text);
}

static void on_welcome(struct session *w)
{
    if (w->config.failure) {
        complain(w, w->config.failure);
        w->config.finished(w->config.arg, false);
        return;
    }
    /* the ring first: who is ready without one is told to connect */
    if (w->standing == STANDING_CONNECTED || w->standing == STANDING_BROKEN)
        send_ring(w);
    send_image(w);
    send_ready(w);
    if (w->standing == STANDING_BROKEN)
        complain(w, broken_text);
    if (w->config.journal->lost)
        send_lost(w);
}

/* ---- connect ---- */

static const char *key(const struct message *m, const char *name)
{
    for (size_t i = 0; i < m->n_keys; i++)
        if (strcmp(m->keys[i].name, name) == 0)
            return m->keys[i].value;
    return NULL;
}

static bool number(const struct message *m, const char *name, uint64_t max, uint32_t *ret)
{
    const char *text = key(m, name);
    uint64_t n;
    if (!text || parse_decimal(text, strlen(text), max, &n))
        return false;
    *ret = (uint32_t)n;
    return true;
}

/* By either of the keys that frontends say it with. NULL, or the key that is wrong. */
static const char *read_size(const struct message *m, struct serve_ring *ring)
{
    unsigned order_max = ring_order_max(sysconf(_SC_PAGESIZE));
    uint32_t order = 0, n = 1;
    if (key(m, "ring-page-order") && !number(m, "ring-page-order", order_max, &order))
        return "ring-page-order";
    if (!key(m, "ring-page-order") && key(m, "num-ring-pages") &&
        (!number(m, "num-ring-pages", 1U << order_max, &n) || n == 0 || (n & (n - 1))))
        return "num-ring-pages";
    ring->n_pages = n << order;
    return NULL;
}

/* NULL, or the key that is missing or wrong. */
static const char *read_refs(const struct message *m, struct serve_ring *ring)
{
    const char *wrong = read_size(m, ring);
    if (wrong)
        return wrong;
    if (ring->n_pages == 1 && key(m, "ring-ref"))
        return number(m, "ring-ref", UINT32_MAX, &ring->refs[0]) ? NULL : "ring-ref";
    static const char names[RING_PAGES_MAX][10] = {"ring-ref0", "ring-ref1", "ring-ref2", "ring-ref3",
                                                   "ring-ref4", "ring-ref5", "ring-ref6", "ring-ref7"};
    for (unsigned i = 0; i < ring->n_pages; i++)
        if (!number(m, names[i], UINT32_MAX, &ring->refs[i]))
            return names[i];
    return NULL;
}

static const char *read_ring(const struct message *m, struct serve_ring *ring)
{
    if (!number(m, "event-channel", UINT32_MAX, &ring->port))
        return "event-channel";
    if (!blkif_abi_parse(key(m, "protocol"), &ring->abi))
        return "protocol";
    return read_refs(m, ring);
}

static void on_connect(struct session *w, const struct message *m)
{
    struct serve_ring ring = {0};
    char text[256];
    uint64_t id;
    if (!message_ring(m->args[0], &id)) {
        complain(w, "connect: not the name of a connection");
        return;
    }
    if (w->standing != STANDING_IDLE) {
        if (w->standing != STANDING_ENDING && w->ring == id)
            send_ring(w);
        else
            complain(w, "connect: another ring is connected");
        return;
    }
    const char *wrong = read_ring(m, &ring), *what = NULL;
    if (wrong) {
        snprintf(text, sizeof text, "connect: %s is missing or cannot be", wrong);
        complain(w, text);
        return;
    }
    int error = serve_connect(w->serve, &ring, &what);
    if (error) {
        snprintf(text, sizeof text, "connect: %s: %s", what ? what : "failed", strerror(-error));
        complain(w, text);
        return;
    }
    w->ring = id;
    w->standing = STANDING_CONNECTED;
    serve_look_at_size(w->serve);
    send_ring(w);
}

/* ---- disconnect, stop ---- */

static void on_disconnect(struct session *w)
{
    switch (w->standing) {
    case STANDING_CONNECTED:
        w->standing = STANDING_ENDING;
        serve_disconnect(w->serve);
        return;
    case STANDING_ENDING:
        return;
    case STANDING_IDLE:
    case STANDING_BROKEN:
        w->standing = STANDING_IDLE;
        send_disconnected(w);
        return;
    }
}

void session_stop(struct session *w)
{
    w->stopping = true;
    if (w->standing == STANDING_CONNECTED)
        on_disconnect(w);
    if (w->standing != STANDING_ENDING)
        w->config.finished(w->config.arg, true);
}

static void on_ended(void *arg)
{
    struct session *w = arg;
    w->standing = STANDING_IDLE;
    if (w->stopping)
        w->config.finished(w->config.arg, true);
    else
        send_disconnected(w);
}

static void on_broken(void *arg)
{
    struct session *w = arg;
    if (w->standing == STANDING_ENDING) {
        on_ended(w);
        return;
    }
    w->standing = STANDING_BROKEN;
    complain(w, broken_text);
}

static void on_resized(void *arg)
{
    struct session *w = arg;
    const struct disk *d = w->config.disk;
    say("the disk has %" PRIu64 " sectors now", d->geometry.sectors);
    if (!d->limit || d->geometry.sectors * SECTOR <= d->limit) {
        send_ready(w);
        return;
    }
    /* the keeper is gone: the next one does again what is under way */
    complain(w, "the image has grown: another worker takes over, that may write to all of it");
    w->config.finished(w->config.arg, true);
}

void session_give_up(struct session *w, const char *text)
{
    complain(w, text);
    w->config.finished(w->config.arg, false);
}

static void on_lost(void *arg)
{
    struct session *w = arg;
    say("a flush failed: %s. Data is lost, and all flushes fail from now on",
        strerror((int)w->config.journal->lost));
    send_lost(w);
}

void session_look_at_size(struct session *w)
{
    if (w->serve)
        serve_look_at_size(w->serve);
}

/* ---- messages ---- */

static void on_refused(struct session *w)
{
    say("the controller refused this worker");
    w->config.finished(w->config.arg, false);
}

static void on_message(void *arg, const struct message *m)
{
    struct session *w = arg;
    switch (m->kind) {
    case MESSAGE_WELCOME:
        on_welcome(w);
        return;
    case MESSAGE_REFUSED:
        on_refused(w);
        return;
    case MESSAGE_CONNECT:
        if (w->serve)
            on_connect(w, m);
        return;
    case MESSAGE_DISCONNECT:
        on_disconnect(w);
        return;
    case MESSAGE_STOP:
        session_stop(w);
        return;
    case MESSAGE_HELLO:
    case MESSAGE_READY:
    case MESSAGE_CONNECTED:
    case MESSAGE_DISCONNECTED:
    case MESSAGE_ERROR:
    case MESSAGE_WRITES:
    case MESSAGE_COUNT:
        return; /* no controller says these */
    }
}

/* ---- life ---- */

struct session *session_new(const struct session_config *config)
{
    struct session *w = xcalloc(1, sizeof *w);
    w->config = *config;
    if (!config->failure) {
        struct serve_config serve = {.loop = config->loop,
                                     .disk = config->disk,
                                     .engine = config->engine,
                                     .guest = config->guest,
                                     .journal = config->journal,
                                     .ended = on_ended,
                                     .broken = on_broken,
                                     .resized = on_resized,
                                     .lost = on_lost,
                                     .arg = w};
        w->serve = serve_new(&serve);
    }
    return w;
}

void session_begin(struct session *w, const char *socket_path)
{
    struct link_config link = {.loop = w->config.loop,
                               .path = socket_path,
                               .device = w->config.device,
                               .token = w->config.token,
                               .message = on_message,
                               .arg = w};
    w->link = link_new(&link);
}

void session_free(struct session *w)
{
    if (!w)
        return;
    link_free(w->link);
    serve_free(w->serve);
    free(w);
}
