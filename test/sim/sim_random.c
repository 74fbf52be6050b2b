/* SPDX-License-Identifier: MIT */
#include "test/sim/sim_random.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"
#include "test/sim/sim_world.h"

struct chance {
    uint64_t state;
    unsigned pace; /* of those outside: of a hundred steps, so many are left to them */
};

static uint64_t next(struct chance *c)
{
    uint64_t z = c->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static unsigned below(struct chance *c, unsigned n)
{
    return (unsigned)(next(c) >> 33) % n;
}

static struct sim_setup random_setup(struct chance *c, uint64_t seed)
{
    struct sim_setup s = {.devices = 1 + below(c, SIM_DEVICES), .seed = (unsigned)seed};
    s.frontend0 = below(c, 11);
    s.frontend1 = below(c, 11);
    s.frontend2 = below(c, 11);
    s.toolstack0 = below(c, 6);
    s.toolstack1 = below(c, 6);
    s.toolstack2 = below(c, 6);
    s.owner = below(c, 6) ? OWNER_XENRECON : below(c, 4) ? OWNER_KERNEL : OWNER_EXTERNAL;
    s.worker = s.owner == OWNER_XENRECON && below(c, 4);
    s.hotplug = s.owner == OWNER_KERNEL ? below(c, 3) : 0;
    s.orphans = below(c, 6) == 0;
    s.two_guests = below(c, 2);
    s.on_closed = below(c, 6) == 0;
    s.hold = below(c, 3) ? 0 : 100;
    s.removes = below(c, 2);
    s.driver_domain = below(c, 4) == 0;
    s.piecemeal = below(c, 4) == 0;
    s.prompt = below(c, 4) == 0;
    s.crashes = below(c, 4);
    s.mishaps = below(c, 4);
    s.losses = below(c, 4) ? 0 : 1 + below(c, 2);
    s.deaths = below(c, 4) == 0;
    s.returns = s.deaths ? below(c, 2) : 0;
    s.models = below(c, 6) ? 0 : 1 + below(c, 3);
    s.reloads = below(c, 4) ? 0 : 1 + below(c, 4);
    s.faults = below(c, 3) ? below(c, 12) : 0;
    return s;
}

/* What the controller and its store do comes often, mishaps seldom. */
static struct sim_step random_step(struct chance *c, const struct sim_world *w)
{
    struct sim_step list[SIM_CHOICES];
    size_t must, n = sim_world_choices(w, list, &must);
    unsigned kind = below(c, 100);
    if (kind < 4)
        return (struct sim_step){STEP_PROCESS, 0};
    if (kind < 12)
        return (struct sim_step){STEP_REPLY, below(c, 4)};
    if (kind < 20)
        return (struct sim_step){STEP_EVENT, below(c, 6)};
    if (kind < 21)
        return (struct sim_step){STEP_LATER, 1 + below(c, 2000)};
    if (kind < 22)
        return (struct sim_step){STEP_REPEAT, below(c, 3)};
    if (kind < 23)
        return (struct sim_step){STEP_LOSE, below(c, 3)};
    if (n > must && kind < 26) {
        struct sim_step step = list[must + below(c, (unsigned)(n - must))];
        if (step.kind == STEP_CRASH || step.kind == STEP_STORE_DIES)
            step.n = below(c, 6);
        return step;
    }
    if (kind < 100 - c->pace && must && list[0].kind <= STEP_TICK)
        return list[0];
    return must ? list[below(c, (unsigned)must)] : (struct sim_step){STEP_TICK, 0};
}

static void finish(struct sim_world *w)
{
    if (!w->failed[0] && !sim_world_settle(w))
        sim_fail(w, "it never comes to rest");
    sim_world_check_rest(w);
}

bool sim_random_run(uint64_t seed, struct sim_figures *figures, struct sim_schedule *ret_failing)
{
    static const unsigned paces[] = {1, 3, 8, 25, 60};
    struct chance c = {seed, 0};
    struct sim_schedule s = {.setup = random_setup(&c, seed)};
    struct sim_world *w = sim_world_new(&s.setup);
    unsigned steps = 20 + below(&c, 600);
    c.pace = paces[below(&c, sizeof paces / sizeof *paces)];
    for (unsigned i = 0; i < steps && !w->failed[0]; i++) {
        struct sim_step step = random_step(&c, w);
        if (sim_world_step(w, step))
            sim_schedule_add(&s, step);
    }
    finish(w);
    bool failed = w->failed[0] != '\0';
    figures->schedules++;
    figures->steps += w->step;
    figures->commits += w->commits;
    figures->tasks += w->tasks;
    sim_world_free(w);
    if (failed)
        *ret_failing = s;
    else
        sim_schedule_free(&s);
    return !failed;
}

/* ---- again ---- */

static void show(const struct sim_world *w, struct sim_step step)
{
    printf("%-18s %u  ", sim_step_name(step.kind), step.n);
    for (unsigned i = 0; i < w->setup.devices; i++) {
        const struct sim_device *d = &w->devices[i];
        const char *marker = sim_text(w, d->b, "xenrecon");
        printf(" | B %d F %d %s worker %d%s%s", sim_state(w, d->b), sim_state(w, d->f), marker ? marker : "-",
               (int)d->crew.state, d->crew.known ? "" : "?", d->crew.ending ? " (ends)" : "");
        if (w->setup.hotplug)
            printf(" script %s%s",
                   !d->script.runs      ? "-"
                   : d->script.removing ? "removes"
                                        : "adds",
                   d->script.set_up ? ", set up" : "");
    }
    const struct sim_request *r = sim_store_head(&w->store);
    printf("%s%s\n", r ? " <- " : "", r ? r->body : "");
}

void sim_replay(const struct sim_schedule *s, bool verbose, const char *export, char ret_failed[static 512])
{
    struct sim_world *w = sim_world_new(&s->setup);
    for (size_t i = 0; i < s->n && !w->failed[0]; i++) {
        bool moved = sim_world_step(w, s->steps[i]);
        if (verbose && moved)
            show(w, s->steps[i]);
    }
    finish(w);
    if (export)
        sim_export(w, export);
    memcpy(ret_failed, w->failed, sizeof w->failed);
    sim_world_free(w);
}

/* ---- less ---- */

/* In the same way: what is said is the same, up to the first path or number. */
static bool fails(const struct sim_schedule *s, const char *how)
{
    char failed[512];
    size_t n = strcspn(how, "/0123456789");
    sim_replay(s, false, NULL, failed);
    return failed[0] && strncmp(failed, how, n ? n : 1) == 0;
}

/* Without these steps? Takes them out if it fails all the same. */
static bool cut(struct sim_schedule *s, const char *how, size_t from, size_t n)
{
    struct sim_schedule less = {.setup = s->setup, .n = s->n - n};
    less.steps = xcalloc(less.n + 1, sizeof *less.steps);
    if (from)
        memcpy(less.steps, s->steps, from * sizeof *s->steps);
    if (less.n > from)
        memcpy(less.steps + from, s->steps + from + n, (less.n - from) * sizeof *s->steps);
    if (!fails(&less, how)) {
        sim_schedule_free(&less);
        return false;
    }
    sim_schedule_free(s);
    *s = less;
    return true;
}

static bool simpler(struct sim_schedule *s, const char *how, unsigned *number, unsigned less)
{
    unsigned old = *number;
    if (old <= less)
        return false;
    *number = less;
    if (fails(s, how))
        return true;
    *number = old;
    return false;
}

static bool simplify(struct sim_schedule *s, const char *how)
{
    bool any = false;
#define X(name) any |= simpler(s, how, &s->setup.name, 0) || simpler(s, how, &s->setup.name, 1);
    SIM_SETUP(X)
#undef X
    return any;
}

void sim_shrink(struct sim_schedule *s)
{
    char how[512];
    bool any = true;
    sim_replay(s, false, NULL, how);
    for (int round = 0; any && round < 20; round++) {
        any = simplify(s, how);
        for (size_t n = s->n / 2 + 1; n; n /= 2)
            for (size_t at = 0; at + n <= s->n;)
                if (cut(s, how, at, n))
                    any = true;
                else
                    at += n;
    }
}
