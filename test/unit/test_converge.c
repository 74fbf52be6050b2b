/* SPDX-License-Identifier: MIT */
/* The decision table from everywhere: each combination of what B, F, the marker, the object and the worker
 * may be, reachable or not, in dom0 and in a driver domain. With a frontend and a worker that do what they
 * should and a toolstack that leaves it at that, it comes to rest, and where it should. test_table.c has all
 * ways from the beginning; test_observe_table.c devices that others serve. */
#include "test/lib/unit.h"
#include "test/lib/world.h"

enum { ROUNDS_MAX = 60 };

struct mode {
    const struct policy *policy;
    uint16_t self;
    bool works; /* there are workers */
};

static size_t n_from, decided[ROW_COUNT];

static enum row pass(const struct mode *m, struct world *w)
{
    struct worker facts = crew_facts(&w->crew);
    struct view *v = world_view(w, m->works, m->self);
    struct memory memory = {.object = w->object};
    struct decision_input in = {
        m->policy, v, &memory, m->works ? &facts : NULL, 1000000, incarnation_value(world_fresh(w))};
    struct object o;
    struct plan *plan = decide(&in, &o);
    enum row row = plan->row;
    world_remember(w, &o);
    world_apply(w, plan, v);
    for (size_t i = 0; i < plan->n_actions; i++)
        crew_task(&w->crew, &plan->actions[i]);
    plan_free(plan);
    view_free(v);
    decided[row]++;
    return row;
}

/* One that is as it should be: where it goes from here. */
static int frontend_goes(const struct world *w)
{
    int b = w->b_gone ? XENBUS_ABSENT : w->b;
    switch (w->f) {
    case XENBUS_UNKNOWN:
        return XENBUS_INITIALISING;
    case XENBUS_INITIALISING:
    case XENBUS_INIT_WAIT:
        return b == XENBUS_INIT_WAIT ? XENBUS_INITIALISED : b == XENBUS_CLOSING ? XENBUS_CLOSED : w->f;
    case XENBUS_INITIALISED:
        return b == XENBUS_CONNECTED ? XENBUS_CONNECTED : b >= XENBUS_CLOSING ? XENBUS_CLOSED : w->f;
    case XENBUS_CONNECTED:
        return b == XENBUS_CLOSING || b == XENBUS_CLOSED ? XENBUS_CLOSING : w->f;
    case XENBUS_CLOSING:
        return b == XENBUS_CLOSING || b == XENBUS_CLOSED ? XENBUS_CLOSED : w->f;
    case XENBUS_CLOSED:
        return b == XENBUS_CLOSED || b == XENBUS_INIT_WAIT ? XENBUS_INITIALISING : w->f;
    default:
        return w->f;
    }
}

static void others_move(struct world *w)
{
    for (bool moved = true; moved;) {
        moved = false;
        for (int move = 0; move < CREW_MUST; move++)
            moved |= crew_moves(&w->crew, (enum crew_move)move);
    }
    int f = frontend_goes(w);
    if (f == XENBUS_INITIALISED && w->f != f)
        w->ring = 1;
    w->f = f;
}

/* It rests in this row: may it? */
static bool may_rest(const struct mode *m, const struct world *from, const struct world *w, enum row row)
{
    bool written = from->b == XENBUS_CLOSED && from->marked && from->wrote != XENBUS_CLOSED;
    switch ((int)row) {
    case ROW_VANISHED:
        return from->online == 0 || (m->self && written);
    case ROW_FOREIGN:
        return !from->marked && from->b >= XENBUS_INIT_WAIT;
    case ROW_TOOLSTACK_CLOSED:
        return !m->self && written;
    case ROW_UNEXPECTED:
        return from->b == w->b;
    case ROW_STEADY:
    case ROW_ORPHAN:
        if (w->b == XENBUS_UNKNOWN)
            return from->b == w->b;
        if (w->f == XENBUS_ABSENT)
            return w->b == XENBUS_INIT_WAIT || w->b == XENBUS_CLOSED;
        return w->b == XENBUS_CONNECTED && w->f == XENBUS_CONNECTED && w->connected &&
               w->marker_ring == w->ring &&
               (!m->works || (w->crew.state == WORKER_CONNECTED && w->crew.ring == w->ring));
    default:
        return false;
    }
}

static void converge(const struct mode *m, const struct world *from)
{
    struct world w = *from, before;
    enum row row;
    int round = 0;
    do {
        before = w;
        row = pass(m, &w);
        others_move(&w);
    } while (!world_same(&before, &w) && ++round < ROUNDS_MAX);
    bool fine = round < ROUNDS_MAX && may_rest(m, from, &w, row);
    if (!fine) {
        world_print("from", from);
        world_print(row_name(row), &w);
        fflush(stdout);
    }
    require(fine, "self %u, %s worker, %s: %s in row %s", m->self, m->works ? "a" : "no",
            m->policy->cycle == CYCLE_ON_CLOSED ? "on-closed" : "on-initialising",
            round < ROUNDS_MAX ? "rests" : "never rests", row_name(row));
    n_from++;
}

/* ---- everywhere ---- */

static void each_frontend(const struct mode *m, struct world *w)
{
    for (w->online = 0; w->online <= 1; w->online++)
        for (w->b = XENBUS_UNKNOWN; w->b <= XENBUS_RECONFIGURED; w->b++)
            for (w->f = XENBUS_ABSENT; w->f <= XENBUS_CLOSED; w->f++) {
                bool ready = w->f == XENBUS_INITIALISED || w->f == XENBUS_CONNECTED;
                for (w->ring = ready; w->ring <= (ready ? 2 : 0); w->ring++)
                    converge(m, w);
            }
}

static void each_marker(const struct mode *m, struct world *w)
{
    static const struct {
        int wrote, ring, is;
    } markers[] = {{0}, {2, 0, 1}, {4, 1, 1}, {4, 2, 1}, {5, 0, 1}, {5, 1, 1}, {6, 0, 1}, {4, 1, 2}};
    for (int i = 0; i < COUNT(markers); i++) {
        w->marked = markers[i].is != 0;
        w->wrote = markers[i].wrote;
        w->connected = markers[i].ring != 0;
        w->marker_ring = markers[i].ring;
        w->marker_is = markers[i].is;
        w->created = w->marked;
        each_frontend(m, w);
    }
}

static void each_object(const struct mode *m)
{
    static const enum object_phase phases[] = {OBJECT_NONE, OBJECT_READY, OBJECT_CONNECTED};
    for (int phase = 0; phase < COUNT(phases); phase++)
        for (int saw = 0; saw <= (phases[phase] == OBJECT_CONNECTED ? 1 : 0); saw++) {
            struct world w = world_start;
            w.object = (struct object){.phase = phases[phase],
                                       .front_connected = saw,
                                       .incarnation = phases[phase] ? incarnation_value(1) : 0};
            each_marker(m, &w);
        }
}

/* Of this directory, or of one before it; found by this controller, or known to it. */
static void each_worker(const struct mode *m)
{
    static const struct {
        enum worker_state state;
        int ring;
        enum object_phase phase;
    } workers[] = {{WORKER_NONE, 0, OBJECT_DEAD},
                   {WORKER_STARTING, 0, OBJECT_STARTING},
                   {WORKER_READY, 0, OBJECT_READY},
                   {WORKER_CONNECTING, 1, OBJECT_CONNECTING},
                   {WORKER_CONNECTED, 1, OBJECT_CONNECTED},
                   {WORKER_CONNECTED, 2, OBJECT_CONNECTED},
                   {WORKER_DISCONNECTING, 1, OBJECT_DISCONNECTING},
                   {WORKER_DEAD, 0, OBJECT_DEAD}};
    for (int i = 0; i < COUNT(workers); i++)
        for (int held = 0; held <= (workers[i].ring ? 1 : 2); held++) { /* 2: and it was never published */
            struct world w = world_start;
            bool runs = workers[i].state != WORKER_NONE;
            w.crew = (struct crew){.state = workers[i].state,
                                   .incarnation = runs ? 1 : 0,
                                   .ring = workers[i].ring,
                                   .known = held && runs && workers[i].state != WORKER_STARTING,
                                   .told = held && runs ? 1 : 0,
                                   .size = 1};
            if (held)
                w.object = (struct object){
                    .phase = workers[i].phase, .unpublished = held == 2, .incarnation = incarnation_value(1)};
            each_marker(m, &w);
        }
}

START_TEST(from_everywhere)
{
    static const char *const policies[] = {"hold: {closed: 0}", "hold: {closed: 0}\ncycle: on-closed"};
    char with[256];
    snprintf(with, sizeof with, "%s\nworker: {command: [/w, '${mode}']}", policies[_i & 1]);
    struct policy *p = scene_policy(&(struct scene){.more = policies[_i & 1]});
    struct policy *worker = scene_policy(&(struct scene){.more = with});
    rings_hash();
    each_object(&(struct mode){p, _i & 2 ? 1 : 0, false});
    each_worker(&(struct mode){worker, _i & 2 ? 1 : 0, true});
    printf("on-%s, %s: from %zu worlds; rows:", _i & 1 ? "closed" : "initialising",
           _i & 2 ? "driver domain" : "dom0", n_from);
    for (int row = 0; row < ROW_COUNT; row++)
        if (decided[row])
            printf(" %s %zu", row_name((enum row)row), decided[row]);
    printf("\n");
    policy_free(p);
    policy_free(worker);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("converge");
    TCase *t = tcase_create("everywhere");
    tcase_add_loop_test(t, from_everywhere, 0, 4);
    suite_add_tcase(s, t);
    return run_suite(s);
}
