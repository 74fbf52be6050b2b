/* SPDX-License-Identifier: MIT */
#include "test/sim/sim_search.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"
#include "test/sim/sim_heap.h"
#include "test/sim/sim_world.h"

enum {
    DEPTH = 1000,
    SAMPLE = 64, /* of so many states one is followed to its end, too */
};

/* The choices that are left in one state. */
struct fork {
    struct sim_step list[SIM_CHOICES];
    size_t n, at;
    struct sim_image image; /* of the heap as it is there */
    struct sim_world *world;
};

struct search {
    struct sim_schedule way;
    struct sim_world *world;
    const char *failed; /* NULL: nothing did */
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

static void begin(struct search *x)
{
    sim_world_free(sim_world_new(&x->way.setup)); /* what outlives a world is made now, elsewhere */
    sim_heap_reset();
    sim_heap_use(true);
    x->world = sim_world_new(&x->way.setup);
    sim_heap_use(false);
}

/* Nothing of it may be left. */
static void end(struct search *x)
{
    static char failed[sizeof x->world->failed];
    memcpy(failed, x->world->failed, sizeof failed);
    sim_world_free(x->world);
    x->world = NULL;
    if (sim_heap_live() && !failed[0])
        snprintf(failed, sizeof failed, "%zu pieces of memory are left", sim_heap_live());
    x->failed = failed[0] ? failed : NULL;
}

/* Goes on with whatever must happen, to the end. */
static void follow(struct search *x)
{
    sim_heap_use(true);
    if (!sim_world_settle(x->world))
        sim_fail(x->world, "it never comes to rest");
    sim_world_check_rest(x->world);
    sim_heap_use(false);
    x->figures->rests++;
    end(x);
}

/* A new state: what can happen here? True: the world was used up. */
static bool arrive(struct search *x, uint64_t h)
{
    size_t must;
    struct fork *f = &x->forks[x->depth++];
    f->n = sim_world_choices(x->world, f->list, &must);
    f->at = 0;
    f->world = x->world;
    sim_heap_save(&f->image);
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
    if (*ret_stale) {
        sim_heap_restore(&f->image);
        x->figures->schedules++;
    }
    x->world = f->world;
    struct sim_step step = f->list[f->at++];
    sim_schedule_add(&x->way, step);
    sim_heap_use(true);
    sim_world_step(x->world, step);
    sim_heap_use(false);
    if (x->world->failed[0])
        x->failed = x->world->failed;
    x->figures->steps++;
    return true;
}

static void search(struct search *x, uint64_t steps)
{
    uint64_t until = x->figures->steps + steps;
    begin(x);
    uint64_t h = sim_world_hash(x->world);
    is_new(x, h);
    bool stale = arrive(x, h);
    while (!x->failed && advance(x, &stale) && !x->failed) {
        stale = true;
        h = sim_world_hash(x->world);
        if (x->depth < DEPTH && is_new(x, h))
            stale = arrive(x, h);
        if (x->figures->steps >= until)
            break;
    }
    x->figures->complete &= !x->depth;
}

bool sim_search(const struct sim_setup *setup, uint64_t steps, struct sim_searched *figures,
                struct sim_schedule *ret_failing)
{
    struct search x = {.way.setup = *setup, .figures = figures};
    x.forks = xcalloc(DEPTH, sizeof *x.forks);
    search(&x, steps);
    figures->states += x.n;
    for (size_t i = 0; i < DEPTH; i++)
        free(x.forks[i].image.bytes);
    free(x.forks);
    free(x.seen);
    if (x.failed)
        printf("%s\n", x.failed);
    if (x.failed)
        *ret_failing = x.way;
    else
        sim_schedule_free(&x.way);
    return !x.failed;
}
