/* SPDX-License-Identifier: MIT */
#include "test/sim/sim_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char keys[] = "version: 1\n"
                           "type: qdisk\n"
                           "frontend: vbd\n"
                           "backend-keys:\n"
                           "  params: {match: '^(raw|qcow2):/'}\n"
                           "  mode: {required: true, enum: [r, w]}\n"
                           "frontend-keys:\n"
                           "  ring-ref: {type: uint32, required: connect}\n"
                           "  event-channel: {type: uint32, required: connect}\n"
                           "  protocol: {}\n"
                           "deadlines: {create: 10s, connect: 60s, close: 20s}\n";

/* All that two worlds of the same policies agree in. */
struct kind {
    unsigned owner, worker, hotplug, on_closed, hold, removes, orphans, other;
};

static struct kind kind_of(const struct sim_setup *s, enum sim_variant variant)
{
    struct kind k = {s->owner, s->worker, s->hotplug, s->on_closed, s->hold, s->removes, s->orphans, 0};
    if (variant == VARIANT_OWNER)
        k.owner = k.owner == OWNER_XENRECON ? OWNER_KERNEL : OWNER_EXTERNAL;
    if (variant == VARIANT_WORKER) {
        k.worker = !k.worker;
        k.hotplug = !k.hotplug;
    }
    if (variant == VARIANT_VALUES) {
        k.hold = k.hold ? 0 : 50;
        k.on_closed = !k.on_closed;
        k.other = 1;
    }
    k.worker &= k.owner == OWNER_XENRECON;
    k.hotplug = k.hotplug && k.owner == OWNER_KERNEL && s->owner == OWNER_KERNEL;
    return k;
}

static struct policy *parse(const struct kind *k)
{
    static const char *const owners[] = {"xenrecon", "kernel", "external"};
    char text[2048];
    struct policy *p;
    struct diagnostic why;
    int n = snprintf(text, sizeof text,
                     "%sowner: %s\nhold: {init-wait: %ums, closed: %ums}\ncycle: %s\n"
                     "destroy: {frontend: %s, parents: %s}\norphan: {grace: 1s, action: %s}\n%s%s%s",
                     keys, owners[k->owner], k->hold, k->hold, k->on_closed ? "on-closed" : "on-initialising",
                     k->removes ? "true" : "false", k->removes ? "true" : "false",
                     k->orphans ? "remove" : "report",
                     k->owner != OWNER_XENRECON ? ""
                     : k->other                 ? "publish: {feature-flush-cache: 1, feature-discard: 1}\n"
                                                : "publish: {feature-flush-cache: 1}\n",
                     k->worker ? "worker: {command: [/w, '${mode}']}\n" : "",
                     k->hotplug ? "hotplug: {run: true, in-dom0: true}\n" : "");
    if (policy_parse("sim.yaml", text, (size_t)n, &p, &why)) {
        fprintf(stderr, "sim.yaml:%u: %s\n", why.line, why.message);
        exit(1);
    }
    return p;
}

static struct {
    struct kind kind;
    struct policy *policy;
} cache[1024];
enum { CACHED_MAX = sizeof cache / sizeof *cache };
static size_t n_cached;

static struct policy *policy_of(const struct sim_setup *s, enum sim_variant variant)
{
    struct kind k = kind_of(s, variant);
    for (size_t i = 0; i < n_cached; i++)
        if (memcmp(&cache[i].kind, &k, sizeof k) == 0)
            return cache[i].policy;
    if (n_cached == CACHED_MAX) {
        fputs("sim: too many policies\n", stderr);
        exit(1);
    }
    cache[n_cached].kind = k;
    return cache[n_cached++].policy = parse(&k);
}

void sim_policies_prepare(const struct sim_setup *s)
{
    for (int variant = VARIANT_FIRST; variant < (s->reloads ? VARIANTS : 1); variant++)
        if (variant != VARIANT_NONE)
            policy_of(s, (enum sim_variant)variant);
}

void sim_policies_add(const struct sim_setup *s, enum sim_variant variant, struct policy_set *set)
{
    if (variant != VARIANT_NONE)
        policy_set_add(set, policy_of(s, variant));
}

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker makes these names */
void __real_policy_free(struct policy *p);
void __wrap_policy_free(struct policy *p);
void __wrap_policy_set_clear(struct policy_set *set);

void __wrap_policy_free(struct policy *p)
{
    for (size_t i = 0; i < n_cached; i++)
        if (cache[i].policy == p)
            return;
    __real_policy_free(p);
}

void __wrap_policy_set_clear(struct policy_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        __wrap_policy_free(set->list[i]);
    free(set->list);
    *set = (struct policy_set){0};
}

void sim_policies_free(void)
{
    for (size_t i = 0; i < n_cached; i++)
        __real_policy_free(cache[i].policy);
    n_cached = 0;
}
/* NOLINTEND(bugprone-reserved-identifier) */
