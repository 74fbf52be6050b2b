/* SPDX-License-Identifier: MIT */
/* The engine in its world: what it asks for, its birth and its death. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine_impl.h"
#include "test/sim/sim_world.h"

static const char yaml[] = "version: 1\n"
                           "type: qdisk\n"
                           "frontend: vbd\n"
                           "owner: xenrecon\n"
                           "backend-keys:\n"
                           "  params: {match: '^(raw|qcow2):/'}\n"
                           "  mode: {required: true, enum: [r, w]}\n"
                           "frontend-keys:\n"
                           "  ring-ref: {type: uint32, required: connect}\n"
                           "  event-channel: {type: uint32, required: connect}\n"
                           "  protocol: {}\n"
                           "publish: {feature-flush-cache: 1}\n"
                           "deadlines: {create: 10s, connect: 60s, close: 20s}\n";

static struct policy *parse_policy(const struct sim_setup *s)
{
    char text[2048];
    struct policy *p;
    struct diagnostic why;
    int n = snprintf(text, sizeof text, "%shold: {init-wait: %ums, closed: %ums}\ncycle: %s\n%s%s", yaml,
                     s->hold, s->hold, s->on_closed ? "on-closed" : "on-initialising",
                     s->removes ? "destroy: {frontend: true, parents: true}\n"
                                : "destroy: {frontend: false, parents: false}\n",
                     s->worker ? "worker: {command: [/w, '${mode}']}\n" : "");
    if (policy_parse("sim.yaml", text, (size_t)n, &p, &why)) {
        fprintf(stderr, "sim.yaml:%u: %s\n", why.line, why.message);
        exit(1);
    }
    return p;
}

/* To read a policy again for each of a million lives takes long: there are only so many. */
static struct {
    struct sim_setup setup;
    struct policy *policy;
} cache[32];

static struct policy *make_policy(const struct sim_setup *s)
{
    struct sim_setup key = {
        .hold = s->hold, .on_closed = s->on_closed, .removes = s->removes, .worker = s->worker};
    for (size_t i = 0; i < sizeof cache / sizeof *cache; i++) {
        if (!cache[i].policy) {
            cache[i].setup = key;
            cache[i].policy = parse_policy(&key);
        }
        if (memcmp(&cache[i].setup, &key, sizeof key) == 0)
            return cache[i].policy;
    }
    fputs("sim: too many policies\n", stderr);
    exit(1);
}

void sim_engine_forget(void)
{
    for (size_t i = 0; i < sizeof cache / sizeof *cache; i++)
        policy_free(cache[i].policy);
    memset(cache, 0, sizeof cache);
}

/* ---- what it asks for ---- */

static uint64_t clock_ms(void *arg)
{
    return ((struct sim_world *)arg)->now;
}

/* Does anybody have this incarnation? */
static bool taken(const struct sim_world *w, uint64_t value)
{
    char text[20];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)value);
    for (unsigned i = 0; i < w->setup.devices; i++) {
        const struct sim_device *d = &w->devices[i];
        const char *marker = sim_text(w, d->b, MARKER_KEY);
        const struct device *known = devices_find(&w->engine->devices, &d->key);
        if ((marker && strncmp(marker, text, 16) == 0) || d->crew.incarnation == value ||
            d->crew.ending_incarnation == value || (known && known->memory.object.incarnation == value))
            return true;
    }
    return false;
}

static uint64_t random64(void *arg)
{
    struct sim_world *w = arg;
    if (w->setup.counted) {
        uint64_t value = 0x1111;
        while (taken(w, value))
            value += 0x2222;
        return value;
    }
    w->random = w->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return w->random ^ w->random >> 29;
}

static void wake(void *arg, uint64_t at)
{
    ((struct sim_world *)arg)->wake_at = at;
}

static void ready(void *arg)
{
    struct sim_world *w = arg;
    for (unsigned i = 0; i < w->setup.devices; i++)
        crew_sweep(&w->devices[i].crew);
}

static void run_script(void *arg, const struct script_request *request)
{
    sim_fail(arg, "a script is run: %s", request->argv[0]);
}

/* The engine asks when a look begins, and when it is decided. What it was told before then is of no more
 * interest, but for what is still to be committed. With more devices than one, looks overlap. */
static void forget_heard(struct sim_world *w)
{
    const struct sim_tx *tx = LIST_FIRST(&w->store.txs);
    if (w->setup.devices == 1 && (!tx || !tx->n_accesses))
        w->store.heard = HASH_INIT;
}

static void worker_look(void *arg, const struct device_key *key, struct worker *ret_worker)
{
    struct sim_world *w = arg;
    struct sim_device *d = sim_device_find(w, key);
    *ret_worker = (struct worker){0};
    if (!d)
        return;
    *ret_worker = d->looked = crew_look(&d->crew);
    forget_heard(w);
    uint64_t seen[] = {(uint64_t)d->looked.state, d->looked.ring, d->looked.refused, d->looked.n_published};
    w->store.heard = hash_bytes(w->store.heard, seen, sizeof seen);
}

static void worker_task(void *arg, const struct device_key *key, const struct policy *policy,
                        const struct action *a)
{
    struct sim_world *w = arg;
    struct sim_device *d = sim_device_find(w, key);
    (void)policy;
    if (!d) {
        sim_fail(w, "a task for a device that nobody attached");
        return;
    }
    w->tasks++;
    sim_check_task(w, d, a);
    const char *wrong = crew_task(&d->crew, a);
    if (wrong)
        sim_fail(w, "%s", wrong);
}

/* ---- life ---- */

static void on_event(void *arg, const char *path, const char *token)
{
    struct sim_world *w = arg;
    if (!w->lost)
        engine_event(w->engine, path, token);
}

static void on_lost(void *arg, const char *why)
{
    struct sim_world *w = arg;
    (void)why;
    engine_stop(w->engine);
}

void sim_engine_new(struct sim_world *w)
{
    struct policy_set set = {0};
    struct engine_config config = {.store = &w->store.store,
                                   .self = w->store.self,
                                   .clock = clock_ms,
                                   .random = random64,
                                   .wake = wake,
                                   .ready = ready,
                                   .run_script = run_script,
                                   .worker_look = worker_look,
                                   .worker_task = worker_task,
                                   .arg = w};
    policy_set_add(&set, make_policy(&w->setup));
    w->store.store.event = on_event;
    w->store.store.lost = on_lost;
    w->store.store.arg = w;
    w->engine = engine_new(&config, &set);
    engine_start(w->engine);
}

/* It dies between two requests; what it asked for before then may have been done. The policy is not its
 * own. */
void sim_engine_crash(struct sim_world *w)
{
    engine_stop(w->engine);
    w->wake_at = 0;
    sim_store_cut(&w->store, -ECANCELED);
    w->engine->policies.n = 0;
    engine_free(w->engine);
    w->engine = NULL;
    w->store.heard = HASH_INIT;
}

bool sim_engine_rests(const struct sim_world *w)
{
    const struct engine *e = w->engine;
    return TAILQ_EMPTY(&w->store.requests) && TAILQ_EMPTY(&w->store.replies) && !e->passes && !e->listings &&
           !e->scanning && !e->batching;
}
