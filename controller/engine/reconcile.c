/* SPDX-License-Identifier: MIT */
#include "controller/engine/reconcile.h"

#include <errno.h>
#include <string.h>

#include "controller/base/backoff.h"
#include "controller/base/log.h"
#include "controller/engine/engine.h"
#include "controller/engine/images.h"
#include "controller/engine/recall.h"
#include "controller/engine/reconcile_log.h"
#include "controller/engine/registry.h"
#include "controller/engine/tasks.h"
#include "controller/engine/watches.h"
#include "controller/engine/workqueue.h"
#include "controller/observe/snapshot.h"
#include "reconcilers/decide.h"
#include "reconcilers/ends.h"
#include "reconcilers/ring.h"

void reconcile_begin(struct reconcile *r, struct engine *e, struct device *d)
{
    *r = (struct reconcile){
        .e = e, .d = d, .policy = engine_policy(e, d), .state_only = workqueue_state_only(e, d)};
    r->begun = e->cfg.observe ? e->cfg.stopwatch(e->cfg.arg) : 0;
    d->dirty = 0;
    d->own_event = false;
    d->stage = STAGE_RUNNING;
    e->passes++;
}

static void on_frontend(void *arg, const char *path)
{
    struct reconcile *r = arg;
    watches_add_frontend(r->e, r->d, path);
}

void reconcile_snapshot(struct reconcile *r, uint32_t tx, bool writes,
                        void (*done)(void *arg, int status, struct view *view), void *arg)
{
    struct snapshot_request req = {
        .store = r->e->cfg.store,
        .tx = tx,
        .backend_domid = r->e->cfg.backend_domid,
        .device = r->d->key,
        .policy = r->policy,
        .object = &r->d->memory.object,
        .image = !r->d->image_read,
        .diagnose = !writes && !r->d->due, /* not while the last plan still waits for something */
        .frontend_found = on_frontend,
        .frontend_arg = r,
        .done = done,
        .arg = arg};
    struct worker worker;
    /* B's frontend need not be read: a change would have been announced, and the marker, which is read, says
     * whether B is still the same directory */
    r->named = r->d->seen == SEEN_NAMED && !r->d->renamed && r->d->watched &&
               r->d->memory.object.phase != OBJECT_NONE && r->policy->owner == OWNER_XENRECON;
    if (r->named)
        req.frontend = r->d->watched;
    req.unless = r->state_only && r->named && !(r->d->dirty & ~DIRTY_F_STATE);
    r->writes = writes && !r->e->cfg.dry_run;
    req.as_was = r->d->last.f;
    r->d->renamed = false;
    /* Events until now are of what the answers to these requests will show. */
    r->d->dirty = 0;
    tasks_update_script(r->e, r->d);
    if (tasks_ask_worker(r->e, r->d, &worker))
        req.worker = &worker;
    snapshot_take(&req);
}

static uint64_t hash_of(const struct value *v)
{
    return v->presence == PRESENT ? hash_bytes(HASH_INIT, v->text, v->len) : 0;
}

static bool named(const struct device *d, const struct view *v)
{
    struct value frontend = view_get(v, BACKEND, "frontend"), id = view_get(v, BACKEND, "frontend-id");
    struct value marker = view_get(v, BACKEND, MARKER_KEY);
    uint64_t domid;
    return d->watched && frontend.presence == PRESENT && strcmp(frontend.text, d->watched) == 0 &&
           id.presence == PRESENT && !parse_decimal(id.text, id.len, DOMID_MAX, &domid) &&
           domid == d->key.domid && marker.presence == PRESENT;
}

/* Keeps the values that a probe compares with, as they will be after the plan's writes: their events arrive
 * before the commit's answer. If the commit fails, the device is reconciled in full anyway. */
static void remember_values(struct reconcile *r)
{
    struct ends ends = ends_of(r->view);
    struct value marker = view_get(r->view, BACKEND, MARKER_KEY);
    struct device *d = r->d;
    r->read = ends;
    d->seen = named(d, r->view) ? SEEN_NAMED : SEEN_VALUES;
    d->last.marker = hash_of(&marker);
    d->last.b = ends.backend;
    d->last.f = ends.frontend;
    d->last.online = ends.online;
    d->last.ring = ring_of(r->policy, r->view);
    for (size_t i = 0; i < r->plan->n_actions && r->writes; i++)
        for (size_t w = 0; w < r->plan->actions[i].n_writes; w++) {
            const struct write *write = &r->plan->actions[i].writes[w];
            const char *key = strrchr(write->path, '/') + 1;
            if (strcmp(key, MARKER_KEY) == 0)
                d->last.marker = hash_bytes(HASH_INIT, write->value, strlen(write->value));
            else if (strcmp(key, "state") == 0)
                xenbus_state_parse(write->value, strlen(write->value), &d->last.b);
        }
}

bool reconcile_outdated(struct reconcile *r, const struct view *view)
{
    struct value marker = view_get(view, BACKEND, MARKER_KEY);
    bool outdated = r->named && (r->d->renamed || hash_of(&marker) != r->d->last.marker);
    r->d->renamed |= outdated;
    return outdated;
}

/* Are both ends as they were? In the row `steady` something is overdue since the ends became as they are, not
 * since the row was reached. */
static bool same_ends(const struct device *d, const struct view *view)
{
    struct ends ends = ends_of(view);
    return d->last.b == ends.backend && d->last.f == ends.frontend && d->last.online == ends.online;
}

void reconcile_decide(struct reconcile *r, struct view *view)
{
    struct engine *e = r->e;
    struct worker worker;
    bool worked = tasks_ask_worker(e, r->d, &worker);
    r->d->memory.retired_policy = r->d->retired_policy != NULL;
    r->d->memory.unwatched = r->d->unwatched;
    images_update(e, r->d, r->policy, view, worked ? &worker : NULL);
    struct decision_input in = {.policy = r->policy,
                                .view = view,
                                .memory = &r->d->memory,
                                .worker = worked ? &worker : NULL,
                                .now = engine_now(e),
                                .fresh_incarnation = e->cfg.random(e->cfg.arg) | 1};
    recall_device(e, r->d, &in);
    if (r->d->seen && r->d->memory.row == ROW_STEADY && !same_ends(r->d, view))
        r->d->memory.row_since = 0;
    r->view = view;
    r->worker = worked ? worker : (struct worker){0};
    r->plan = decide(&in, &r->object);
    r->first = !r->d->seen;
    remember_values(r);
}

/* ---- what is remembered ---- */

static bool finds(const struct plan *p, enum finding_code code)
{
    for (size_t i = 0; i < p->n_findings; i++)
        if (p->findings[i].code == code)
            return true;
    return false;
}

static void remember_said(struct memory *m, enum finding_code code, uint64_t since)
{
    for (size_t i = 0; i < m->n_said; i++)
        if (m->said[i].code == code)
            return;
    if (m->n_said < SAID_MAX)
        m->said[m->n_said++] = (struct said){code, since};
}

/* Since when what is found, is. What could not be looked at is not over. */
static void remember_findings(struct memory *m, const struct plan *p)
{
    struct memory was = *m;
    m->n_said = 0;
    for (size_t i = 0; i < p->n_findings; i++)
        remember_said(m, p->findings[i].code, p->findings[i].since);
    for (size_t i = 0; i < was.n_said && p->row == ROW_UNREADABLE; i++)
        remember_said(m, was.said[i].code, was.said[i].since);
}

/* What others are told of both ends: as they were read, or written and committed. */
static void show(struct device *d, struct ends ends)
{
    d->shown.b = ends.backend;
    d->shown.f = ends.frontend;
    d->shown.online = ends.online;
}

/* Nothing of the plan was written. */
static void take_back(struct reconcile *r)
{
    if (!r->plan)
        return;
    r->d->last.b = r->read.backend;
    show(r->d, r->read);
}

static void remember_row(struct reconcile *r)
{
    struct memory *m = &r->d->memory;
    m->condition = r->plan->condition;
    r->d->shown.health = health_of(r->plan);
    remember_findings(m, r->plan);
    if (m->row != r->plan->row || !m->row_since)
        m->row_since = engine_now(r->e);
    m->row = r->plan->row;
}

/* ---- how it ends ---- */

void reconcile_finished(struct engine *e, struct device *d, bool gone)
{
    d->stage = STAGE_IDLE;
    d->own_event = d->dirty != 0;
    bool script =
        d->memory.object.script.phase == SCRIPT_RUNNING; /* when it ends, the device is found gone */
    d->script.renewed |= gone;
    if (gone && d->dirty) /* only a full read can tell whether it is back */
        d->dirty |= DIRTY_ALL;
    if ((gone && !d->dirty && !script) ||
        !engine_policy(e, d)) /* a reload dropped its type, and it holds nothing any more */
        registry_remove(e, d);
    else
        workqueue_add(e, d, 0);
}

static void end(struct reconcile *r, bool gone)
{
    struct engine *e = r->e;
    struct device *d = r->d;
    recall_note(e, d, r->view);
    plan_free(r->plan);
    view_free(r->view);
    e->passes--;
    reconcile_finished(e, d, gone);
}

/* The view as it will be once the plan is carried out. */
static struct view *view_after(const struct reconcile *r)
{
    struct view *after = view_copy(r->view);
    size_t directory = strlen(r->view->path[BACKEND]) + 1; /* every write is to a key of B */
    for (size_t i = 0; i < r->plan->n_actions; i++)
        for (size_t w = 0; w < r->plan->actions[i].n_writes; w++) {
            const struct write *write = &r->plan->actions[i].writes[w];
            view_replace(after, BACKEND, write->path + directory, PRESENT, write->value,
                         strlen(write->value));
        }
    for (size_t i = 0; i < r->plan->n_actions; i++)
        for (size_t k = 0; k < r->plan->actions[i].n_removals; k++)
            view_replace(after, BACKEND, r->plan->actions[i].removals[k].path + directory, ABSENT, NULL, 0);
    view_seal(after);
    return after;
}

/* Does the plan remove B itself, and not only keys of it? */
static bool removes(const struct reconcile *r)
{
    const struct plan *p = r->plan;
    for (size_t i = 0; i < p->n_actions; i++)
        for (size_t k = 0; k < p->actions[i].n_removals; k++)
            if (strcmp(p->actions[i].removals[k].path, r->view->path[BACKEND]) == 0)
                return true;
    return false;
}

/* Another row may have waited for our own writes, whose events are dropped. So it is decided again, on the
 * view as it has become, without reading. A plan that acts is not carried out: the device is queued, and
 * decided once more from a fresh view. */
static void follow_up(struct reconcile *r)
{
    if (removes(r))
        return; /* B's own event will end the device */
    struct plan *done = r->plan;
    struct view *before = r->view, *after = view_after(r);
    r->writes = false;
    reconcile_decide(r, after);
    if (plan_acts(r->plan)) {
        workqueue_add(r->e, r->d, DIRTY_ALL | DIRTY_LIKELY);
    } else {
        reconcile_log_observe(r, RECONCILE_FOLLOWED, 0);
        r->d->memory.object = r->object;
        remember_row(r);
    }
    plan_free(done);
    view_free(before);
}

void reconcile_done(struct reconcile *r)
{
    struct device *d = r->d;
    char key[DEVICE_KEY_SIZE];
    device_key_format(&d->key, key);
    bool wrote = plan_has_writes(r->plan) && !r->e->cfg.dry_run;
    if (!r->plan->n_actions && !d->memory.object.phase && r->object.phase)
        log_info("%s: %sadopt: our marker is there: taken over as it is", key,
                 r->e->cfg.dry_run ? "would " : "");
    reconcile_log_actions(r, key);
    reconcile_log_observe(r, RECONCILE_DONE, 0);
    if (!plan_acts(r->plan) || !r->e->cfg.dry_run)
        d->memory.object = r->object;
    if (wrote || r->plan->row != d->memory.failure.row || !r->plan->requeue_acts)
        d->memory.failure = (struct failure){0};
    remember_row(r);
    if (!r->e->cfg.dry_run)
        tasks_start(r->e, d, r->plan);
    bool contended = finds(r->plan, FINDING_CONTENDED);
    d->memory.contended_since = 0;
    if (wrote)
        follow_up(r);
    else if (contended) /* it was decided before it was known that nobody interferes any more */
        workqueue_add(r->e, d, DIRTY_ALL);
    reconcile_log_findings(r, key);
    if (d->retired_policy && !device_held(d) &&
        !r->plan->requeue_acts) { /* where it is requeue_acts, B is still to be removed */
        d->retired_policy = NULL;
        workqueue_add(r->e, d, DIRTY_ALL | DIRTY_LIKELY);
    }
    d->conflicts = 0;
    d->own_transaction = false;
    show(d, (struct ends){d->last.online, d->last.b, d->last.f});
    workqueue_add_after(r->e, d, r->plan->requeue_at, r->plan->requeue_acts);
    end(r, r->plan->row == ROW_VANISHED);
}

void reconcile_failed(struct reconcile *r, int error)
{
    struct engine *e = r->e;
    struct failure *f = &r->d->memory.failure;
    char key[DEVICE_KEY_SIZE];
    device_key_format(&r->d->key, key);
    if (f->attempt < UINT8_MAX)
        f->attempt++;
    uint64_t delay = workqueue_backoff(e, r->policy, f->attempt);
    f->error = error;
    f->row = r->plan->row;
    f->digest = view_digest(r->view);
    f->until = engine_now(e) + delay;
    reconcile_log_observe(r, RECONCILE_FAILED, error);
    log_about(LOG_LEVEL_ERROR, &(struct log_about){.row = row_name(r->plan->row)},
              "%s: %s failed: %s; tried again in %u ms", key, row_name(r->plan->row), strerror(-error),
              (unsigned)delay);
    remember_row(r);
    take_back(r);
    workqueue_add_after(e, r->d, f->until, true);
    end(r, false);
}

void reconcile_conflict(struct reconcile *r)
{
    struct engine *e = r->e;
    struct device *d = r->d;
    char key[DEVICE_KEY_SIZE];
    device_key_format(&d->key, key);
    reconcile_log_observe(r, RECONCILE_CONFLICT, 0);
    take_back(r);
    if (!d->memory.contended_since)
        d->memory.contended_since = engine_now(e);
    if (r->plan && finds(r->plan, FINDING_CONTENDED)) {
        remember_findings(&d->memory, r->plan);
        reconcile_log_findings(r, key);
    }
    uint64_t delay = UINT64_C(1) << (d->conflicts < 10 ? d->conflicts : 10);
    if (d->conflicts < UINT8_MAX)
        d->conflicts++;
    d->own_transaction = true;
    uint64_t until = engine_now(e) + backoff_jittered(delay, e->cfg.random(e->cfg.arg));
    if (d->held < until) /* its guest may be held for longer, for what it did meanwhile */
        workqueue_hold_until(e, d, until);
    workqueue_add(e, d, DIRTY_ALL | DIRTY_LIKELY);
    end(r, false);
}

void reconcile_unchanged(struct reconcile *r)
{
    end(r, false);
}

void reconcile_again(struct reconcile *r)
{
    take_back(r);
    workqueue_add(r->e, r->d, DIRTY_ALL | DIRTY_LIKELY);
    end(r, false);
}

void reconcile_in_own_transaction(struct reconcile *r)
{
    r->d->own_transaction = true;
    reconcile_again(r);
}

void reconcile_store_lost(struct reconcile *r)
{
    take_back(r);
    r->d->dirty |= DIRTY_ALL;
    end(r, false);
}
