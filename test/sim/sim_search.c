/* SPDX-License-Identifier: MIT */
#include "test/sim/sim_search.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"
#include "test/sim/sim_world.h"

enum {
    DEPTH = 1000,
    SAMPLE = 64, /* of so many states one is followed to its end, too */
};

/* The choices that are left in one state. */
struct fork {
    struct sim_step list[SIM_CHOICES];
    size_t n, at;
};

struct search {
    struct sim_schedule way;
    struct sim_world *world;
    struct fork *forks;
    size_t depth;
    uint64_t *seen; /* a hash table; 0: free */
    size_t n, size;
    struct sim_searched *figures;
};

static bool insert(uint64_t *seen, size_t size, uint64_t h)
{
    size_t i = (size_t)(h >> 20) & (size - 1);
    for (; seen[i]; i = (i + 1) & (size - 1))
        if (seen[i] == h)
            return false;
    seen[i] = h;
    return true;
}

/* False: we have been here. */
static bool is_new(struct search *x, uint64_t h)
{
    h |= 1;
    if (x->n * 2 >= x->size) {
        size_t size = x->size ? x->size * 2 : 4096;
        uint64_t *seen = xcalloc(size, sizeof *seen);
        for (size_t i = 0; i < x->size; i++)
            if (x->seen[i])
                insert(seen, size, x->seen[i]);
        free(x->seen);
        x->seen = seen;
        x->size = size;
    }
    if (!insert(x->seen, x->size, h))
        return false;
    x->n++;
    return true;
}

/* From the start to where the way leads. */
static void begin_again(struct search *x)
{
    sim_world_free(x->world);
    x->world = sim_world_new(&x->way.setup);
    for (size_t i = 0; i < x->way.n; i++)
        sim_world_step(x->world, x->way.steps[i]);
    x->figures->schedules++;
    x->figures->steps += x->way.n;
}

/* Goes on with whatever must happen, to the end. */
static void follow(struct search *x)
{
    if (!sim_world_settle(x->world))
        sim_fail(x->world, "it never comes to rest");
    sim_world_check_rest(x->world);
    x->figures->rests++;
}

/* A new state: what can happen here? True: the world was used up. */
static bool arrive(struct search *x, uint64_t h)
{
    size_t must;
    struct fork *f = &x->forks[x->depth++];
    f->n = sim_world_choices(x->world, f->list, &must);
    f->at = 0;
    if (must && h % SAMPLE)
        return false;
    follow(x);
    return true;
}

/* Takes the next step that is left, going back as far as it takes. False: none is. */
static bool advance(struct search *x, bool *ret_stale)
{
    while (x->depth && x->forks[x->depth - 1].at == x->forks[x->depth - 1].n) {
        x->depth--;
        *ret_stale = true;
    }
    if (!x->depth)
        return false;
    struct fork *f = &x->forks[x->depth - 1];
    x->way.n = x->depth - 1;
    if (*ret_stale)
        begin_again(x);
    struct sim_step step = f->list[f->at++];
    sim_schedule_add(&x->way, step);
    sim_world_step(x->world, step);
    x->figures->steps++;
    return true;
}

static void search(struct search *x, double until, double (*clock)(void))
{
    bool stale = true;
    begin_again(x);
    uint64_t h = sim_world_hash(x->world);
    is_new(x, h);
    stale = arrive(x, h);
    while (!x->world->failed[0] && advance(x, &stale)) {
        stale = true;
        if (x->world->failed[0])
            break;
        h = sim_world_hash(x->world);
        if (x->depth < DEPTH && is_new(x, h))
            stale = arrive(x, h);
        if (x->figures->schedules % 256 == 0 && clock() > until)
            return;
    }
    x->figures->complete = !x->depth;
}

bool sim_search(const struct sim_setup *setup, double until, double (*clock)(void),
                struct sim_searched *figures, struct sim_schedule *ret_failing)
{
    struct search x = {.way.setup = *setup, .figures = figures};
    figures->complete = false;
    x.forks = xcalloc(DEPTH, sizeof *x.forks);
    search(&x, until, clock);
    bool failed = x.world->failed[0] != '\0';
    figures->states += x.n;
    sim_world_free(x.world);
    free(x.forks);
    free(x.seen);
    if (failed)
        *ret_failing = x.way;
    else
        sim_schedule_free(&x.way);
    return !failed;
}
