/* SPDX-License-Identifier: MIT */
#include "controller/engine/watches.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/base/log.h"
#include "controller/engine/workqueue.h"
#include "schemas/mem.h"

enum { FIRST_EVENT = 1000 }; /* milliseconds in which a watch's first event should come */

/* The backend tree's comes last: its first event has everything listed, and by then the others are there. */
enum root {
    ROOT_RELEASED,
    ROOT_MODELS,
    ROOT_BACKEND,
    ROOTS,
};

/* A watch that was asked for, until the store has answered. */
struct wanted {
    struct engine *e;
    enum root root; /* ROOTS: it is a guest's or a device's */
    bool guest, shared;
    struct device_key key;        /* of the device for which it was asked */
    char path[STORE_PATH_MAX];    /* of the root or the frontend */
    char watched[STORE_PATH_MAX]; /* what was asked for, of a guest or a device */
    char token[DEVICE_KEY_SIZE + 2];
};

/* ---- what every engine watches ---- */

static void on_root_watched(struct wanted *w, int status)
{
    struct engine *e = w->e;
    unsigned bit = 1U << w->root;
    if (!status) {
        e->refused_roots &= ~bit;
        return;
    }
    if (!(e->refused_roots & bit))
        log_error("cannot watch %s: %s; looking every %d s instead", w->path, strerror(-status), POLL / 1000);
    e->refused_roots |= bit;
    e->rewatch_at = engine_now(e) + POLL;
    e->relist_at = engine_now(e);
    engine_wake_soon(e);
}

/* ---- a device's frontend ---- */

/* Counts one more device of the guest. True: a watch is needed for that. */
static bool join(struct engine *e, uint16_t domid)
{
    struct guest *g = &e->guests[domid];
    if (g->watched++)
        return false;
    g->shared = e->n_own >= e->cfg.guest_watches;
    unsigned *n = g->shared ? &e->n_shared : &e->n_own;
    return ++*n == 1 || !g->shared;
}

/* Counts one less. True: a watch is not needed any more. */
static bool leave(struct engine *e, uint16_t domid)
{
    struct guest *g = &e->guests[domid];
    if (--g->watched)
        return false;
    unsigned *n = g->shared ? &e->n_shared : &e->n_own;
    return --*n == 0 || !g->shared;
}

static void refused(struct engine *e, struct device *d, int status)
{
    d->unwatched = status;
    if (!status)
        return;
    free(d->watched);
    d->watched = NULL;
    if (d->by_guest)
        leave(e, d->key.domid);
    d->by_guest = false;
    workqueue_add_after(e, d, d->due, d->due_acts);
}

static void on_frontend_watched(struct wanted *w, int status)
{
    struct device *d = device_table_find(&w->e->devices, &w->key);
    if (d && d->watched && !d->by_guest && strcmp(d->watched, w->path) == 0)
        refused(w->e, d, status); /* otherwise another frontend is watched by now */
}

static void on_guest_watched(struct wanted *w, int status)
{
    struct device *d;
    for (size_t i = 0; i < w->e->devices.n_buckets; i++)
        SLIST_FOREACH (d, &w->e->devices.buckets[i], same_bucket)
            if (d->by_guest && (w->shared ? w->e->guests[d->key.domid].shared : d->key.domid == w->key.domid))
                refused(w->e, d, status);
}

static void on_unwatched(void *arg, int status, const char *data, size_t len)
{
    (void)arg;
    (void)status; /* if it stays, its events find no device */
    (void)data;
    (void)len;
}

/* Nobody knows whether it is there. One of those that every engine has is asked for again in any case. */
static void unwatch_unanswered(const struct wanted *w)
{
    if (w->root == ROOTS)
        store_unwatch(w->e->cfg.store, w->watched, w->token, on_unwatched, NULL);
}

static void on_watched(void *arg, int status, const char *data, size_t len)
{
    struct wanted *w = arg;
    (void)data;
    (void)len;
    if (status == -EEXIST) /* asked for again, since nobody had heard of the first one's answer */
        status = 0;
    if (status == -ETIMEDOUT && engine_running(w->e))
        unwatch_unanswered(w);
    if (!store_gone(status) && engine_running(w->e) && w->root != ROOTS)
        on_root_watched(w, status);
    else if (!store_gone(status) && engine_running(w->e) && w->guest && status)
        on_guest_watched(w, status);
    else if (!store_gone(status) && engine_running(w->e) && !w->guest)
        on_frontend_watched(w, status);
    free(w);
}

/* Of F/state, not of F: other keys that a guest writes wake nobody. */
static void watch_of(const struct device *d, const char *frontend, char path[static STORE_PATH_MAX],
                     char token[static DEVICE_KEY_SIZE + 2])
{
    snprintf(path, STORE_PATH_MAX, "%s/state", frontend);
    snprintf(token, DEVICE_KEY_SIZE + 2, "%s", TOKEN_FRONTEND);
    device_key_format(&d->key, token + 2);
}

static void guest_watch_of(const struct engine *e, uint16_t domid, char path[static STORE_PATH_MAX],
                           char token[static DEVICE_KEY_SIZE + 2])
{
    bool shared = e->guests[domid].shared;
    snprintf(path, STORE_PATH_MAX, shared ? "/local/domain" : "/local/domain/%u/device", domid);
    snprintf(token, DEVICE_KEY_SIZE + 2, shared ? TOKEN_GUESTS : TOKEN_GUEST "%u", domid);
}

void watches_remove_frontend(struct engine *e, struct device *d)
{
    char path[STORE_PATH_MAX], token[DEVICE_KEY_SIZE + 2];
    bool last = d->watched && (!d->by_guest || leave(e, d->key.domid));
    if (d->by_guest)
        guest_watch_of(e, d->key.domid, path, token);
    else if (d->watched)
        watch_of(d, d->watched, path, token);
    if (last && engine_running(e))
        store_unwatch(e->cfg.store, path, token, on_unwatched, NULL);
    free(d->watched);
    d->watched = NULL;
    d->by_guest = false;
}

/* Is the frontend where toolstacks put it? */
static bool in_guests_place(const struct engine *e, const struct device *d, const char *frontend)
{
    char usual[160];
    snprintf(usual, sizeof usual, "/local/domain/%u/device/%s/%s", d->key.domid,
             engine_policy(e, d)->frontend, d->key.devid);
    return strcmp(frontend, usual) == 0;
}

void watches_add_frontend(struct engine *e, struct device *d, const char *frontend)
{
    bool by_guest = in_guests_place(e, d, frontend);
    if (d->watched && d->by_guest == by_guest && strcmp(d->watched, frontend) == 0)
        return;
    watches_remove_frontend(e, d);
    d->watched = xstrdup(frontend);
    d->by_guest = by_guest;
    if (by_guest && !join(e, d->key.domid))
        return;
    struct wanted *w = xcalloc(1, sizeof *w);
    w->e = e;
    w->root = ROOTS;
    w->guest = by_guest;
    w->shared = by_guest && e->guests[d->key.domid].shared;
    w->key = d->key;
    snprintf(w->path, sizeof w->path, "%s", frontend);
    if (by_guest)
        guest_watch_of(e, d->key.domid, w->watched, w->token);
    else
        watch_of(d, frontend, w->watched, w->token);
    store_watch(e->cfg.store, w->watched, w->token, on_watched, w);
}

/* ---- at the start, and again ---- */

static void watch_root(struct engine *e, enum root root)
{
    static const char *const tokens[ROOTS] = {
        [ROOT_RELEASED] = TOKEN_DOMAINS, [ROOT_MODELS] = TOKEN_MODELS, [ROOT_BACKEND] = TOKEN_BACKEND};
    static const char *const names[ROOTS] = {
        [ROOT_RELEASED] = "@releaseDomain", [ROOT_MODELS] = "device-model", [ROOT_BACKEND] = "backend"};
    struct wanted *w = xcalloc(1, sizeof *w);
    w->e = e;
    w->root = root;
    if (names[root][0] == '@')
        snprintf(w->path, sizeof w->path, "%s", names[root]);
    else
        snprintf(w->path, sizeof w->path, "/local/domain/%u/%s", e->cfg.backend_domid, names[root]);
    store_watch(e->cfg.store, w->path, tokens[root], on_watched, w);
}

static void forget(void *arg, struct device *d)
{
    struct engine *e = arg;
    free(d->watched);
    d->watched = NULL;
    d->unwatched = 0;
    d->by_guest = false;
    e->guests[d->key.domid].watched = 0;
}

void watches_start(struct engine *e)
{
    static const struct device_key everywhere;
    device_table_each(&e->devices, BACKEND_ROOT, &everywhere, forget, e);
    e->refused_roots = 0;
    e->n_own = e->n_shared = 0;
    e->rewatch_at = 0;
    e->relist_at = engine_now(e) + FIRST_EVENT;
    engine_wake_at(e, e->relist_at);
    for (enum root root = 0; root < ROOTS; root++)
        watch_root(e, root);
}

void watches_retry(struct engine *e)
{
    e->rewatch_at = 0;
    for (enum root root = 0; root < ROOTS; root++)
        if (e->refused_roots & 1U << root)
            watch_root(e, root);
}
