/* SPDX-License-Identifier: MIT */
/* All the worlds that can be reached, in the order in which they are found: the list is the queue of an
 * exploration, breadth first, so that the way that it prints to a bad one is the shortest. Header only. */
#ifndef XENRECON_TEST_WORLDS_H
#define XENRECON_TEST_WORLDS_H

#include "schemas/mem.h"
#include "test/lib/world.h"

struct reached {
    struct world world;
    struct world_key key;
    size_t from; /* the world that it was reached from */
    const char *how;
    size_t passed; /* the world after a pass */
    enum row row;  /* that decided it */
    bool acted;
};

struct worlds {
    struct reached *list;
    size_t n, cap;
    size_t *places, size; /* a hash table of indices + 1; a power of two */
};

static inline size_t *worlds_place(const struct worlds *x, const struct world_key *k)
{
    uint64_t hash = (k->word[0] ^ k->word[1] * UINT64_C(0xff51afd7ed558ccd)) * UINT64_C(0x9e3779b97f4a7c15);
    size_t i = (size_t)(hash >> 32) & (x->size - 1);
    for (; x->places[i]; i = (i + 1) & (x->size - 1)) {
        const struct world_key *other = &x->list[x->places[i] - 1].key;
        if (other->word[0] == k->word[0] && other->word[1] == k->word[1])
            break;
    }
    return &x->places[i];
}

/* Its index; a new one comes to the end of the list. */
static inline size_t worlds_reach(struct worlds *x, const struct world *w, size_t from, const char *how)
{
    struct world_key key = world_pack(w);
    if (x->n * 2 >= x->size) {
        free(x->places);
        x->size = x->size ? x->size * 2 : 4096;
        x->places = xcalloc(x->size, sizeof *x->places);
        for (size_t i = 0; i < x->n; i++)
            *worlds_place(x, &x->list[i].key) = i + 1;
    }
    size_t *place = worlds_place(x, &key);
    if (*place)
        return *place - 1;
    xgrow(&x->list, &x->cap, x->n + 1, sizeof *x->list);
    x->list[x->n] = (struct reached){.world = *w, .key = key, .from = from, .how = how};
    *place = ++x->n;
    return x->n - 1;
}

static inline void worlds_print_way(const struct worlds *x, size_t to)
{
    if (x->list[to].from != to)
        worlds_print_way(x, x->list[to].from);
    world_print(x->list[to].how, &x->list[to].world);
    fflush(stdout);
}

/* With the world at rest, at most four passes later there is nothing to do. */
static inline void worlds_require_rest(const struct worlds *x)
{
    for (size_t i = 0; i < x->n; i++) {
        size_t at = i;
        for (int pass = 0; pass < 4; pass++)
            at = x->list[at].passed;
        if (x->list[at].acted || x->list[at].passed != at)
            worlds_print_way(x, i);
        require(!x->list[at].acted && x->list[at].passed == at, "row %s goes on for ever",
                row_name(x->list[at].row));
    }
}

/* For the next exploration, which needs about as much memory. */
static inline void worlds_clear(struct worlds *x)
{
    x->n = 0;
    if (x->size)
        memset(x->places, 0, x->size * sizeof *x->places);
}

struct tally {
    size_t states;
    bool stuck, answered;
    bool rows[ROW_COUNT];
};

static inline void tally_print(const char *name, const struct tally *all)
{
    printf("%s: %zu states; rows:", name, all->states);
    for (int row = 0; row < ROW_COUNT; row++)
        if (all->rows[row])
            printf(" %s", row_name((enum row)row));
    printf("\n");
}

/* Who waits to see Closed never does, when it is always answered at once. */
static inline bool gets_stuck(const struct policy *p, const struct frontend *f, const struct toolstack *t)
{
    return p->cycle == CYCLE_ON_CLOSED && toolstack_keeps(t) && f->stuck;
}

/* One exploration for each pair of programs. */
static inline struct tally worlds_each_pair(const struct policy *p,
                                            struct tally (*explore)(const struct policy *p,
                                                                    const struct frontend *f,
                                                                    const struct toolstack *t))
{
    struct tally all = {0};
    for (size_t t = 0; t < sizeof toolstacks / sizeof *toolstacks; t++)
        for (size_t f = 0; f < sizeof frontends / sizeof *frontends; f++) {
            struct tally tally = explore(p, &frontends[f], &toolstacks[t]);
            bool expected = gets_stuck(p, &frontends[f], &toolstacks[t]);
            all.states += tally.states;
            for (int row = 0; row < ROW_COUNT; row++)
                all.rows[row] |= tally.rows[row];
            require(!tally.answered, "toolstack %s, frontend %s: answers Closed", toolstacks[t].name,
                    frontends[f].name);
            require(tally.stuck == expected, "toolstack %s, frontend %s: %s", toolstacks[t].name,
                    frontends[f].name, tally.stuck ? "stuck" : "no longer stuck");
        }
    return all;
}

#endif
