/* SPDX-License-Identifier: MIT */
/* The decision table in motion, for devices with a worker: the worlds of test_table.c, in which a process
 * answers, refuses, dies, loses its connection, publishes anew, and is found again by a controller that has
 * crashed. What must never happen is checked with every pass; where nothing can move any more, the worker
 * must serve what the toolstack wants served. */
#include "test/lib/unit.h"
#include "test/lib/worlds.h"

/* How often the controller dies, and something befalls the worker, in each world. */
#ifndef CRASHES
#define CRASHES 1
#define MISHAPS 1
#endif

struct exploration {
    struct worlds worlds;
    const struct policy *policy;
    const struct frontend *frontend;
    const struct toolstack *toolstack;
    size_t id; /* the world that is looked at */
};

#define must(x, condition, ...)                      \
    do {                                             \
        if (!(condition)) {                          \
            worlds_print_way(&(x)->worlds, (x)->id); \
            require(condition, __VA_ARGS__);         \
        }                                            \
    } while (0)

/* ---- what must never happen ---- */

static bool served(const struct world *w)
{
    return w->b == XENBUS_CONNECTED && w->online == 1 && w->f == XENBUS_CONNECTED && w->marked &&
           w->wrote == XENBUS_CONNECTED && w->connected && w->marker_ring == w->ring;
}

static void check_task(const struct exploration *x, const struct world *w, const struct crew *c,
                       const struct action *a, bool stopped)
{
    bool quiet = served(w) && c->state == WORKER_CONNECTED && c->ring == w->ring;
    int incarnation = incarnation_number(a->incarnation);
    switch (a->task) {
    case TASK_START:
        must(x, stopped || !crew_lives(c) || c->incarnation != incarnation, "started beside one that lives");
        must(x, !w->marked || w->b == XENBUS_INITIALISING || incarnation == w->marker_is,
             "started for another directory");
        break;
    case TASK_CONNECT:
        must(x, c->known && c->state == WORKER_READY, "connect to one that is not ready");
        must(x, a->ring == ring_hashes[w->ring] && w->ring, "another ring than F shows");
        break;
    case TASK_DISCONNECT:
        must(x, c->known && (c->state == WORKER_CONNECTING || c->state == WORKER_CONNECTED),
             "disconnect to one that is not connected");
        break;
    case TASK_STOP:
    case TASK_NONE:
    case TASK_SCRIPT:
        break;
    }
    must(x, !quiet || a->task == TASK_NONE, "a device that is left alone is disturbed");
}

/* `decided`: the worker as the decision saw it. */
static void check_pass(const struct exploration *x, const struct world *w, const struct crew *decided,
                       const struct plan *plan, const struct world *next)
{
    bool stopped = false;
    for (size_t i = 0; i < plan->n_actions; i++) {
        check_task(x, w, decided, &plan->actions[i], stopped);
        stopped |= plan->actions[i].task == TASK_STOP;
    }
    if (next->b_gone)
        return;
    bool ready = decided->known && decided->state == WORKER_READY;
    bool connected = decided->known && decided->state == WORKER_CONNECTED && decided->ring == w->ring;
    must(x, next->b == w->b || next->b != XENBUS_CLOSED || !crew_holds(&next->crew),
         "Closed, and a worker holds the ring");
    must(x, next->b == w->b || next->b != XENBUS_INIT_WAIT || ready,
         "InitWait without a worker that is ready");
    must(x,
         next->b == w->b || next->b != XENBUS_INIT_WAIT || w->b != XENBUS_INITIALISING ||
             decided->readonly == w->readonly,
         "InitWait with a worker that was started with other values");
    must(x, next->b == w->b || next->b != XENBUS_INIT_WAIT || next->published == decided->told,
         "InitWait without what belongs to it");
    must(x, next->b == w->b || next->b != XENBUS_CONNECTED || connected,
         "Connected without a worker that is");
    must(x, !next->connected || (w->connected && w->marker_ring == next->marker_ring) || connected,
         "a marker with a ring that no worker is connected to");
    must(x,
         !(w->b == XENBUS_CONNECTED && w->online == 1 && w->ring &&
           (w->f == XENBUS_INITIALISED || w->f == XENBUS_CONNECTED) && w->marked &&
           w->wrote == XENBUS_CONNECTED) ||
             next->b == XENBUS_CONNECTED,
         "Connected is not kept");
    must(x, !toolstack_wrote_closed(w, x->toolstack) || next->b == w->b, "answers the toolstack's Closed");
}

/* ---- a pass ---- */

/* Nobody knows of a device without a directory that was not seen before: its worker is swept. */
static bool swept(const struct world *w)
{
    return w->b_gone && w->object.phase == OBJECT_NONE && w->crew.found;
}

/* What the controller does with this world: it has read the store when the worker was as it is there, has
 * decided when it was as in `decided`, and gives out tasks when it is as in `acted`. Was there anything to
 * do? */
static bool pass(const struct exploration *x, const struct world *w, const struct crew *decided,
                 const struct crew *acted, struct world *next, enum row *ret_row)
{
    struct worker before = crew_facts(&w->crew), facts = crew_facts(decided);
    bool asked =
        !w->object.unpublished && w->object.published != worker_published(&before) && before.n_published;
    struct view *v = world_view(w, asked, 0);
    struct memory m = {.object = w->object};
    struct decision_input in = {x->policy, v, &m, &facts, 1000000, incarnation_value(world_fresh(w))};
    struct object o;
    struct plan *plan = decide(&in, &o);
    plan_check_with(plan, v, x->policy, &facts, in.now, "world");
    must(x, !plan->requeue_acts || facts.refused || facts.ending, "row %s waits", row_name(plan->row));
    must(x, plan_acts(plan) == (plan->n_actions > 0), "an action that does nothing");
    *next = *w;
    next->crew = *acted;
    next->crew.found = false;
    world_remember(next, &o);
    world_apply(next, plan, v);
    for (size_t i = 0; i < plan->n_actions; i++)
        crew_task(&next->crew, &plan->actions[i]);
    check_pass(x, w, decided, plan, next);
    bool acts = plan->n_actions > 0;
    *ret_row = plan->row;
    plan_free(plan);
    view_free(v);
    return acts;
}

/* The worker moves while the controller looks. */
static void pass_meanwhile(struct exploration *x, const struct world *w, const struct crew *moved, bool acts)
{
    struct world next;
    enum row row;
    if (acts) {
        pass(x, w, &w->crew, moved, &next, &row);
        worlds_reach(&x->worlds, &next, x->id, "meanwhile, a pass");
    }
    if (moved->told != w->crew.told || moved->known != w->crew.known) {
        pass(x, w, moved, moved, &next, &row);
        worlds_reach(&x->worlds, &next, x->id, "meanwhile, a snapshot");
    }
}

/* ---- exploration ---- */

static bool passes(struct exploration *x, const struct world *w)
{
    struct world next = *w;
    enum row row = ROW_VANISHED;
    bool acts = true;
    if (swept(w))
        crew_stop(&next.crew);
    else
        acts = pass(x, w, &w->crew, &w->crew, &next, &row);
    size_t passed = worlds_reach(&x->worlds, &next, x->id, row_name(row));
    struct reached *r = &x->worlds.list[x->id];
    r->passed = passed;
    r->row = row;
    r->acted = acts;
    return acts;
}

/* Reaches all that may come after this world; false: nothing must. */
static bool move(struct exploration *x)
{
    struct world w = x->worlds.list[x->id].world, next;
    bool acts = passes(x, &w), moved = x->worlds.list[x->id].passed != x->id;
    for (int i = 0; i < CREW_MOVES; i++) {
        next = w;
        if (!crew_moves(&next.crew, (enum crew_move)i))
            continue;
        worlds_reach(&x->worlds, &next, x->id, crew_move_names[i]);
        moved |= i < CREW_MUST;
        if (!swept(&w))
            pass_meanwhile(x, &w, &next.crew, acts);
    }
    next = w;
    if (frontend_moves(&next, x->frontend, x->toolstack)) {
        worlds_reach(&x->worlds, &next, x->id, x->frontend->name);
        moved = true;
    }
    next = w;
    if (toolstack_moves(&next, x->toolstack)) {
        worlds_reach(&x->worlds, &next, x->id, x->toolstack->name);
        moved = true;
    }
    if (w.crashes && (w.object.phase != OBJECT_NONE || w.crew.state != WORKER_NONE)) {
        next = w;
        next.object = (struct object){0};
        next.crashes--;
        crew_found(&next.crew);
        worlds_reach(&x->worlds, &next, x->id, "the controller crashes");
    }
    return moved;
}

static bool worker_as_wanted(const struct exploration *x, const struct world *w)
{
    const struct crew *c = &w->crew;
    if (w->b_gone)
        return c->state == WORKER_NONE && !c->ending;
    return !toolstack_keeps(x->toolstack) ||
           (c->known && c->state == WORKER_CONNECTED && c->ring == w->ring && w->published == c->size &&
            w->object.phase == OBJECT_CONNECTED && c->incarnation == w->marker_is);
}

static struct tally explore(const struct policy *p, const struct frontend *f, const struct toolstack *t)
{
    struct tally tally = {0};
    static struct exploration x;
    x = (struct exploration){.worlds = x.worlds, .policy = p, .frontend = f, .toolstack = t};
    worlds_clear(&x.worlds);
    struct world start = world_start;
    start.crashes = CRASHES;
    start.crew.mishaps = MISHAPS;
    worlds_reach(&x.worlds, &start, 0, "start");
    for (; x.id < x.worlds.n; x.id++) {
        bool moved = move(&x), stays = false;
        const struct reached *r = &x.worlds.list[x.id];
        tally.rows[r->row] = true;
        if (!moved)
            stays = !at_rest_as_wanted(&r->world, f, t);
        if (stays && !tally.stuck && !gets_stuck(p, f, t))
            worlds_print_way(&x.worlds, x.id);
        must(&x, moved || stays || worker_as_wanted(&x, &r->world), "the worker is not as it should be");
        tally.stuck |= stays;
    }
    worlds_require_rest(&x.worlds);
    tally.states = x.worlds.n;
    return tally;
}

START_TEST(every_world)
{
    static const char *const policies[] = {
        "worker: {command: [/w, '${mode}']}\nhold: {closed: 0}",
        "worker: {command: [/w, '${mode}']}\nhold: {closed: 0}\ncycle: on-closed"};
    struct scene s = {.more = policies[_i]};
    struct policy *p = scene_policy(&s);
    rings_hash();
    struct tally all = worlds_each_pair(p, explore);
    tally_print(p->cycle == CYCLE_ON_CLOSED ? "on-closed" : "on-initialising", &all);
    ck_assert_uint_gt(all.states, 100000);
    policy_free(p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("workers table");
    TCase *t = tcase_create("worlds");
    tcase_add_loop_test(t, every_world, 0, 2);
    suite_add_tcase(s, t);
    return run_suite(s);
}
