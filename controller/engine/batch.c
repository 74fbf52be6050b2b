/* SPDX-License-Identifier: MIT */
/* A batch's way:
 *
 *   begin -> snapshots -> decisions -> writes and removals -> parents that are empty now -> end
 *
 * Where the store has no transactions there is neither a begin nor an end, and where a transaction keeps
 * nobody out it is as if there was none: then a batch is of one device, whose writes are made one after the
 * other, `state` last, and parents stay: somebody could be putting something into them. */
#include "controller/engine/batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/base/log.h"
#include "controller/engine/reconcile.h"
#include "controller/engine/workqueue.h"
#include "schemas/mem.h"

/* Devices in one transaction: measured to do well, and a conflict costs no more than these. */
enum { BATCH_MAX = 16 };

struct batch;
struct member {
    struct batch *b;
    struct reconcile reconcile;
    int error;       /* the first error of its writes */
    uint64_t marker; /* that it has written: its hash */
    bool unchanged;  /* nothing had changed, so that there is no view */
};

struct batch {
    struct engine *e;
    uint32_t tx;
    size_t n;
    struct member members[BATCH_MAX];
    unsigned pending;
    int error; /* ends the batch: the store is lost, or the transaction could not begin */
    bool bare; /* without a transaction */
    bool writes;
    size_t at_member, at_action, at_removal; /* which parent directory is looked at next */
};

static void finish(struct batch *b, int status);

static void on_end(void *arg, int status, const char *data, size_t len)
{
    (void)data;
    (void)len;
    finish(arg, status);
}

static bool any_failed(const struct batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->members[i].error)
            return true;
    return false;
}

static void end(struct batch *b)
{
    if (b->bare) {
        finish(b, b->error);
        return;
    }
    store_end(b->e->cfg.store, b->tx, b->writes && !b->error && !any_failed(b), on_end, b);
}

/* Events that arrived before the commit's answer need no reconcile. Some are of our own writes. The others
 * are of what the transaction has read: either it read what they tell of, or there was no commit. One case is
 * given away: xenstored leaves out an event that equals one which it has not sent yet, so that a client that
 * writes B's state a moment after us may be announced by our own event only. In dom0 toolstacks write
 * `online` with it, or remove B, and that is announced by itself. In a driver domain libxl writes Closed and
 * waits for us, so there nothing is forgotten. F's events are never ours. */
static void forget_announced(const struct engine *e, struct device *d)
{
    if (e->cfg.backend_domid != 0)
        return;
    d->dirty &= (uint8_t) ~(DIRTY_B_STATE | DIRTY_MARKER | DIRTY_F_STATE | DIRTY_ONLINE);
}

/* Ends one member's reconcile, as the transaction has ended. */
static void settle(struct batch *b, struct member *m, int status, bool failed)
{
    bool writes = m->reconcile.plan && plan_has_writes(m->reconcile.plan);
    if (store_gone(b->error) || store_gone(status))
        reconcile_store_lost(&m->reconcile);
    else if (m->unchanged)
        reconcile_unchanged(&m->reconcile);
    else if (b->error || status == -EAGAIN || status == -ETIMEDOUT) /* the last may have been done or not */
        reconcile_conflict(&m->reconcile);
    else if (m->error)
        reconcile_failed(&m->reconcile, m->error);
    else if (status && writes && b->n == 1)
        reconcile_failed(&m->reconcile, status);
    else if (status && writes)
        reconcile_in_own_transaction(&m->reconcile); /* together they were too much: each is tried alone */
    else if (status || failed ||
             !m->reconcile.plan) /* nothing was written, for any of them or for this one */
        reconcile_again(&m->reconcile);
    else
        reconcile_done(&m->reconcile);
}

static void finish(struct batch *b, int status)
{
    struct engine *e = b->e;
    bool failed = any_failed(b), committed = b->writes && !status && !b->error && !failed;
    e->batching = false;
    for (size_t i = 0; i < b->n && committed; i++)
        if (b->members[i].reconcile.plan)
            forget_announced(e, b->members[i].reconcile.d);
    for (size_t i = 0; i < b->n; i++)
        settle(b, &b->members[i], status, failed);
    free(b);
    e->dispatch(e);
}

/* ---- parents: removed when nothing is left in them; it is no failure if that cannot be done ---- */

static void next_parent(struct batch *b);

static void on_parent_removed(void *arg, int status, const char *data, size_t len)
{
    struct batch *b = arg;
    (void)data;
    (void)len;
    if (store_gone(status))
        b->error = status;
    next_parent(b);
}

static void on_parent(void *arg, int status, const char *data, size_t len)
{
    struct batch *b = arg;
    const struct action *a = &b->members[b->at_member].reconcile.plan->actions[b->at_action];
    (void)data;
    if (status == 0 && len)
        b->at_removal = a->n_removals; /* something else is in it, so it stays, and its parents with it */
    if (status == 0 && len == 0)
        store_remove(b->e->cfg.store, b->tx, a->removals[b->at_removal - 1].path, on_parent_removed, b);
    else
        on_parent_removed(b, status, NULL, 0);
}

/* One after the other: the outer directory is empty only when the inner one is gone. */
static void next_parent(struct batch *b)
{
    for (; b->at_member < b->n && !b->error; b->at_member++, b->at_action = 0) {
        const struct plan *p = b->members[b->at_member].reconcile.plan;
        for (; p && b->at_action < p->n_actions; b->at_action++, b->at_removal = 0) {
            const struct action *a = &p->actions[b->at_action];
            while (b->at_removal < a->n_removals) {
                const struct removal *r = &a->removals[b->at_removal++];
                if (!r->if_empty)
                    continue;
                store_directory(b->e->cfg.store, b->tx, r->path, on_parent, b);
                return;
            }
        }
    }
    end(b);
}

/* ---- writes ---- */

/* Does nobody else see or change what the batch does until it ends? */
static bool isolated(const struct engine *e)
{
    const struct store_abilities *can = &e->cfg.store->abilities;
    return !store_lacks(can, ABILITY_TRANSACTIONS) && !store_lacks(can, ABILITY_ISOLATION);
}

static void on_mended(void *arg, int status, const char *data, size_t len)
{
    (void)status; /* what could not be removed is found as a directory of ours without a frontend */
    (void)data;
    (void)len;
    end(arg);
}

static void on_still_there(void *arg, int status, const char *data, size_t len)
{
    struct batch *b = arg;
    const struct view *view = b->members[0].reconcile.view;
    if (status == -ENOENT && view_get(view, BACKEND, "frontend").presence == PRESENT)
        store_remove(b->e->cfg.store, 0, view->path[BACKEND], on_mended, b);
    else
        on_mended(arg, status, data, len);
}

/* A toolstack may have removed B while we wrote, and then we have made it again, with nothing but our keys in
 * it. A transaction would have failed. */
static void look_again(struct batch *b)
{
    const struct plan *p = b->members[0].reconcile.plan;
    char path[STORE_PATH_MAX];
    bool removes = false;
    for (size_t i = 0; p && i < p->n_actions; i++)
        removes |= p->actions[i].n_removals > 0;
    if (!p || removes) {
        end(b);
        return;
    }
    snprintf(path, sizeof path, "%s/frontend", b->members[0].reconcile.view->path[BACKEND]);
    store_read(b->e->cfg.store, 0, path, on_still_there, b);
}

static void written(struct batch *b)
{
    if (--b->pending)
        return;
    if (!b->error && !isolated(b->e))
        look_again(b);
    else if (b->error || any_failed(b))
        end(b);
    else
        next_parent(b);
}

static void on_write(void *arg, int status, const char *data, size_t len)
{
    struct member *m = arg;
    (void)data;
    (void)len;
    if (status && !m->error)
        m->error = status;
    written(m->b);
}

static void on_remove(void *arg, int status, const char *data, size_t len)
{
    on_write(arg, status == -ENOENT ? 0 : status, data, len); /* it is gone, as it should be */
}

/* Our marker, as we have written it, which nobody else can have made up. It is asked for from outside of the
 * transaction. */
static void on_outside(void *arg, int status, const char *data, size_t len)
{
    struct member *m = arg;
    struct store_abilities *can = &m->b->e->cfg.store->abilities;
    if (status == 0 && hash_bytes(HASH_INIT, data, len) == m->marker)
        store_has_not(can, ABILITY_ISOLATION, "our marker was seen");
    else if (status == 0 || status == -ENOENT)
        store_has(can, ABILITY_ISOLATION);
    written(m->b);
}

static void look_from_outside(struct batch *b, struct member *m, const struct write *w)
{
    struct value before = view_get(m->reconcile.view, BACKEND, MARKER_KEY);
    const char *slash = strrchr(w->path, '/');
    uint64_t marker = hash_bytes(HASH_INIT, w->value, strlen(w->value));
    if (b->bare || !store_unknown(&b->e->cfg.store->abilities, ABILITY_ISOLATION) ||
        strcmp(slash + 1, MARKER_KEY) != 0 ||
        (before.presence == PRESENT && hash_bytes(HASH_INIT, before.text, before.len) == marker))
        return;
    m->marker = marker;
    b->pending++;
    store_read(b->e->cfg.store, 0, w->path, on_outside, m);
}

static void write_plan(struct batch *b, struct member *m)
{
    struct store *store = b->e->cfg.store;
    for (size_t i = 0; m->reconcile.plan && i < m->reconcile.plan->n_actions; i++) {
        const struct action *a = &m->reconcile.plan->actions[i];
        for (size_t w = 0; w < a->n_writes; w++, b->pending++) {
            store_write(store, b->tx, a->writes[w].path, a->writes[w].value, on_write, m);
            look_from_outside(b, m, &a->writes[w]);
        }
        for (size_t r = 0; r < a->n_removals; r++)
            if (!a->removals[r].if_empty) {
                b->pending++;
                store_remove(store, b->tx, a->removals[r].path, on_remove, m);
            }
        b->writes |= a->n_writes || a->n_removals;
    }
}

/* ---- snapshots and decisions ---- */

static void on_view(void *arg, int status, struct view *view)
{
    struct member *m = arg;
    struct batch *b = m->b;
    m->unchanged = !status && !view;
    if (status)
        b->error = status;
    else if (view && reconcile_outdated(&m->reconcile, view))
        view_free(view); /* without a plan it is reconciled again */
    else if (view)
        reconcile_decide(&m->reconcile, view);
    if (--b->pending)
        return;
    b->pending = 1;
    for (size_t i = 0; i < b->n && !b->error; i++)
        write_plan(b, &b->members[i]);
    if (b->writes)
        written(b);
    else
        end(b);
}

/* As a rule a quota, which other clients in our domain use up as well. It is no device's fault, so it is
 * logged once. */
static void begin_refused(struct engine *e, int error)
{
    struct store_abilities *can = &e->cfg.store->abilities;
    bool lacked = store_lacks(can, ABILITY_TRANSACTIONS);
    store_judge(can, ABILITY_TRANSACTIONS, error);
    if (error == -EBUSY || error == -EAGAIN) /* somebody else has one */
        store_has_not(can, ABILITY_PARALLEL, strerror(-error));
    if (error == -EBUSY || error == -EAGAIN || lacked != store_lacks(can, ABILITY_TRANSACTIONS))
        return;
    if (error && !e->begin_refused && !store_gone(error))
        log_error("the store does not let us begin a transaction: %s; tried again until it does",
                  strerror(-error));
    else if (!error && e->begin_refused)
        log_info("the store lets us begin transactions again");
    e->begin_refused = error;
}

static void read_all(struct batch *b)
{
    b->pending = (unsigned)b->n;
    for (size_t i = 0; i < b->n; i++)
        reconcile_snapshot(&b->members[i].reconcile, b->tx, true, on_view, &b->members[i]);
}

static void on_begin(void *arg, int status, const char *data, size_t len)
{
    struct batch *b = arg;
    uint64_t tx;
    begin_refused(b->e, status);
    if (status || parse_decimal(data, len && !data[len - 1] ? len - 1 : len, UINT32_MAX, &tx)) {
        b->error = status ? status : -EIO;
        finish(b, b->error);
        return;
    }
    b->tx = (uint32_t)tx;
    read_all(b);
}

void batch_start(struct engine *e)
{
    struct batch *b = xcalloc(1, sizeof *b);
    struct device *d;
    b->e = e;
    b->bare = store_lacks(&e->cfg.store->abilities, ABILITY_TRANSACTIONS);
    const size_t most = isolated(e) ? BATCH_MAX : 1;
    while (b->n < most && (d = workqueue_get(e, true))) {
        if (d->own_transaction && b->n) {
            workqueue_add(e, d, 0); /* back into the queue: the next batch is for it alone */
            break;
        }
        struct member *m = &b->members[b->n++];
        bool own = d->own_transaction;
        m->b = b;
        reconcile_begin(&m->reconcile, e, d);
        if (own)
            break;
    }
    e->batching = true;
    if (b->bare)
        read_all(b);
    else
        store_begin(e->cfg.store, on_begin, b);
}
