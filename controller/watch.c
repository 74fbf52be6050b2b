/* SPDX-License-Identifier: MIT */
/* What the store is asked to tell us: of the backend tree and of domains always, and of the state of each
 * device's F. The store may refuse: then we look by ourselves, and ask again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine_impl.h"
#include "controller/log.h"
#include "schemas/mem.h"

/* The backend tree comes last: with its first event we look at everything, and hear of the rest by then. */
enum root {
    ROOT_RELEASED,
    ROOT_MODELS,
    ROOT_BACKEND,
    ROOTS,
};

/* A watch that was asked for. */
struct wanted {
    struct engine *e;
    enum root root;        /* ROOTS: of a device */
    struct device_key key; /* then */
    char path[STORE_PATH_MAX];
};

/* ---- what every engine watches ---- */

static void on_root_watched(struct wanted *w, int status)
{
    static const struct device_key everywhere;
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
    engine_wish(e, e->rewatch_at);
    engine_look_over(e, BACKEND_ROOT, &everywhere);
}

/* ---- a device's frontend ---- */

static void on_frontend_watched(struct wanted *w, int status)
{
    struct device *d = devices_find(&w->e->devices, &w->key);
    if (!d || !d->watched || strcmp(d->watched, w->path) != 0)
        return; /* no longer what is wanted */
    d->unwatched = status;
    if (!status)
        return;
    free(d->watched);
    d->watched = NULL;
    engine_set_due(w->e, d, d->due, d->due_acts);
}

static void on_watched(void *arg, int status, const char *data, size_t len)
{
    struct wanted *w = arg;
    (void)data;
    (void)len;
    if (!store_gone(status) && w->e->running && w->root != ROOTS)
        on_root_watched(w, status);
    else if (!store_gone(status) && w->e->running)
        on_frontend_watched(w, status);
    free(w);
}

static void on_unwatched(void *arg, int status, const char *data, size_t len)
{
    (void)arg;
    (void)status; /* events of a watch that is still there find no device */
    (void)data;
    (void)len;
}

/* F/state, not F: what a guest puts beside its state does not wake us. */
static void watch_of(const struct device *d, const char *frontend, char path[static STORE_PATH_MAX],
                     char token[static DEVICE_KEY_SIZE + 2])
{
    snprintf(path, STORE_PATH_MAX, "%s/state", frontend);
    snprintf(token, DEVICE_KEY_SIZE + 2, "%s", TOKEN_FRONTEND);
    device_key_format(&d->key, token + 2);
}

void engine_unwatch_frontend(struct engine *e, struct device *d)
{
    char path[STORE_PATH_MAX], token[DEVICE_KEY_SIZE + 2];
    if (d->watched && e->running) {
        watch_of(d, d->watched, path, token);
        store_unwatch(e->cfg.store, path, token, on_unwatched, NULL);
    }
    free(d->watched);
    d->watched = NULL;
}

void engine_watch_frontend(struct engine *e, struct device *d, const char *frontend)
{
    char path[STORE_PATH_MAX], token[DEVICE_KEY_SIZE + 2];
    if (d->watched && strcmp(d->watched, frontend) == 0)
        return;
    engine_unwatch_frontend(e, d);
    d->watched = xstrdup(frontend);
    struct wanted *w = xcalloc(1, sizeof *w);
    w->e = e;
    w->root = ROOTS;
    w->key = d->key;
    snprintf(w->path, sizeof w->path, "%s", frontend);
    watch_of(d, frontend, path, token);
    store_watch(e->cfg.store, path, token, on_watched, w);
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
        snprintf(w->path, sizeof w->path, "/local/domain/%u/%s", e->cfg.self, names[root]);
    store_watch(e->cfg.store, w->path, tokens[root], on_watched, w);
}

static void forget(void *arg, struct device *d)
{
    (void)arg;
    free(d->watched);
    d->watched = NULL;
    d->unwatched = 0;
}

void engine_watch_anew(struct engine *e)
{
    static const struct device_key everywhere;
    devices_each(&e->devices, BACKEND_ROOT, &everywhere, forget, e);
    e->refused_roots = 0;
    e->rewatch_at = 0;
    for (enum root root = 0; root < ROOTS; root++)
        watch_root(e, root);
}

void engine_watch_refused(struct engine *e)
{
    e->rewatch_at = 0;
    for (enum root root = 0; root < ROOTS; root++)
        if (e->refused_roots & 1U << root)
            watch_root(e, root);
}
