/* SPDX-License-Identifier: MIT */
#include "controller/daemon/metrics.h"

#include <inttypes.h>
#include <string.h>

#include "controller/base/log.h"
#include "controller/daemon/status.h"
#include "controller/store/xs_client.h"

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

/* Everything that is counted by device. */
struct census {
    const struct policy_set *policies;
    uint64_t findings[FINDING_COUNT];
    uint64_t phases[OBJECT_DEAD + 1];
    uint64_t health[HEALTH_COUNT];
    uint64_t *types; /* a count for each policy of the set */
};

static void count_device(void *arg, const struct engine_device *d)
{
    struct census *c = arg;
    for (int i = 0; i < FINDING_COUNT; i++)
        c->findings[i] += d->findings >> i & 1;
    c->phases[d->memory->object.phase]++;
    c->health[d->health]++;
    const size_t at = policy_set_position(c->policies, d->key->type);
    if (at < c->policies->n && strcmp(c->policies->list[at]->type, d->key->type) == 0)
        c->types[at]++;
}

static void print_devices(struct engine *e, const struct policy_set *policies, FILE *to)
{
    struct arena scratch = {0};
    struct census c = {.policies = policies};
    c.types = arena_alloc(&scratch, (policies->n + 1) * sizeof *c.types);
    if (e)
        engine_each_device(e, count_device, &c);
    family(to, "devices", "gauge", "Devices that are known, by type, of those that have a policy.");
    for (size_t i = 0; i < policies->n; i++)
        labelled(to, "devices", "type", policies->list[i]->type, c.types[i]);
    family(to, "device_health", "gauge", "Devices, by health: the worst that is found of each.");
    for (enum health h = 0; h < HEALTH_COUNT; h++)
        labelled(to, "device_health", "health", health_name(h), c.health[h]);
    family(to, "objects", "gauge", "Devices, by the phase of what is held for them; none: they are watched.");
    for (int i = 0; i <= OBJECT_DEAD; i++)
        labelled(to, "objects", "phase", object_phase_name((enum object_phase)i), c.phases[i]);
    family(to, "findings", "gauge", "Devices that something is found of, by its code.");
    for (int i = 0; i < FINDING_COUNT; i++)
        labelled(to, "findings", "code", finding_code_name((enum finding_code)i), c.findings[i]);
    arena_free(&scratch);
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
    one(to, "policies", "gauge", "Policies in force.", figures.policies->n);
    one(to, "workers", "gauge", "Workers' processes.", s->workers ? workers_running(s->workers) : 0);
    one(to, "worker_deaths_total", "counter", "Workers that ended without being told to.",
        s->workers ? workers_deaths(s->workers) : 0);
}
