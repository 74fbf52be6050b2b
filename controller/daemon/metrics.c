/* SPDX-License-Identifier: MIT */
#include "controller/daemon/metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controller/base/log.h"
#include "controller/daemon/status.h"
#include "controller/store/xs_client.h"
#include "schemas/mem.h"

static const unsigned buckets[METRICS_BUCKETS] = {500,    1000,   2500,   5000,    10000,   25000,  50000,
                                                  100000, 250000, 500000, 1000000, 2500000, 5000000};

void metrics_count(struct metrics *m, const struct reconciled *r)
{
    size_t b = 0;
    m->retries += r->outcome == RECONCILE_FAILED;
    m->conflicts += r->outcome == RECONCILE_CONFLICT;
    if (r->outcome == RECONCILE_FOLLOWED)
        return;
    while (b < METRICS_BUCKETS && r->took > buckets[b])
        b++;
    m->took[b]++;
    m->took_sum += r->took;
    if (r->outcome == RECONCILE_DONE)
        for (size_t i = 0; i < r->plan->n_actions; i++)
            m->actions[r->plan->actions[i].kind]++;
}

/* ---- the page ---- */

static void family(FILE *to, const char *name, const char *type, const char *what)
{
    fprintf(to, "# HELP xenrecon_%s %s\n# TYPE xenrecon_%s %s\n", name, what, name, type);
}

static void one(FILE *to, const char *name, const char *type, const char *what, uint64_t value)
{
    family(to, name, type, what);
    fprintf(to, "xenrecon_%s %" PRIu64 "\n", name, value);
}

static void timestamp(FILE *to, const char *name, const char *what, uint64_t at)
{
    family(to, name, "gauge", what);
    fprintf(to, "xenrecon_%s %" PRIu64 ".%03u\n", name, at / 1000, (unsigned)(at % 1000));
}

static void labelled(FILE *to, const char *name, const char *label, const char *word, uint64_t value)
{
    fprintf(to, "xenrecon_%s{%s=\"%s\"} %" PRIu64 "\n", name, label, word, value);
}

static void print_durations(const struct metrics *m, FILE *to)
{
    uint64_t sum = 0;
    family(to, "reconcile_duration_seconds", "histogram",
           "From the beginning of a look at a device to its end.");
    for (size_t b = 0; b < METRICS_BUCKETS; b++) {
        sum += m->took[b];
        fprintf(to, "xenrecon_reconcile_duration_seconds_bucket{le=\"%g\"} %" PRIu64 "\n", buckets[b] / 1e6,
                sum);
    }
    sum += m->took[METRICS_BUCKETS];
    fprintf(to, "xenrecon_reconcile_duration_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n", sum);
    fprintf(to, "xenrecon_reconcile_duration_seconds_sum %.6f\n", (double)m->took_sum / 1e6);
    fprintf(to, "xenrecon_reconcile_duration_seconds_count %" PRIu64 "\n", sum);
}

static void print_work(const struct metrics *m, const struct engine_figures *f, FILE *to)
{
    one(to, "queue_depth", "gauge", "Devices that are to be looked at.", f->queued);
    one(to, "queue_adds_total", "counter", "Devices put into the queue.", f->adds);
    one(to, "reconciles_in_flight", "gauge", "Devices that are being looked at.", f->in_flight);
    one(to, "retries_total", "counter", "Actions that failed, to be tried again.", m->retries);
    one(to, "conflicts_total", "counter", "Transactions, by device, that another client spoiled.",
        m->conflicts);
    print_durations(m, to);
    family(to, "actions_total", "counter", "What was done, or would have been in a dry run.");
    for (int i = 0; i < ACTION_COUNT; i++)
        labelled(to, "actions_total", "action", action_name((enum action_kind)i), m->actions[i]);
}

enum { SEVERITY_COUNT = SEVERITY_ERROR + 1 };

/* What is counted of the devices of a type. */
struct type_census {
    char type[DEVICE_NAME_MAX + 1];
    uint64_t devices;
    uint64_t (*findings)[SEVERITY_COUNT]; /* for each code; NULL: nothing is found */
};

/* Everything that is counted by device. A few types have no policy any more: they are behind the others. */
struct census {
    struct arena arena;
    const struct policy_set *policies;
    uint64_t phases[OBJECT_DEAD + 1];
    uint64_t health[HEALTH_COUNT];
    struct type_census *types;
    size_t n_types, cap_types;
};

static struct type_census *census_of(struct census *c, const char *type)
{
    size_t at = policy_set_position(c->policies, type);
    if (at >= c->policies->n || strcmp(c->types[at].type, type) != 0)
        for (at = c->policies->n; at < c->n_types && strcmp(c->types[at].type, type) != 0;)
            at++;
    if (at == c->n_types) {
        xgrow(&c->types, &c->cap_types, c->n_types + 1, sizeof *c->types);
        c->types[c->n_types] = (struct type_census){0};
        snprintf(c->types[c->n_types++].type, sizeof c->types->type, "%s", type);
    }
    return &c->types[at];
}

static void count_finding(struct census *c, struct type_census *t, int code, enum severity severity)
{
    if (!t->findings)
        t->findings = arena_alloc(&c->arena, FINDING_COUNT * sizeof *t->findings);
    t->findings[code][severity]++;
}

static void count_device(void *arg, const struct engine_device *d)
{
    struct census *c = arg;
    struct type_census *t = census_of(c, d->key->type);
    for (int i = 0; i < FINDING_COUNT; i++)
        if (d->findings >> i & 1)
            count_finding(c, t, i,
                          d->errors >> i & 1     ? SEVERITY_ERROR
                          : d->warnings >> i & 1 ? SEVERITY_WARNING
                                                 : SEVERITY_INFO);
    c->phases[d->memory->object.phase]++;
    c->health[d->health]++;
    t->devices++;
}

static void count_crowd(void *arg, uint16_t domid, const char *type, uint32_t looked_after)
{
    struct census *c = arg;
    (void)domid, (void)looked_after;
    count_finding(c, census_of(c, type), FINDING_TOO_MANY_DEVICES, SEVERITY_WARNING);
}

/* Only what is found: most types can have few of all findings. */
static void print_findings(const struct type_census *t, FILE *to)
{
    for (int code = 0; t->findings && code < FINDING_COUNT; code++)
        for (int s = 0; s < SEVERITY_COUNT; s++)
            if (t->findings[code][s])
                fprintf(to, "xenrecon_findings{type=\"%s\",code=\"%s\",severity=\"%s\"} %" PRIu64 "\n",
                        t->type, finding_code_name((enum finding_code)code), severity_name((enum severity)s),
                        t->findings[code][s]);
}

static void print_devices(struct engine *e, const struct policy_set *policies, FILE *to)
{
    struct census c = {.policies = policies, .n_types = policies->n};
    xgrow(&c.types, &c.cap_types, policies->n + 1, sizeof *c.types);
    for (size_t i = 0; i < policies->n; i++) {
        c.types[i] = (struct type_census){0};
        snprintf(c.types[i].type, sizeof c.types->type, "%s", policies->list[i]->type);
    }
    if (e) {
        engine_each_device(e, count_device, &c);
        engine_each_crowd(e, count_crowd, &c);
    }
    family(to, "devices", "gauge", "Devices that are known, by type, of those that have a policy.");
    for (size_t i = 0; i < c.n_types; i++)
        labelled(to, "devices", "type", c.types[i].type, c.types[i].devices);
    family(to, "device_health", "gauge", "Devices, by health: the worst that is found of each.");
    for (enum health h = 0; h < HEALTH_COUNT; h++)
        labelled(to, "device_health", "health", health_name(h), c.health[h]);
    family(to, "objects", "gauge", "Devices, by the phase of what is held for them; none: they are watched.");
    for (int i = 0; i <= OBJECT_DEAD; i++)
        labelled(to, "objects", "phase", object_phase_name((enum object_phase)i), c.phases[i]);
    family(to, "findings", "gauge",
           "Devices that something is found of, or guests with too-many-devices; nothing for what is not "
           "found.");
    for (size_t i = 0; i < c.n_types; i++)
        print_findings(&c.types[i], to);
    free(c.types);
    arena_free(&c.arena);
}

static void print_store(const struct status *s, FILE *to)
{
    const struct xs_counters *c = xs_client_counters(s->cfg.client);
    one(to, "store_connected", "gauge", "Whether xenstore is there: 1 or 0.", s->connected);
    one(to, "store_losses_total", "counter", "How often xenstore was lost.", s->losses);
    one(to, "store_requests_total", "counter", "Requests sent to xenstore.", c->requests);
    one(to, "store_events_total", "counter", "Watch events received from xenstore.", c->events);
    one(to, "store_unasked_total", "counter", "Messages of xenstore that nobody asked for.", c->unasked);
    one(to, "store_unanswered_total", "counter", "Requests that xenstore did not answer.", c->unanswered);
    family(to, "store_lacks", "gauge", "Whether xenstore was found to lack an ability: 1 or 0.");
    for (enum store_ability a = 0; a < STORE_ABILITIES; a++)
        labelled(to, "store_lacks", "ability", store_ability_name(a),
                 store_lacks(xs_client_abilities(s->cfg.client), a));
}

void metrics_print(const struct metrics *m, const struct status *s, uint64_t now, bool up, FILE *to)
{
    uint64_t clock = s->cfg.clock(s->cfg.clock_arg);
    struct engine_figures figures = engine_figures(s->engine);
    family(to, "build_info", "gauge", "1; the label is the version.");
    labelled(to, "build_info", "version", XENRECON_VERSION, 1);
    one(to, "up", "gauge", "1; 0 when the daemon has ended in good order.", up);
    timestamp(to, "start_time_seconds", "When the daemon was started.", now - (clock - s->started));
    timestamp(to, "last_resync_timestamp_seconds", "When everything was looked over last; 0: never.",
              figures.resynced_at ? now - (clock - figures.resynced_at) : 0);
    print_store(s, to);
    print_work(m, &figures, to);
    print_devices(s->engine, figures.policies, to);
    one(to, "log_suppressed_total", "counter", "Lines beyond what may be logged of a guest.",
        log_suppressed());
    one(to, "dry_run", "gauge", "Whether nothing is done: 1 or 0.", s->cfg.dry_run);
    one(to, "policies", "gauge", "Policies in force.", figures.policies->n);
    one(to, "policies_last_reload_successful", "gauge",
        "Whether the policies that were read last are in force: 1 or 0.", !s->refused);
    timestamp(to, "policies_last_reload_success_timestamp_seconds", "When the policies in force were read.",
              now - (clock - s->loaded));
    one(to, "workers", "gauge", "Workers' processes.", s->workers ? workers_running(s->workers) : 0);
    one(to, "worker_deaths_total", "counter", "Workers that ended without being told to.",
        s->workers ? workers_deaths(s->workers) : 0);
}
