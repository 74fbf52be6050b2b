/* SPDX-License-Identifier: MIT */
#include "controller/cli/daemon_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "controller/base/log.h"
#include "controller/base/policy_dirs.h"
#include "controller/base/wall_clock.h"
#include "controller/cli/control_client.h"
#include "controller/store/store_path.h"
#include "schemas/arena.h"
#include "schemas/json.h"
#include "schemas/mem.h"

struct daemon_memory {
    struct arena arena;
    int pid;
    bool dry_run;
    uint64_t now, asked_at; /* the daemon's clock, and our own at that time */
    json_t *daemon, *policies;
    struct remembered *devices;
    size_t n, cap;
    bool wrong; /* an answer could not be understood */
};

static uint64_t our_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- a device ---- */

static uint64_t number(const json_t *o, const char *key)
{
    return (uint64_t)jget_int(o, key, 0);
}

static bool truth(const json_t *o, const char *key)
{
    return json_is_true(json_object_get(o, key));
}

static const char *text(struct daemon_memory *r, const json_t *o, const char *key)
{
    const char *s = jget_text(o, key);
    return s ? arena_strdup(&r->arena, s) : NULL;
}

static struct worker worker_of(struct daemon_memory *r, const json_t *o)
{
    const json_t *list = json_object_get(o, "published"), *pair;
    struct published *published = arena_alloc(&r->arena, (json_array_size(list) + 1) * sizeof *published);
    struct worker w = {.state = (enum worker_state)number(o, "state"),
                       .incarnation = jget_hex(o, "incarnation"),
                       .ring = jget_hex(o, "ring"),
                       .refused = jget_hex(o, "refused"),
                       .failures = (uint32_t)number(o, "failures"),
                       .until = number(o, "until"),
                       .died = text(r, o, "died"),
                       .said = text(r, o, "said"),
                       .lost = text(r, o, "lost"),
                       .published = published};
    size_t i;
    json_array_foreach(list, i, pair)
    {
        const char *key = json_string_value(json_array_get(pair, 0));
        const char *value = json_string_value(json_array_get(pair, 1));
        if (key && value)
            published[w.n_published++] =
                (struct published){arena_strdup(&r->arena, key), arena_strdup(&r->arena, value)};
    }
    return w;
}

static struct script script_of(struct daemon_memory *r, const json_t *o)
{
    return (struct script){.phase = (enum script_phase)number(o, "phase"),
                           .removing = truth(o, "removing"),
                           .added = truth(o, "added"),
                           .failures = (uint8_t)number(o, "failures"),
                           .error = (int)jget_int(o, "error", 0),
                           .until = number(o, "until"),
                           .said = text(r, o, "said")};
}

static struct memory memory_of(struct daemon_memory *r, const json_t *o)
{
    const json_t *b = json_object_get(o, "object"), *f = json_object_get(o, "failure");
    return (struct memory){.object = {.phase = (enum object_phase)number(b, "phase"),
                                      .unpublished = truth(b, "unpublished"),
                                      .front_connected = truth(b, "front_connected"),
                                      .cycles = (uint8_t)number(b, "cycles"),
                                      .cycles_since = number(b, "cycles_since"),
                                      .phase_since = number(b, "phase_since"),
                                      .incarnation = jget_hex(b, "incarnation"),
                                      .command = jget_hex(b, "command"),
                                      .published = jget_hex(b, "published"),
                                      .script = script_of(r, json_object_get(b, "script"))},
                           .row = (enum row)number(o, "row"),
                           .row_since = number(o, "row_since"),
                           .failure = {.error = (int)jget_int(f, "error", 0),
                                       .attempt = (uint8_t)number(f, "attempt"),
                                       .row = (enum row)number(f, "row"),
                                       .until = number(f, "until"),
                                       .digest = jget_hex(f, "digest")}};
}

static struct condition condition_of(const json_t *o)
{
    return (struct condition){.wanted = (enum want)number(o, "wanted"),
                              .unmet = truth(o, "unmet"),
                              .who = (enum waits_for)number(o, "who"),
                              .wanted_since = number(o, "wanted_since"),
                              .who_since = number(o, "who_since")};
}

static void add_said(struct memory *m, const json_t *list)
{
    const json_t *pair;
    size_t i;
    json_array_foreach(list, i, pair)
    {
        if (m->n_said < SAID_MAX)
            m->said[m->n_said++] =
                (struct said){(enum finding_code)json_integer_value(json_array_get(pair, 0)),
                              (uint64_t)json_integer_value(json_array_get(pair, 1))};
    }
}

static struct shared_image shared_of(struct daemon_memory *r, const json_t *o)
{
    struct shared_image shared = {.formatted = truth(o, "formatted")};
    const char *with = jget_text(o, "with");
    struct device_key *key = arena_alloc(&r->arena, sizeof *key);
    if (with && device_key_parse(with, strlen(with), key) == 0)
        shared.with = key;
    return shared;
}

static void add_device(struct daemon_memory *r, const json_t *o)
{
    const char *name = jget_text(o, "device");
    const json_t *memory = json_object_get(o, "memory");
    struct remembered d = {0};
    if (!name || device_key_parse(name, strlen(name), &d.key) || !memory) {
        r->wrong = true;
        return;
    }
    d.memory = memory_of(r, memory);
    d.memory.retired_policy = truth(memory, "kept");
    d.memory.unwatched = (int)jget_int(memory, "unwatched", 0);
    d.memory.contended_since = number(memory, "contended_since");
    d.memory.condition = condition_of(json_object_get(memory, "condition"));
    d.memory.shared = shared_of(r, json_object_get(memory, "shared"));
    add_said(&d.memory, json_object_get(memory, "said"));
    d.worker = worker_of(r, json_object_get(memory, "worker"));
    xgrow(&r->devices, &r->cap, r->n + 1, sizeof *r->devices);
    r->devices[r->n++] = d;
}

/* ---- asking ---- */

static void on_line(void *arg, const json_t *line)
{
    struct daemon_memory *r = arg;
    json_t *daemon = json_object_get(line, "daemon"), *policy = json_object_get(line, "policy");
    if (daemon && !r->daemon)
        r->daemon = json_incref(daemon);
    if (policy)
        jappend(r->policies, json_incref(policy));
    if (json_object_get(line, "device"))
        add_device(r, json_object_get(line, "device"));
}

/* Can decisions be made as this daemon makes them: is it of our version, has it an engine, does it look after
 * the store that we read? */
static int check(const struct daemon_memory *r)
{
    char ours[256];
    const char *version = jget_text(r->daemon, "xenrecon");
    const char *store = jget_text(json_object_get(r->daemon, "store"), "path");
    if (!version || strcmp(version, XENRECON_VERSION) != 0)
        log_warning("the daemon is xenrecon %s, this is %s: done without it; restart it to have one version",
                    version ? version : "?", XENRECON_VERSION);
    else if (!store || !store_path_default(ours, sizeof ours) || strcmp(store, ours) != 0)
        log_info("the daemon that runs here looks after another store, %s: done without it",
                 store ? store : "?");
    else if (!json_is_integer(json_object_get(r->daemon, "domid")))
        log_info("the daemon was never connected to the store: done without it");
    else if (r->wrong)
        log_warning("the daemon's answer cannot be understood: done without it");
    else
        return 0;
    return -EPROTONOSUPPORT;
}

int daemon_memory_ask(const char *run_dir, struct daemon_memory **ret_recall)
{
    struct daemon_memory *r = xcalloc(1, sizeof *r);
    struct control_client *ask = NULL;
    json_t *members = jobject();
    jput(members, "memory", json_true());
    r->policies = jarray();
    int error = control_client_open(run_dir, true, &ask);
    r->asked_at = our_clock();
    if (error)
        json_decref(members);
    else
        error = control_client_request(ask, "status", members, on_line, r);
    if (!error)
        error = control_client_request(ask, "policies", NULL, on_line, r);
    control_client_close(ask);
    if (error == -EACCES)
        log_info("only root may ask the daemon: from the store alone, so that nothing is known of ages and "
                 "workers");
    else if (error)
        log_info("no daemon to ask: from the store alone, so that nothing is known of ages and workers");
    else
        error = check(r);
    if (error) {
        daemon_memory_free(r);
        return error;
    }
    r->pid = (int)jget_int(r->daemon, "pid", 0);
    r->dry_run = truth(r->daemon, "dry_run");
    r->now = number(r->daemon, "now");
    *ret_recall = r;
    return 0;
}

void daemon_memory_free(struct daemon_memory *r)
{
    if (!r)
        return;
    json_decref(r->daemon);
    json_decref(r->policies);
    free(r->devices);
    arena_free(&r->arena);
    free(r);
}

int daemon_memory_pid(const struct daemon_memory *r)
{
    return r->pid;
}

uint64_t daemon_memory_now(const struct daemon_memory *r)
{
    return r->now + (our_clock() - r->asked_at);
}

uint64_t daemon_memory_epoch(const struct daemon_memory *r)
{
    return wall_clock() - daemon_memory_now(r);
}

bool daemon_memory_runs_workers(const struct daemon_memory *r)
{
    return !r->dry_run;
}

int daemon_memory_policies(struct daemon_memory *r, struct policy_set *ret_set, struct diagnostic *ret_why)
{
    struct policy_set set = {0};
    const json_t *o;
    size_t i;
    int error = 0;
    json_array_foreach(r->policies, i, o)
    {
        const char *source = jget_text(o, "source");
        const json_t *content = json_object_get(o, "text");
        struct policy *p;
        if (error || !source || !json_is_string(content))
            continue;
        error = policy_parse(source, json_string_value(content), json_string_length(content), &p, ret_why);
        if (!error)
            error = policy_dirs_add(&set, p, ret_why);
    }
    if (error)
        policy_set_clear(&set);
    else
        *ret_set = set;
    return error;
}

static int by_key(const void *a, const void *b)
{
    const struct remembered *x = a, *y = b;
    return device_key_compare(&x->key, &y->key);
}

/* The devices came sorted by key. */
struct remembered *daemon_memory_device(const struct daemon_memory *r, const struct device_key *key)
{
    const struct remembered wanted = {.key = *key};
    return r->n ? bsearch(&wanted, r->devices, r->n, sizeof wanted, by_key) : NULL;
}
