/* SPDX-License-Identifier: MIT */
/* What could happen next. */
#include "test/sim/sim_policy.h"
#include "test/sim/sim_world.h"

struct choices {
    struct sim_step *list;
    size_t n;
};

static void add(struct choices *c, bool can, enum sim_step_kind kind, unsigned n)
{
    if (can && c->n < SIM_CHOICES)
        c->list[c->n++] = (struct sim_step){kind, n};
}

static bool crew_can(const struct sim_device *d, enum crew_move move)
{
    struct crew copy = d->crew;
    return crew_moves(&copy, move, 0);
}

static void add_device_must(struct choices *c, struct sim_world *w, unsigned i)
{
    struct sim_device *d = &w->devices[i];
    add(c, d->crew.news, STEP_NEWS, i);
    for (int move = 0; move < CREW_MUST; move++)
        add(c, crew_can(d, (enum crew_move)move), (enum sim_step_kind)((int)STEP_ENDS + move), i);
    add(c, sim_frontend_moves(w, d, true), STEP_FRONTEND, i);
    add(c, sim_toolstack_moves(w, d, true), STEP_TOOLSTACK, i);
    add(c, sim_backend_moves(w, d, true), STEP_BACKEND, i);
    add(c, sim_script_ends(w, d, false, true), STEP_SCRIPT_ENDS, i);
    add(c, sim_old_script_ends(w, d, true), STEP_OLD_SCRIPT_ENDS, i);
}

static void add_device_may(struct choices *c, struct sim_world *w, unsigned i)
{
    struct sim_device *d = &w->devices[i];
    bool first = sim_domain(w, d) == i; /* of its domain */
    for (int move = CREW_MUST; move < CREW_GROWS; move++)
        add(c, w->left.mishaps && crew_can(d, (enum crew_move)move),
            (enum sim_step_kind)((int)STEP_ENDS + move), i);
    add(c, w->setup.mishaps && crew_can(d, CREW_GROWS), STEP_GROWS, i);
    add(c, w->left.mishaps && sim_script_ends(w, d, true, true), STEP_SCRIPT_FAILS, i);
    add(c, w->left.deaths && !w->lost && first && w->alive[i], STEP_DOMAIN_DIES, i);
    add(c, w->left.returns && !w->lost && first && !w->alive[i], STEP_DOMAIN_RETURNS, i);
    add(c, w->left.models && !w->lost && first, STEP_MODEL, i);
}

static void add_store_must(struct choices *c, const struct sim_world *w)
{
    bool waits = !TAILQ_EMPTY(&w->store.requests), replies = !TAILQ_EMPTY(&w->store.replies);
    add(c, !w->lost && waits && !replies, STEP_SERVE, 0);
    add(c, !w->lost && replies, STEP_REPLY, 0);
    add(c, !w->lost && w->store.n_events > 0 && !sim_store_overtakes(&w->store, 0), STEP_EVENT, 0);
    add(c, !w->lost && w->wake_at && w->wake_at <= w->now, STEP_TICK, 0);
    add(c, w->lost, STEP_STORE_RETURNS, 0);
}

size_t sim_world_choices(const struct sim_world *w, struct sim_step list[static SIM_CHOICES],
                         size_t *ret_must)
{
    struct choices c = {list, 0};
    bool waits = !TAILQ_EMPTY(&w->store.requests), replies = !TAILQ_EMPTY(&w->store.replies);
    struct sim_world *mutable = (struct sim_world *)(uintptr_t)w; /* trying changes nothing */
    add_store_must(&c, w);
    for (unsigned i = 0; i < w->setup.devices; i++)
        add_device_must(&c, mutable, i);
    add(&c, !w->lost && w->variant, STEP_RELOAD, VARIANT_FIRST);
    *ret_must = c.n;
    for (unsigned i = 0; i < w->setup.devices; i++)
        add_device_may(&c, mutable, i);
    for (unsigned variant = VARIANT_NONE; variant < VARIANTS; variant++)
        add(&c, !w->lost && w->left.reloads && w->variant != variant, STEP_RELOAD, variant);
    add(&c, !w->lost && sim_engine_rests(w) && w->wake_at > w->now && !w->store.n_events, STEP_TICK, 0);
    add(&c, !w->lost && w->left.faults && waits && !replies, STEP_REFUSE, 0);
    add(&c, !w->lost && w->left.faults && waits && !replies, STEP_REFUSE, 1);
    add(&c, !w->lost && w->left.faults && w->store.n_events, STEP_LOSE, 0);
    add(&c, !w->lost && w->left.crashes, STEP_CRASH, 0);
    add(&c, !w->lost && w->left.crashes && waits, STEP_CRASH, 1);
    add(&c, !w->lost && w->left.losses, STEP_STORE_DIES, 0);
    add(&c, !w->lost && w->left.losses && waits, STEP_STORE_DIES, 1);
    add(&c, w->lost && w->setup.losses > 1, STEP_STORE_RETURNS, 1);
    return c.n;
}
