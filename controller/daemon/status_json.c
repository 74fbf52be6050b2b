/* SPDX-License-Identifier: MIT */
#include "controller/daemon/status_json.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "controller/base/wall_clock.h"
#include "controller/processes/output.h"
#include "controller/store/store_path.h"
#include "controller/store/xs_client.h"
#include "schemas/json.h"

static uint64_t now_of(const struct status *s)
{
    return s->cfg.clock(s->cfg.clock_arg);
}

/* null when `since` is 0: it is not known, or there is none. */
static json_t *age(uint64_t since, uint64_t now)
{
    return since ? jseconds(now > since ? now - since : 0) : json_null();
}

static json_t *until(uint64_t at, uint64_t now)
{
    return at ? jseconds(at > now ? at - now : 0) : json_null();
}

/* ---- the daemon ---- */

static json_t *lacks_json(const struct store_abilities *can)
{
    json_t *list = jarray();
    for (enum store_ability a = 0; a < STORE_ABILITIES; a++)
        if (store_lacks(can, a))
            jappend(list, jtext(store_ability_name(a)));
    return list;
}

static json_t *store_json(const struct status *s, uint64_t now)
{
    uint64_t silent = xs_client_silent(s->cfg.client);
    char path[256];
    const struct xs_counters *c = xs_client_counters(s->cfg.client);
    json_t *o = jobject();
    jput(o, "path", jtext(store_path_default(path, sizeof path)));
    jput(o, "connected", json_boolean(s->connected));
    jput(o, "since_seconds", age(s->since, now));
    jput(o, "losses", jcount(s->losses));
    jput(o, "requests", jcount(c->requests));
    jput(o, "events", jcount(c->events));
    jput(o, "unasked", jcount(c->unasked));
    jput(o, "unanswered", jcount(c->unanswered));
    jput(o, "silent_seconds", silent ? jseconds(silent) : json_null());
    jput(o, "lacks", lacks_json(xs_client_abilities(s->cfg.client)));
    return o;
}

static json_t *queue_json(const struct engine_figures *f)
{
    json_t *o = jobject();
    jput(o, "queued", jcount(f->queued));
    jput(o, "in_flight", jcount(f->in_flight));
    jput(o, "waiting", jcount(f->waiting));
    jput(o, "scripts", jcount(f->scripts));
    return o;
}

static json_t *policies_json(const struct policy_set *policies)
{
    json_t *list = jarray();
    for (size_t i = 0; i < policies->n; i++) {
        const struct policy *p = policies->list[i];
        json_t *o = jobject();
        jput(o, "type", jtext(p->type));
        jput(o, "owner", jtext(owner_name(p->owner)));
        jput(o, "worker", json_boolean(p->worker.command != NULL));
        jput(o, "source", jtext(p->source));
        jappend(list, o);
    }
    return list;
}

static json_t *resync_json(const struct status *s, const struct engine_figures *f, uint64_t now)
{
    json_t *o = jobject();
    jput(o, "interval_seconds", s->cfg.resync ? jseconds(s->cfg.resync) : json_null());
    jput(o, "age_seconds", age(f->resynced_at, now));
    jput(o, "next_seconds", until(f->resync_at, now));
    return o;
}

static json_t *history_json(const struct history *h)
{
    struct history_counts c = history_counts(h);
    json_t *o = jobject();
    jput(o, "bytes", jcount(c.bytes));
    jput(o, "decisions", jcount(c.records));
    jput(o, "forgotten", jcount(c.forgotten));
    jput(o, "oldest", c.oldest ? json_real((double)c.oldest / 1000) : json_null());
    return o;
}

/* What is found of the host, as `plan` has it. */
static void add_crowd(void *arg, uint16_t domid, const char *type, uint32_t looked_after)
{
    char text[128];
    json_t *o = jobject();
    snprintf(text, sizeof text, "domain %u has more devices of type %s than the %u that are looked after",
             domid, type, looked_after);
    jput(o, "code", jtext(finding_code_name(FINDING_TOO_MANY_DEVICES)));
    jput(o, "severity", jtext(severity_name(SEVERITY_WARNING)));
    jput(o, "message", jtext(text));
    jput(o, "advice", jtext(finding_advice(FINDING_TOO_MANY_DEVICES)));
    jappend(arg, o);
}

static json_t *host_findings(const struct status *s)
{
    json_t *list = jarray();
    engine_each_crowd(s->engine, add_crowd, list);
    return list;
}

json_t *status_json_daemon(const struct status *s)
{
    uint64_t now = now_of(s);
    struct engine_figures figures = engine_figures(s->engine);
    json_t *o = jobject();
    jput(o, "xenrecon", jtext(XENRECON_VERSION));
    jput(o, "pid", jcount((uint64_t)getpid()));
    jput(o, "domid", s->engine ? jcount(s->backend_domid) : json_null());
    jput(o, "dry_run", json_boolean(s->cfg.dry_run));
    jput(o, "now", jcount(now));
    jput(o, "up_seconds", age(s->started, now));
    jput(o, "devices", jcount(figures.devices));
    jput(o, "workers", jcount(s->workers ? workers_running(s->workers) : 0));
    jput(o, "store", store_json(s, now));
    jput(o, "queue", queue_json(&figures));
    jput(o, "resync", resync_json(s, &figures, now));
    jput(o, "history", history_json(s->history));
    jput(o, "policies", policies_json(figures.policies));
    jput(o, "findings", host_findings(s));
    return o;
}

/* ---- a device ---- */

static json_t *state_json(enum xenbus_state s)
{
    return jtext(s == XENBUS_ABSENT || s == XENBUS_INVALID ? NULL : xenbus_state_name(s));
}

static void put_line(void *arg, const char *line)
{
    jappend(arg, jtext(line));
}

static json_t *output_json(const struct tail *printed)
{
    char line[OUTPUT_LINE];
    json_t *lines = jarray();
    if (printed)
        tail_lines(printed, TAIL_MAX, line, sizeof line, put_line, lines);
    return lines;
}

static json_t *worker_json(const struct status *s, const struct engine_device *d, uint64_t now)
{
    struct worker w;
    pid_t pid;
    if (!s->workers || !workers_peek(s->workers, d->key, &w, &pid))
        return json_null();
    json_t *o = jobject();
    jput(o, "pid", pid ? jcount((uint64_t)pid) : json_null());
    jput(o, "state", jtext(worker_state_name(w.state)));
    jput(o, "failures", jcount(w.failures));
    jput(o, "said", jtext(w.said));
    jput(o, "output", output_json(workers_printed(s->workers, d->key)));
    jput(o, "restart_seconds", w.state == WORKER_DEAD ? until(w.until, now) : json_null());
    return o;
}

static json_t *error_json(const struct failure *f)
{
    return jtext(f->error ? strerror(-f->error) : NULL);
}

static json_t *findings_json(const struct engine_device *d)
{
    json_t *codes = jarray();
    for (int i = 0; i < FINDING_COUNT; i++)
        if (d->findings >> i & 1)
            jappend(codes, jtext(finding_code_name((enum finding_code)i)));
    return codes;
}

/* By the calendar. */
static json_t *time_of(uint64_t since, uint64_t now)
{
    return jtime(since ? wall_clock() - (now > since ? now - since : 0) : 0);
}

static json_t *findings_since(const struct memory *m, uint64_t now)
{
    json_t *o = jobject();
    for (size_t i = 0; i < m->n_said; i++)
        if (m->said[i].since)
            jput(o, finding_code_name(m->said[i].code), time_of(m->said[i].since, now));
    return o;
}

/* ---- what decisions are made with, for `plan` and `explain` ---- */

static json_t *published_json(const struct worker *w)
{
    json_t *list = jarray();
    for (size_t i = 0; i < w->n_published; i++) {
        json_t *pair = jarray();
        jappend(pair, jtext(w->published[i].key));
        jappend(pair, jtext(w->published[i].value));
        jappend(list, pair);
    }
    return list;
}

static json_t *worker_memory(const struct status *s, const struct engine_device *d)
{
    struct worker w;
    json_t *o = jobject();
    if (!s->workers || !workers_peek(s->workers, d->key, &w, &(pid_t){0}))
        w = (struct worker){0};
    jput(o, "state", jcount(w.state));
    jput(o, "incarnation", jhex(w.incarnation));
    jput(o, "ring", jhex(w.ring));
    jput(o, "refused", jhex(w.refused));
    jput(o, "failures", jcount(w.failures));
    jput(o, "until", jcount(w.until));
    jput(o, "died", jtext(w.died));
    jput(o, "said", jtext(w.said));
    jput(o, "lost", jtext(w.lost));
    jput(o, "published", published_json(&w));
    return o;
}

static json_t *script_memory(const struct script *s)
{
    json_t *o = jobject();
    jput(o, "phase", jcount(s->phase));
    jput(o, "removing", json_boolean(s->removing));
    jput(o, "added", json_boolean(s->added));
    jput(o, "failures", jcount(s->failures));
    jput(o, "error", json_integer(s->error));
    jput(o, "until", jcount(s->until));
    jput(o, "said", jtext(s->said));
    return o;
}

static json_t *object_memory(const struct object *b)
{
    json_t *o = jobject();
    jput(o, "phase", jcount(b->phase));
    jput(o, "unpublished", json_boolean(b->unpublished));
    jput(o, "front_connected", json_boolean(b->front_connected));
    jput(o, "cycles", jcount(b->cycles));
    jput(o, "cycles_since", jcount(b->cycles_since));
    jput(o, "phase_since", jcount(b->phase_since));
    jput(o, "incarnation", jhex(b->incarnation));
    jput(o, "command", jhex(b->command));
    jput(o, "published", jhex(b->published));
    jput(o, "script", script_memory(&b->script));
    return o;
}

static json_t *failure_memory(const struct failure *f)
{
    json_t *o = jobject();
    jput(o, "error", json_integer(f->error));
    jput(o, "attempt", jcount(f->attempt));
    jput(o, "row", jcount(f->row));
    jput(o, "until", jcount(f->until));
    jput(o, "digest", jhex(f->digest));
    return o;
}

static json_t *condition_memory(const struct condition *c)
{
    json_t *o = jobject();
    jput(o, "wanted", jcount(c->wanted));
    jput(o, "unmet", json_boolean(c->unmet));
    jput(o, "who", jcount(c->who));
    jput(o, "wanted_since", jcount(c->wanted_since));
    jput(o, "who_since", jcount(c->who_since));
    return o;
}

static json_t *said_memory(const struct memory *m)
{
    json_t *list = jarray();
    for (size_t i = 0; i < m->n_said; i++) {
        json_t *pair = jarray();
        jappend(pair, jcount(m->said[i].code));
        jappend(pair, jcount(m->said[i].since));
        jappend(list, pair);
    }
    return list;
}

static json_t *shared_memory(const struct shared_image *s)
{
    char key[DEVICE_KEY_SIZE];
    json_t *o = jobject();
    if (s->with)
        device_key_format(s->with, key);
    jput(o, "with", jtext(s->with ? key : NULL));
    jput(o, "formatted", json_boolean(s->formatted));
    return o;
}

static json_t *memory_json(const struct status *s, const struct engine_device *d)
{
    json_t *o = jobject();
    jput(o, "kept", json_boolean(d->retired_policy));
    jput(o, "unwatched", json_integer(d->unwatched));
    jput(o, "row", jcount(d->memory->row));
    jput(o, "row_since", jcount(d->memory->row_since));
    jput(o, "contended_since", jcount(d->memory->contended_since));
    jput(o, "condition", condition_memory(&d->memory->condition));
    jput(o, "said", said_memory(d->memory));
    jput(o, "object", object_memory(&d->memory->object));
    jput(o, "failure", failure_memory(&d->memory->failure));
    jput(o, "shared", shared_memory(&d->memory->shared));
    jput(o, "worker", worker_memory(s, d));
    return o;
}

json_t *status_json_device(const struct status *s, const struct engine_device *d, bool memory)
{
    uint64_t now = now_of(s);
    const struct memory *m = d->memory;
    char key[DEVICE_KEY_SIZE];
    json_t *o = jobject();
    device_key_format(d->key, key);
    jput(o, "device", jtext(key));
    jput(o, "type", jtext(d->key->type));
    jput(o, "frontend_domid", jcount(d->key->domid));
    jput(o, "devid", jtext(d->key->devid));
    jput(o, "health", jtext(health_name(d->health)));
    jput(o, "owner", d->policy ? jtext(owner_name(d->policy->owner)) : json_null());
    jput(o, "phase", jtext(object_phase_name(m->object.phase)));
    jput(o, "phase_seconds", age(m->object.phase_since, now));
    jput(o, "row", m->row_since ? jtext(row_name(m->row)) : json_null());
    jput(o, "row_seconds", age(m->row_since, now));
    jput(o, "online", d->online >= 0 ? json_boolean(d->online) : json_null());
    jput(o, "backend_state", state_json(d->backend));
    jput(o, "frontend_state", state_json(d->frontend));
    jput(o, "retries", jcount(m->failure.attempt));
    jput(o, "error", error_json(&m->failure));
    jput(o, "findings", findings_json(d));
    jput(o, "findings_since", findings_since(m, now));
    jput(o, "wanted", jtext(wanted_name(m->condition.wanted)));
    jput(o, "wanted_since", time_of(m->condition.wanted_since, now));
    jput(o, "next_look_seconds", until(d->next_at, now));
    jput(o, "worker", worker_json(s, d, now));
    if (memory)
        jput(o, "memory", memory_json(s, d));
    return o;
}
