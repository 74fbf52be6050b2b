/* SPDX-License-Identifier: MIT */
/* The decision table in motion: the real decide() against eleven kinds of frontends, six toolstacks and two
 * crashes, at every interleaving. Wherever nothing can move any more, the world must be at rest in the way
 * that the toolstack wanted. Devices without a worker; test_workers_table.c has those with one. */
#include "test/lib/unit.h"
#include "test/lib/worlds.h"

/* One pass: decides, and does it. */
static enum row pass(const struct world *w, const struct policy *p, struct world *next, bool *ret_acted)
{
    struct view *v = world_view(w, false, 0);
    struct memory m = {.object = w->object};
    struct decision_input in = {p, v, &m, NULL, 1000, incarnation_value(world_fresh(w))};
    struct object o;
    struct plan *plan = decide(&in, &o);
    enum row row = plan->row;
    plan_check(plan, v, p, in.now, "world");
    require(!plan->requeue_acts, "row %s waits", row_name(row));
    *ret_acted = plan->n_actions > 0;
    *next = *w;
    world_remember(next, &o);
    world_apply(next, plan, v);
    plan_free(plan);
    view_free(v);
    return row;
}

/* Reaches all that may come after this world; false: nothing does. */
static bool move(struct worlds *x, size_t id, const struct policy *p, const struct frontend *f,
                 const struct toolstack *t)
{
    struct world w = x->list[id].world, next;
    bool acted, moved = false;
    enum row row = pass(&w, p, &next, &acted);
    size_t passed = worlds_reach(x, &next, id, row_name(row));
    x->list[id].passed = passed;
    x->list[id].row = row;
    x->list[id].acted = acted;
    next = w;
    if (frontend_moves(&next, f, t)) {
        worlds_reach(x, &next, id, f->name);
        moved = true;
    }
    next = w;
    if (toolstack_moves(&next, t)) {
        worlds_reach(x, &next, id, t->name);
        moved = true;
    }
    if (w.crashes && w.object.phase != OBJECT_NONE) {
        next = w;
        next.object = (struct object){0};
        next.crashes--;
        worlds_reach(x, &next, id, "the controller crashes");
    }
    return moved || passed != id;
}

static struct tally explore(const struct policy *p, const struct frontend *f, const struct toolstack *t)
{
    struct tally tally = {0};
    static struct worlds x;
    worlds_clear(&x);
    worlds_reach(&x, &world_start, 0, "start");
    for (size_t id = 0; id < x.n; id++) {
        bool moved = move(&x, id, p, f, t);
        const struct reached *r = &x.list[id];
        const struct world *next = &x.list[r->passed].world;
        tally.rows[r->row] = true;
        if (toolstack_wrote_closed(&r->world, t) && (next->b_gone || next->b != r->world.b)) {
            worlds_print_way(&x, id);
            tally.answered = true;
        }
        if (!moved && !at_rest_as_wanted(&r->world, f, t)) {
            if (!tally.stuck && !gets_stuck(p, f, t))
                worlds_print_way(&x, id);
            tally.stuck = true;
        }
    }
    worlds_require_rest(&x);
    tally.states = x.n;
    return tally;
}

START_TEST(every_world)
{
    bool on_closed = _i == CYCLE_ON_CLOSED;
    struct scene s = {.more = on_closed ? "cycle: on-closed\nhold: {closed: 0}" : "hold: {closed: 0}"};
    struct policy *p = scene_policy(&s);
    rings_hash();
    struct tally all = worlds_each_pair(p, explore);
    tally_print(on_closed ? "on-closed" : "on-initialising", &all);
    ck_assert_uint_gt(all.states, 10000);
    policy_free(p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("table");
    TCase *t = tcase_create("worlds");
    tcase_add_loop_test(t, every_world, CYCLE_ON_INITIALISING, CYCLE_ON_CLOSED + 1);
    suite_add_tcase(s, t);
    return run_suite(s);
}
