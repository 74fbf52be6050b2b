/* SPDX-License-Identifier: MIT */
/* What must never happen, checked with every write, every commit and every task of a worker. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/marker.h"
#include "test/sim/sim_tx.h"
#include "test/sim/sim_world.h"

/* ---- where it writes ---- */

static bool is(const char *path, const char *directory, const char *key)
{
    size_t n = strlen(directory);
    return strncmp(path, directory, n) == 0 && path[n] == '/' && strcmp(path + n + 1, key) == 0;
}

static bool may_write(const struct sim_world *w, const struct sim_device *d, const char *path)
{
    static const char *const keys[] = {"state", MARKER_KEY, "feature-flush-cache"};
    bool works = w->setup.worker || w->setup.reloads;
    bool scripts = w->setup.owner == OWNER_KERNEL && (w->setup.hotplug || w->setup.reloads);
    if (w->setup.owner != OWNER_XENRECON)
        return scripts && (is(path, d->b, "hotplug-status") || is(path, d->b, "hotplug-error"));
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (is(path, d->b, keys[i]))
            return true;
    return is(path, d->b, "hotplug-status") || (works && is(path, d->b, "sectors")) ||
           (w->setup.reloads && is(path, d->b, "feature-discard"));
}

static bool may_remove(const struct sim_world *w, const struct sim_device *d, const char *path)
{
    size_t type = strlen("/local/domain/0/backend/qdisk");
    bool ours = w->store.self == 0 && w->setup.removes;
    if (w->setup.owner == OWNER_XENRECON && strcmp(path, d->b) == 0)
        return true;
    if (w->setup.owner != OWNER_XENRECON)
        return may_write(w, d, path) || /* then also remove it */
               (strcmp(path, d->b) == 0 &&
                (w->setup.orphans || (w->store.self && w->setup.owner == OWNER_KERNEL))) ||
               (ours && w->setup.orphans && path_within(d->b, path));
    return ours && (strcmp(path, d->f) == 0 ||
                    (strlen(path) >= type && strlen(path) < strlen(d->b) && path_within(d->b, path)));
}

/* The values that no decision does without, read in the transaction before it writes. Where our marker is,
 * `frontend` and `frontend-id` are what they were when it was written. */
static const char *not_read(const struct sim_tx *tx, const struct sim_device *d)
{
    static const char *const keys[] = {MARKER_KEY, "state", "online", "frontend", "frontend-id"};
    static char path[192];
    bool marked = false;
    for (size_t i = 0; i < (marked ? 3 : sizeof keys / sizeof *keys); i++) {
        snprintf(path, sizeof path, "%s/%s", d->b, keys[i]);
        const struct sim_access *read = sim_tx_read(tx, path);
        if (!read)
            return path;
        marked |= i == 0 && read->value;
    }
    snprintf(path, sizeof path, "%s/frontend", d->b);
    const struct sim_access *frontend = sim_tx_read(tx, path);
    snprintf(path, sizeof path, "%s/state", d->f);
    return (!frontend || frontend->value) && !sim_tx_read(tx, path) ? path : NULL;
}

/* Is something in it, as the transaction sees it? */
static bool takes_along(const struct sim_world *w, const struct sim_tx *tx, const char *path)
{
    for (unsigned i = 0; i < w->setup.devices; i++) {
        const struct sim_device *d = &w->devices[i];
        if (path_within(d->b, path) && strcmp(d->b, path) != 0 &&
            nodes_find(tx->changed ? &tx->nodes : &w->store.nodes, d->b))
            return true;
    }
    return false;
}

/* A parent is one of several devices: it is enough that it was decided for one of them. */
static void on_change(void *arg, const struct sim_tx *tx, const char *path, const char *value)
{
    struct sim_world *w = arg;
    const char *missing = NULL;
    bool may = false;
    for (unsigned i = 0; i < w->setup.devices; i++) {
        const struct sim_device *d = &w->devices[i];
        if (value ? !may_write(w, d, path) : !may_remove(w, d, path))
            continue;
        may = true;
        missing = tx ? not_read(tx, d) : NULL;
        if (!missing)
            break;
    }
    if (!may)
        sim_fail(w, "%s %s", value ? "writes" : "removes", path);
    else if (!tx)
        sim_fail(w, "changes %s outside of a transaction", path);
    else if (missing)
        sim_fail(w, "changes %s without having read %s", path, missing);
    else if (!value && takes_along(w, tx, path))
        sim_fail(w, "removes %s with what is in it", path);
}

/* ---- what it knew ---- */

static bool unread(const struct sim_world *w, const struct sim_access *a, bool frontend)
{
    bool absent = a && (a->status == -ENOENT || (frontend && w->store.self && a->status == -EACCES));
    return a && a->status && !absent;
}

static const struct sim_access *access_of(const struct sim_tx *tx, const char *directory, const char *key)
{
    char path[192];
    snprintf(path, sizeof path, "%s/%s", directory, key);
    return sim_tx_read(tx, path);
}

static bool any_unread(const struct sim_world *w, const struct sim_tx *tx, const struct sim_device *d)
{
    static const char *const keys[] = {"state", "online", "frontend", "frontend-id", MARKER_KEY};
    static const char *const hotplug[] = {"script", "hotplug-status", "hotplug-error"};
    char home[32];
    snprintf(home, sizeof home, "/local/domain/%u", d->key.domid);
    const struct sim_access *domain = sim_tx_read(tx, home);
    bool dead = domain && domain->status == -ENOENT; /* then F does not matter */
    bool any = !dead && unread(w, access_of(tx, d->f, "state"), true);
    for (size_t i = 0; i < 3 && sim_hotplug(w, w->in_force); i++)
        any |= unread(w, access_of(tx, d->b, hotplug[i]), false);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        any |= unread(w, access_of(tx, d->b, keys[i]), false);
    return any;
}

/* Also what only some states need. */
static bool unread_for(const struct sim_world *w, const struct sim_tx *tx, const struct sim_device *d,
                       const char *state)
{
    if (strcmp(state, "4") == 0)
        return unread(w, access_of(tx, d->f, "ring-ref"), true) ||
               unread(w, access_of(tx, d->f, "event-channel"), true);
    return strcmp(state, "2") == 0 && unread(w, access_of(tx, d->b, "mode"), false);
}

static void check_values(struct sim_world *w, const struct sim_tx *tx)
{
    for (size_t i = 0; i < tx->n_accesses; i++) {
        const struct sim_access *a = &tx->accesses[i];
        const char *now = nodes_text(&w->store.nodes, a->path);
        if (!a->of_own && a->value && (!now || strcmp(now, a->value) != 0))
            sim_fail(w, "commits what was decided from %s = %s, which is %s", a->path, a->value,
                     now ? now : "gone");
    }
}

/* ---- what it does to a device ---- */

struct before {
    int b, f;
    bool online, marked;
    struct marker marker;
};

static struct before before_of(const struct sim_world *w, const struct sim_device *d)
{
    const char *marker = sim_text(w, d->b, MARKER_KEY), *online = sim_text(w, d->b, "online");
    struct before x = {.b = sim_state(w, d->b), .f = sim_state(w, d->f)};
    x.online = online && strcmp(online, "1") == 0;
    x.marked = marker && !marker_parse(marker, strlen(marker), &x.marker);
    return x;
}

/* What names F's connect keys in a marker. */
uint64_t sim_ring(const struct sim_world *w, const struct sim_device *d)
{
    static const char *const keys[] = {"event-channel", "ring-ref"};
    uint64_t h = HASH_INIT;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *text = sim_text(w, d->f, keys[i]);
        if (!text)
            return 0;
        h = hash_bytes(h, keys[i], strlen(keys[i]) + 1);
        h = hash_bytes(h, text, strlen(text) + 1);
    }
    return h;
}

bool sim_served(const struct sim_world *w, const struct sim_device *d)
{
    struct before x = before_of(w, d);
    bool connected = x.online && x.b == 4 && x.f == 4 && x.marked && x.marker.wrote == XENBUS_CONNECTED &&
                     x.marker.connected && x.marker.ring == sim_ring(w, d) && w->alive[sim_domain(w, d)];
    bool works = sim_works(w, d->variant) || (d->inherits && d->crew.incarnation);
    return connected &&
           (!works || (d->crew.state == WORKER_CONNECTED && d->crew.ring == x.marker.ring &&
                       d->crew.incarnation == x.marker.incarnation && !crew_lives(&d->crew) == false));
}

/* Was it seen that no device model claims it? */
static bool model_absent(const struct sim_world *w, const struct sim_tx *tx, const struct sim_device *d)
{
    char path[64];
    snprintf(path, sizeof path, "/local/domain/%u/device-model/%u", w->store.self, d->key.domid);
    for (size_t i = 0; i < tx->n_accesses; i++) /* each device of the guest asks */
        if (is(tx->accesses[i].path, path, "state") && tx->accesses[i].status == -ENOENT)
            return true;
    return false;
}

static void check_state(struct sim_world *w, const struct sim_tx *tx, const struct sim_device *d,
                        const struct before *x, const char *state)
{
    int to = atoi(state);
    bool works = sim_works(w, d->variant);
    bool ready = d->front_step && x->f >= 3 && x->f <= 4;
    if (unread_for(w, tx, d, state))
        sim_fail(w, "writes state %s, decided from what could not be read", state);
    if (to == 6 && crew_holds(&d->crew))
        sim_fail(w, "Closed, and a worker holds the ring");
    if (to != x->b && x->b == 6 && x->online && x->marked && x->marker.wrote != XENBUS_CLOSED)
        sim_fail(w, "answers the toolstack's Closed");
    if (to != 4 && x->b == 4 && x->online && ready && x->marked && x->marker.wrote == XENBUS_CONNECTED &&
        sim_ring(w, d) && w->alive[sim_domain(w, d)])
        sim_fail(w, "Connected is not kept");
    if (works && to == 2 && d->looked.state != WORKER_READY)
        sim_fail(w, "InitWait without a worker that is ready");
    if (works && to == 2 && x->b == 1 && d->crew.mode &&
        d->crew.mode != (sim_text(w, d->b, "mode") ? sim_text(w, d->b, "mode")[0] : 0))
        sim_fail(w, "InitWait with a worker that was started with other values");
    if (to == 2 && x->b == 1 && !model_absent(w, tx, d))
        sim_fail(w, "InitWait beside a device model, or without having looked for one");
    if (works && to == 4 && (d->looked.state != WORKER_CONNECTED || d->looked.ring != sim_ring(w, d)))
        sim_fail(w, "Connected without a worker that is");
}

static void check_removal(struct sim_world *w, const struct sim_device *d, const struct before *x)
{
    /* with Closed that it wrote, libxl tells a driver domain to remove what it cannot */
    bool asked = w->store.self && x->b == 6 && x->marked && x->marker.wrote != XENBUS_CLOSED;
    if (x->online && !asked && w->alive[sim_domain(w, d)])
        sim_fail(w, "removes %s, which is online in a living domain", d->b);
    if (w->setup.owner == OWNER_KERNEL && x->b == 4)
        sim_fail(w, "removes %s, which a kernel serves", d->b);
    if (d->script.runs)
        sim_fail(w, "removes %s while its script runs", d->b);
}

/* A policy that is not in force any more counts for what was held when it was replaced, and for no other. */
static void check_policy(struct sim_world *w, const struct sim_tx *tx, const struct sim_device *d,
                         const struct before *x)
{
    struct marker m = x->marker;
    bool changes = false, removes = false, ours = sim_owner(w, w->in_force) == OWNER_XENRECON;
    for (size_t i = 0; i < tx->n_changes; i++) {
        const struct sim_change *c = &tx->changes[i];
        removes |= !c->value && strcmp(c->path, d->b) == 0;
        changes |= c->value && path_within(c->path, d->b);
        if (c->value && is(c->path, d->b, MARKER_KEY))
            marker_parse(c->value, strlen(c->value), &m);
    }
    if (w->setup.owner != OWNER_XENRECON && changes && !d->script.kept && !sim_hotplug(w, w->in_force))
        sim_fail(w, "writes to %s, which no policy has it do", d->b);
    if (w->setup.owner != OWNER_XENRECON || ours || w->setup.orphans || (!changes && !removes))
        return;
    if (!d->kept || m.incarnation != d->kept)
        sim_fail(w, "%s %s, which it was not holding when the policy was replaced",
                 removes ? "removes" : "writes to", d->b);
}

/* The policy of one that is made anew is the one in force. */
static void note_policy(const struct sim_world *w, const struct sim_tx *tx, struct sim_device *d)
{
    struct marker m;
    for (size_t i = 0; i < tx->n_changes; i++) {
        const struct sim_change *c = &tx->changes[i];
        if (c->value && is(c->path, d->b, MARKER_KEY) && !marker_parse(c->value, strlen(c->value), &m) &&
            m.incarnation != d->kept)
            d->variant = w->in_force;
    }
}

/* B as it is, against what the transaction makes of it. */
static void check_device(struct sim_world *w, const struct sim_tx *tx, struct sim_device *d)
{
    struct before x = before_of(w, d);
    bool quiet = sim_served(w, d) && tx->begun > d->touched;
    check_policy(w, tx, d, &x);
    note_policy(w, tx, d);
    for (size_t i = 0; i < tx->n_changes; i++) {
        const struct sim_change *c = &tx->changes[i];
        if (!c->value && strcmp(c->path, d->b) == 0)
            check_removal(w, d, &x);
        if (!path_within(c->path, d->b) && !(strcmp(c->path, d->f) == 0))
            continue;
        const char *now = nodes_text(&w->store.nodes, c->path);
        bool news = is(c->path, d->b, "sectors") || is(c->path, d->b, "feature-discard");
        if (any_unread(w, tx, d))
            sim_fail(w, "changes %s, decided from what could not be read", c->path);
        if (quiet && !news && (!c->value || !now || strcmp(now, c->value) != 0))
            sim_fail(w, "a device that is served and left alone is disturbed: %s = %s", c->path,
                     c->value ? c->value : "gone");
        if (c->value && is(c->path, d->b, "state"))
            check_state(w, tx, d, &x, c->value);
    }
}

static void on_ended(void *arg, const struct sim_tx *tx, bool committed)
{
    struct sim_world *w = arg;
    for (unsigned i = 0; i < w->setup.devices; i++) {
        struct sim_device *d = &w->devices[i];
        if (!access_of(tx, d->b, "state"))
            continue;
        d->decided_in = tx->begun;
        d->unreadable = any_unread(w, tx, d);
        if (committed)
            check_device(w, tx, d);
    }
    if (!committed)
        return;
    check_values(w, tx);
    if (tx->n_changes)
        sim_check_idle(w);
    w->commits += tx->n_changes > 0;
}

void sim_check_attach(struct sim_world *w)
{
    w->store.changes = on_change;
    w->store.ended = on_ended;
}
