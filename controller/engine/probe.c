/* SPDX-License-Identifier: MIT */
#include "controller/engine/probe.h"

#include <stdio.h>
#include <stdlib.h>

#include "controller/engine/reconcile.h"
#include "controller/engine/workqueue.h"
#include "controller/observe/snapshot.h"
#include "reconcilers/ring.h"
#include "schemas/mem.h"

struct probe {
    struct engine *e;
    struct device *d;
    unsigned pending;
    bool changed, lost;
    bool agree; /* F's state has become B's: there will hardly be anything to write */
};

static void answered(struct probe *p)
{
    struct engine *e = p->e;
    if (--p->pending)
        return;
    e->passes--;
    if (p->lost)
        p->d->dirty |= DIRTY_ALL;
    else if (p->changed)
        workqueue_add(e, p->d, p->agree ? DIRTY_ALL : DIRTY_ALL | DIRTY_LIKELY);
    reconcile_finished(e, p->d, false);
    free(p);
    e->dispatch(e);
}

static void compare(struct probe *p, bool same, int status)
{
    p->lost |= store_gone(status);
    p->changed |= !same;
    answered(p);
}

static void on_ring(void *arg, int status, struct view *view)
{
    struct probe *p = arg;
    bool same = view && ring_of(engine_policy(p->e, p->d), view) == p->d->last.ring;
    view_free(view);
    compare(p, same, status);
}

/* An F that is ready may have been away meanwhile, and have come back with another ring. */
static void ask_ring(struct probe *p)
{
    struct snapshot_request req = {.store = p->e->cfg.store,
                                   .backend_domid = p->e->cfg.backend_domid,
                                   .device = p->d->key,
                                   .policy = engine_policy(p->e, p->d),
                                   .ring_of = p->d->watched,
                                   .done = on_ring,
                                   .arg = p};
    p->pending++;
    snapshot_take(&req);
}

/* A state that cannot be read or understood counts as changed. */
static bool state_is(int status, const char *data, size_t len, enum xenbus_state last)
{
    enum xenbus_state state = XENBUS_ABSENT;
    if (status == 0 && xenbus_state_parse(data, len, &state))
        return false;
    return state == last;
}

static void on_backend_state(void *arg, int status, const char *data, size_t len)
{
    struct probe *p = arg;
    bool same = state_is(status, data, len, p->d->last.b);
    p->agree &= same;
    compare(p, same, status);
}

static void on_frontend_state(void *arg, int status, const char *data, size_t len)
{
    struct probe *p = arg;
    enum xenbus_state last = p->d->last.f;
    bool ready = last == XENBUS_INITIALISED || last == XENBUS_CONNECTED;
    bool same = state_is(status, data, len, last);
    p->agree = state_is(status, data, len, p->d->last.b);
    if (same && ready && engine_policy(p->e, p->d)->owner == OWNER_XENRECON)
        ask_ring(p);
    compare(p, same, status);
}

static void on_online(void *arg, int status, const char *data, size_t len)
{
    struct probe *p = arg;
    int last = p->d->last.online;
    compare(p, status == 0 && len == 1 && last >= 0 && data[0] == '0' + last, status);
}

static void on_marker(void *arg, int status, const char *data, size_t len)
{
    struct probe *p = arg;
    compare(p, status == 0 && hash_bytes(HASH_INIT, data, len) == p->d->last.marker, status);
}

static void ask(struct probe *p, const char *directory, const char *key, store_reply_fn *done)
{
    char path[STORE_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", directory,
             key); /* device_frontend_path_valid() left room for a key */
    p->pending++;
    store_read(p->e->cfg.store, 0, path, done, p);
}

void probe_start(struct engine *e, struct device *d)
{
    struct probe *p = xcalloc(1, sizeof *p);
    char backend[BACKEND_PATH_SIZE];
    unsigned dirty = d->dirty;
    *p = (struct probe){.e = e, .d = d, .pending = 1};
    device_backend_path(e->cfg.backend_domid, &d->key, backend);
    d->dirty = 0;
    d->own_event = false;
    d->stage = STAGE_RUNNING;
    e->passes++;
    if (dirty & DIRTY_B_STATE)
        ask(p, backend, "state", on_backend_state);
    if (dirty & DIRTY_ONLINE)
        ask(p, backend, "online", on_online);
    if (dirty & DIRTY_MARKER)
        ask(p, backend, MARKER_KEY, on_marker);
    if (dirty & DIRTY_F_STATE && d->watched)
        ask(p, d->watched, "state", on_frontend_state);
    answered(p); /* for the count that it began with; the end of it where nothing was asked */
}
