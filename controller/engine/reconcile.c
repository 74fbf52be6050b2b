/* SPDX-License-Identifier: MIT */
#include "controller/engine/reconcile.h"

#include <errno.h>
#include <string.h>

#include "controller/base/backoff.h"
#include "controller/base/log.h"
#include "controller/engine/engine.h"
#include "controller/engine/reconcile_log.h"
#include "controller/engine/registry.h"
#include "controller/engine/tasks.h"
#include "controller/engine/watches.h"
#include "controller/engine/workqueue.h"
#include "controller/observe/snapshot.h"
#include "reconcilers/data_plane.h"
#include "reconcilers/decide.h"

void look_begin(struct look *l, struct engine *e, struct device *d)
{
    *l = (struct look){.e = e, .d = d, .policy = engine_policy(e, d), .glance = engine_glances(e, d)};
    l->begun = e->cfg.observe ? e->cfg.stopwatch(e->cfg.arg) : 0;
    d->dirty = 0;
    d->echo = false;
    d->stage = STAGE_RUNNING;
    e->passes++;
}

static void on_frontend(void *arg, const char *path)
{
    struct look *l = arg;
    engine_watch_frontend(l->e, l->d, path);
}

/* What must be known to start one anew, and what it publishes, where B may hold other values. */
static void ask_for_worker(const struct device *d, const struct worker *w, struct snapshot_request *req)
{
    const struct object *o = &d->memory.object;
    req->backend_keys = w->state == WORKER_NONE || w->state == WORKER_DEAD;
    if (o->published == worker_published(w))
        return;
    req->also = w->published;
    req->n_also = w->n_published;
}

void look_snapshot(struct look *l, uint32_t tx, void (*done)(void *arg, int status, struct view *view),
                   void *arg)
{
    struct snapshot_request req = {.store = l->e->cfg.store,
                                   .tx = tx,
                                   .self = l->e->cfg.self,
                                   .device = l->d->key,
                                   .policy = l->policy,
                                   .diagnose = !tx && !l->d->due, /* not while it may just take its time */
                                   .frontend_found = on_frontend,
                                   .frontend_arg = l,
                                   .done = done,
                                   .arg = arg};
    struct worker worker;
    /* what is announced is known, and the marker, which is read, says that it is the same directory still */
    l->named = l->d->last.named && !l->d->renamed && l->d->watched &&
               l->d->memory.object.phase != OBJECT_NONE && l->policy->owner == OWNER_XENRECON;
    if (l->named)
        req.frontend = l->d->watched;
    req.unless = l->glance && l->named && !(l->d->dirty & ~DIRTY_F_STATE);
    l->writes = tx && !l->e->cfg.dry_run;
    req.as_was = l->d->last.f;
    l->d->renamed = false;
    /* What happened until now was announced before the answers to these requests can come: they will show it.
     */
    l->d->dirty = 0;
    engine_fold_script(l->e, l->d);
    if (engine_look_at_worker(l->e, l->d, &worker))
        ask_for_worker(l->d, &worker, &req);
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

/* The values that a probe compares with: as they were seen, and as we are about to write them. Known before
 * the commit, since its events arrive before its reply; should it fail, the device is looked at in full
 * anyway. */
static void remember_values(struct look *l)
{
    struct ends ends = view_ends(l->view);
    struct value marker = view_get(l->view, BACKEND, MARKER_KEY);
    struct device *d = l->d;
    d->seen = true;
    d->last.marker = hash_of(&marker);
    d->last.b = ends.backend;
    d->last.f = ends.frontend;
    d->last.online = ends.online;
    d->last.named = named(d, l->view);
    d->last.ring = view_ring(l->policy, l->view);
    for (size_t i = 0; i < l->plan->n_actions && l->writes; i++)
        for (size_t w = 0; w < l->plan->actions[i].n_writes; w++) {
            const struct write *write = &l->plan->actions[i].writes[w];
            const char *key = strrchr(write->path, '/') + 1;
            if (strcmp(key, MARKER_KEY) == 0)
                d->last.marker = hash_bytes(HASH_INIT, write->value, strlen(write->value));
            else if (strcmp(key, "state") == 0)
                xenbus_state_parse(write->value, strlen(write->value), &d->last.b);
        }
}

bool look_outdated(struct look *l, const struct view *view)
{
    struct value marker = view_get(view, BACKEND, MARKER_KEY);
    bool outdated = l->named && (l->d->renamed || hash_of(&marker) != l->d->last.marker);
    l->d->renamed |= outdated;
    return outdated;
}

/* Steady is many things: what is overdue in it, is so since the ends are as they are. */
static bool same_ends(const struct device *d, const struct view *view)
{
    struct ends ends = view_ends(view);
    return d->seen && d->last.b == ends.backend && d->last.f == ends.frontend &&
           d->last.online == ends.online;
}

void engine_remark(struct plan *p, bool kept, int unwatched)
{
    if (kept)
        plan_find(p, FINDING_POLICY_CHANGED, SEVERITY_WARNING,
                  "the policy that this device was created under is not in force any more");
    if (unwatched)
        plan_find(p, FINDING_UNWATCHED, SEVERITY_WARNING,
                  "the store refuses to watch its frontend (%s): looked at every %d s", strerror(-unwatched),
                  POLL / 1000);
}

void look_decide(struct look *l, struct view *view)
{
    struct engine *e = l->e;
    struct worker worker;
    bool worked = engine_look_at_worker(e, l->d, &worker);
    l->d->memory.kept = l->d->kept != NULL;
    struct decision_input in = {.policy = l->policy,
                                .view = view,
                                .memory = &l->d->memory,
                                .worker = worked ? &worker : NULL,
                                .now = engine_now(e),
                                .fresh_incarnation = e->cfg.random(e->cfg.arg) | 1};
    if (l->d->memory.row == ROW_STEADY && !same_ends(l->d, view))
        l->d->memory.row_since = 0;
    l->view = view;
    l->worker = worked ? worker : (struct worker){0};
    l->plan = decide(&in, &l->object);
    l->first = !l->d->seen;
    remember_values(l);
    engine_remark(l->plan, l->d->kept != NULL, l->d->unwatched);
}

/* ---- what is remembered ---- */

static void remember_row(struct look *l)
{
    struct memory *m = &l->d->memory;
    if (m->row != l->plan->row || !m->row_since)
        m->row_since = engine_now(l->e);
    m->row = l->plan->row;
}

/* ---- how it ends ---- */

void engine_looked(struct engine *e, struct device *d, bool gone)
{
    d->stage = STAGE_IDLE;
    d->echo = d->dirty != 0;
    bool script = d->memory.object.script.phase == SCRIPT_RUNNING; /* its end finds the device gone */
    d->script.renewed |= gone;
    if (gone && d->dirty) /* nothing less can tell whether it still is */
        d->dirty |= DIRTY_ALL;
    if ((gone && !d->dirty && !script) ||
        !engine_policy(e, d)) /* a reload dropped its type, and it is closed */
        remove_device(e, d);
    else
        engine_mark(e, d, 0);
}

static void end(struct look *l, bool gone)
{
    struct engine *e = l->e;
    struct device *d = l->d;
    plan_free(l->plan);
    view_free(l->view);
    e->passes--;
    engine_looked(e, d, gone);
}

/* How the world looks with the plan carried out. */
static struct view *view_after(const struct look *l)
{
    struct view *after = view_copy(l->view);
    size_t directory = strlen(l->view->path[BACKEND]) + 1; /* every write is to a key of B */
    for (size_t i = 0; i < l->plan->n_actions; i++)
        for (size_t w = 0; w < l->plan->actions[i].n_writes; w++) {
            const struct write *write = &l->plan->actions[i].writes[w];
            view_replace(after, BACKEND, write->path + directory, PRESENT, write->value,
                         strlen(write->value));
        }
    for (size_t i = 0; i < l->plan->n_actions; i++)
        for (size_t r = 0; r < l->plan->actions[i].n_removals; r++)
            view_replace(after, BACKEND, l->plan->actions[i].removals[r].path + directory, ABSENT, NULL, 0);
    view_seal(after);
    return after;
}

/* The directory, and not only keys of it? */
static bool removes(const struct look *l)
{
    const struct plan *p = l->plan;
    for (size_t i = 0; i < p->n_actions; i++)
        for (size_t r = 0; r < p->actions[i].n_removals; r++)
            if (strcmp(p->actions[i].removals[r].path, l->view->path[BACKEND]) == 0)
                return true;
    return false;
}

/* Our own writes are no news, but they may be what another row waits for: decide again on what the view has
 * become, without asking the store. What is then to be done is decided once more, from a fresh view. */
static void follow_up(struct look *l)
{
    if (removes(l))
        return; /* the event that tells of it ends the device */
    struct plan *done = l->plan;
    struct view *before = l->view, *after = view_after(l);
    l->writes = false;
    look_decide(l, after);
    if (plan_acts(l->plan)) {
        engine_mark(l->e, l->d, DIRTY_ALL | DIRTY_LIKELY);
    } else {
        observe(l, LOOK_FOLLOWED, 0);
        l->d->memory.object = l->object;
        remember_row(l);
    }
    plan_free(done);
    view_free(before);
}

void look_done(struct look *l)
{
    struct device *d = l->d;
    char key[DEVICE_KEY_SIZE];
    device_key_format(&d->key, key);
    bool wrote = plan_has_writes(l->plan) && !l->e->cfg.dry_run;
    if (!l->plan->n_actions && !d->memory.object.phase && l->object.phase)
        log_info("%s: %sadopt: our marker is there: taken over as it is", key,
                 l->e->cfg.dry_run ? "would " : "");
    log_actions(l, key);
    observe(l, LOOK_DONE, 0);
    if (!plan_acts(l->plan) || !l->e->cfg.dry_run)
        d->memory.object = l->object;
    if (wrote || l->plan->row != d->memory.failure.row || !l->plan->deferred)
        d->memory.failure = (struct failure){0};
    remember_row(l);
    if (!l->e->cfg.dry_run)
        engine_start_tasks(l->e, d, l->plan);
    if (wrote)
        follow_up(l);
    log_findings(l, key);
    if (d->kept && !device_held(d) && !l->plan->deferred) { /* deferred: B is still to be removed */
        d->kept = NULL;
        engine_mark(l->e, d, DIRTY_ALL | DIRTY_LIKELY);
    }
    d->conflicts = 0;
    d->alone = false;
    engine_set_due(l->e, d, l->plan->wake_at, l->plan->deferred);
    end(l, l->plan->row == ROW_VANISHED);
}

void look_failed(struct look *l, int error)
{
    struct engine *e = l->e;
    struct failure *f = &l->d->memory.failure;
    char key[DEVICE_KEY_SIZE];
    device_key_format(&l->d->key, key);
    if (f->attempt < UINT8_MAX)
        f->attempt++;
    uint64_t delay = engine_backoff(e, l->policy, f->attempt);
    f->error = error;
    f->row = l->plan->row;
    f->digest = view_digest(l->view);
    f->until = engine_now(e) + delay;
    observe(l, LOOK_FAILED, error);
    log_about(LOG_LEVEL_ERROR, &(struct log_about){.row = row_name(l->plan->row)},
              "%s: %s failed: %s; tried again in %u ms", key, row_name(l->plan->row), strerror(-error),
              (unsigned)delay);
    remember_row(l);
    engine_set_due(e, l->d, f->until, true);
    end(l, false);
}

void look_conflict(struct look *l)
{
    struct engine *e = l->e;
    struct device *d = l->d;
    observe(l, LOOK_CONFLICT, 0);
    uint64_t delay = UINT64_C(1) << (d->conflicts < 10 ? d->conflicts : 10);
    if (d->conflicts < UINT8_MAX)
        d->conflicts++;
    d->alone = true;
    engine_hold(e, d, engine_now(e) + jittered(delay, e->cfg.random(e->cfg.arg)));
    engine_mark(e, d, DIRTY_ALL | DIRTY_LIKELY);
    end(l, false);
}

void look_unchanged(struct look *l)
{
    end(l, false);
}

void look_again(struct look *l)
{
    engine_mark(l->e, l->d, DIRTY_ALL | DIRTY_LIKELY);
    end(l, false);
}

void look_alone(struct look *l)
{
    l->d->alone = true;
    look_again(l);
}

void look_lost(struct look *l)
{
    l->d->dirty |= DIRTY_ALL;
    end(l, false);
}
