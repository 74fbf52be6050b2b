/* SPDX-License-Identifier: MIT */
/* The decision table in motion: the real decide() against eleven kinds of frontends, four toolstacks and two
 * crashes, at every interleaving. A world is what the store holds of one device, what the daemon remembers,
 * and how far each program has come. Wherever nothing can move any more, it must be at rest in the way that
 * the toolstack wanted. */
#include "reconcilers/decide.h"

#include <check.h>
#include <stdint.h>
#include <stdio.h>

#include "schemas/mem.h"
#include "test/lib/plan_check.h"
#include "test/lib/unit.h"

/* ---- programs ---- */

enum verb {
    END,
    WAIT, /* until B is in one of the states; the rest needs no waiting */
    SET,  /* F's state */
    RING, /* F's connect keys */
};

struct step {
    enum verb verb;
    unsigned arg; /* a set of states, a state, or the ring's number */
};

#define IN(a, b)                    \
    {                               \
        WAIT, 1u << (a) | 1u << (b) \
    }
#define TO(state)  \
    {              \
        SET, state \
    }
#define CONNECT(n)  IN(2, 2), {RING, n}, TO(3), IN(4, 4), TO(4)
#define CLOSE       TO(5), IN(5, 6), TO(6)
#define AGAIN_AT(b) IN(b, b)
enum { STEPS = 16 };

static const struct frontend {
    const char *name;
    struct step steps[STEPS];
    bool stuck; /* with `cycle: on-closed` and a toolstack that keeps the device */
} frontends[] = {
    {"connects", {CONNECT(1)}, false},
    {"never says Initialised", {IN(2, 2), {RING, 1}, TO(4), IN(4, 4)}, false},
    {"does not wait for InitWait", {{RING, 1}, TO(3), IN(4, 4), TO(4)}, false},
    {"Initialised at probe", {{RING, 1}, TO(3), IN(2, 4), TO(4)}, false},
    {"reloads", {CONNECT(1), CLOSE, AGAIN_AT(6), TO(1), CONNECT(2)}, true},
    {"closes before it connects", {CLOSE, AGAIN_AT(6), TO(1), CONNECT(1)}, true},
    {"kexec", {CONNECT(1), TO(1), CONNECT(2)}, false},
    {"kexec, does not wait", {CONNECT(1), TO(1), {RING, 2}, TO(3), IN(4, 4), TO(4)}, false},
    {"kexec, talks to Connected", {CONNECT(1), TO(1), IN(2, 4), {RING, 2}, TO(3), IN(4, 4), TO(4)}, false},
    {"waits for nothing", {CONNECT(1), TO(5), TO(6), TO(1), {RING, 2}, TO(3), IN(4, 4), TO(4)}, false},
    {"comes back by InitWait", {CONNECT(1), CLOSE, AGAIN_AT(6), TO(2), CONNECT(2)}, true},
};

enum deed {
    DONE,
    DETACH,       /* online=0, and Closing unless Closed */
    WRITE_CLOSED, /* as libxl does just before it deletes */
    REMOVE,
    REMOVE_FRONTEND,
    REPLACE, /* detaches and attaches faster than anybody looks: new directories of the same names */
};

static const struct toolstack {
    const char *name;
    enum deed deeds[3];
} toolstacks[] = {
    {"does nothing", {DONE}},
    {"writes Closed and deletes", {WRITE_CLOSED, REMOVE}},
    {"detaches", {DETACH}},
    {"detaches, then F goes", {DETACH, REMOVE_FRONTEND}},
    {"replaces the device", {REPLACE}},
};

/* ---- worlds ---- */

struct world {
    bool b_gone, marked, connected, created; /* created: what is published with InitWait is there */
    int b, online, f;
    int wrote, marker_ring; /* the marker's */
    int ring;               /* F's connect keys: 0 none */
    struct object object;
    bool second_marker; /* the marker is from after the device was replaced */
    int step, deed, crashes;
};

static const struct world start = {
    .b = XENBUS_INITIALISING, .online = 1, .f = XENBUS_INITIALISING, .crashes = 2};

static uint64_t world_pack(const struct world *w)
{
    uint64_t n = 0;
#define PACK(value, bits) (n = n << (bits) | (uint64_t)(unsigned)(value))
    PACK(w->b_gone, 1);
    PACK(w->marked, 1);
    PACK(w->connected, 1);
    PACK(w->created, 1);
    PACK(w->b, 4);
    PACK(w->online, 1);
    PACK(w->f + 1, 4);
    PACK(w->wrote, 4);
    PACK(w->marker_ring, 2);
    PACK(w->ring, 2);
    PACK(w->object.phase, 3);
    PACK(w->object.front_connected, 1);
    PACK(w->second_marker, 1);
    PACK(w->object.incarnation == scene_incarnation[THEIRS], 1);
    PACK(w->step, 4);
    PACK(w->deed, 2);
    PACK(w->crashes, 2);
#undef PACK
    return n + 1; /* 0 is an empty place */
}

struct set {
    uint64_t *places;
    size_t size, n; /* size is a power of two */
};

/* Was it new? */
static bool set_add(struct set *s, uint64_t key)
{
    if (s->n * 2 >= s->size) {
        struct set bigger = {.size = s->size ? s->size * 2 : 1024};
        bigger.places = xcalloc(bigger.size, sizeof *bigger.places);
        for (size_t i = 0; i < s->size; i++)
            if (s->places[i])
                set_add(&bigger, s->places[i]);
        free(s->places);
        *s = bigger;
    }
    size_t i = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (s->size - 1);
    while (s->places[i] && s->places[i] != key)
        i = (i + 1) & (s->size - 1);
    if (s->places[i])
        return false;
    s->places[i] = key;
    s->n++;
    return true;
}

struct worlds {
    struct world *list;
    size_t n, cap;
};

static void worlds_push(struct worlds *todo, const struct world *w)
{
    xgrow(&todo->list, &todo->cap, todo->n + 1, sizeof *w);
    todo->list[todo->n++] = *w;
}

/* ---- the controller in the world ---- */

static const char *const rings[] = {NULL, RING_A, RING_B};
static uint64_t ring_hashes[3];

static struct view *world_view(const struct world *w)
{
    struct scene s = {.gone = w->b_gone};
    char b[128], f[128];
    snprintf(b, sizeof b, "online=%d state=%d%s", w->online, w->b,
             w->created ? " feature-flush-cache=1 hotplug-status=connected" : "");
    snprintf(f, sizeof f, "state=%d %s", w->f, w->ring ? rings[w->ring] : "");
    s.b = b;
    s.f = w->f == XENBUS_ABSENT ? NULL : f;
    struct view *v = scene_view(&s);
    if (w->marked && !w->b_gone) {
        char text[MARKER_SIZE];
        struct marker m = {scene_incarnation[w->second_marker ? THEIRS : FRESH], (enum xenbus_state)w->wrote,
                           w->connected, ring_hashes[w->marker_ring]};
        marker_format(&m, text);
        view_add(v, BACKEND, MARKER_KEY, PRESENT, text, strlen(text));
        view_seal(v);
    }
    return v;
}

static void world_apply(struct world *w, const struct plan *plan, const struct view *v)
{
    const char *state = scene_written(plan, v, "state"), *marker = scene_written(plan, v, MARKER_KEY);
    if (state)
        w->b = state[0] - '0';
    if (marker) {
        struct marker m;
        require(!marker_parse(marker, strlen(marker), &m), "marker %s", marker);
        w->second_marker = m.incarnation == scene_incarnation[THEIRS];
        require(w->second_marker || m.incarnation == scene_incarnation[FRESH], "marker %s", marker);
        w->marked = true;
        w->wrote = (int)m.wrote;
        w->connected = m.connected;
        for (w->marker_ring = 2; w->marker_ring && m.ring != ring_hashes[w->marker_ring]; w->marker_ring--)
            ;
        require(!m.connected || w->marker_ring, "a ring that is none: %s", marker);
        if (!m.connected)
            w->marker_ring = 0;
    }
    if (scene_written(plan, v, "hotplug-status"))
        w->created = true;
    for (size_t i = 0; i < plan->n_actions; i++)
        for (size_t j = 0; j < plan->actions[i].n_removals; j++)
            if (!strcmp(plan->actions[i].removals[j].path, SCENE_B)) {
                struct world bare = {.b_gone = true,
                                     .f = w->f,
                                     .ring = w->ring,
                                     .object = w->object,
                                     .step = w->step,
                                     .deed = w->deed,
                                     .crashes = w->crashes};
                *w = bare;
            }
}

/* One pass: decides, and does it. Returns the row; *ret_acts: there was something to do. */
static enum row world_pass(struct world *w, const struct policy *p, bool replaced, bool *ret_acts)
{
    struct view *v = world_view(w);
    struct memory m = {.object = w->object};
    struct decision_input in = {p, v, &m, NULL, 1000, scene_incarnation[replaced ? THEIRS : FRESH]};
    struct plan *plan = decide(&in, &w->object);
    enum row row = plan->row;
    plan_check(plan, v, p, in.now, "world");
    require(!plan->deferred, "row %s waits", row_name(row));
    *ret_acts = plan->n_actions > 0;
    world_apply(w, plan, v);
    /* time passes between two moves: no window, no hold goes on */
    w->object.cycles = 0;
    w->object.cycles_since = w->object.phase_since = 0;
    if (w->object.phase == OBJECT_NONE)
        w->object = (struct object){0};
    plan_free(plan);
    view_free(v);
    return row;
}

/* ---- exploration ---- */

static bool frontend_moves(struct world *w, const struct frontend *f, const struct toolstack *t)
{
    const struct step *step = &f->steps[w->step];
    if (step->verb == END || w->f == XENBUS_ABSENT)
        return false;
    if (t->deeds[0] == WRITE_CLOSED && w->deed) /* a paused guest's: that is why libxl does so */
        return false;
    if (step->verb == WAIT && (w->b_gone || !(step->arg & 1u << w->b)))
        return false;
    if (step->verb == SET)
        w->f = (int)step->arg;
    if (step->verb == RING)
        w->ring = (int)step->arg;
    w->step++;
    return true;
}

static bool toolstack_moves(struct world *w, const struct toolstack *t)
{
    enum deed deed = t->deeds[w->deed];
    switch (deed) {
    case DONE:
        return false;
    case DETACH:
        if (w->b_gone)
            return false;
        w->online = 0;
        if (w->b != XENBUS_CLOSED)
            w->b = XENBUS_CLOSING;
        break;
    case WRITE_CLOSED:
        if (w->b_gone)
            return false;
        w->b = XENBUS_CLOSED;
        break;
    case REMOVE:
        *w = (struct world){.b_gone = true,
                            .f = w->f,
                            .ring = w->ring,
                            .object = w->object,
                            .step = w->step,
                            .deed = w->deed,
                            .crashes = w->crashes};
        break;
    case REMOVE_FRONTEND:
        w->f = XENBUS_ABSENT;
        w->ring = 0;
        break;
    case REPLACE: {
        struct world anew = start;
        anew.object = w->object;
        anew.deed = w->deed;
        anew.crashes = w->crashes;
        *w = anew;
        break;
    }
    }
    w->deed++;
    return true;
}

static bool at_rest_as_wanted(const struct world *w, const struct frontend *f, const struct toolstack *t)
{
    bool active = w->f >= XENBUS_INIT_WAIT && w->f <= XENBUS_CLOSING;
    if (t->deeds[0] != DONE && t->deeds[0] != REPLACE)
        return w->b_gone || (w->online == 0 && active);
    return f->steps[w->step].verb == END && !w->b_gone && w->b == XENBUS_CONNECTED && w->connected &&
           w->marker_ring == w->ring;
}

struct tally {
    size_t states;
    bool stuck, answered;
    bool rows[ROW_COUNT];
};

static void print_world(const char *what, const struct world *w, const struct frontend *f,
                        const struct toolstack *t, enum row row)
{
    printf("  %s (%s): frontend %s, toolstack %s: B %d online %d, F %d, marker %d %d, phase %d, step %d, "
           "crashes left %d\n",
           what, row_name(row), f->name, t->name, w->b_gone ? -1 : w->b, w->online, w->f,
           w->marked ? w->wrote : -1, w->marker_ring, w->object.phase, w->step, w->crashes);
}

static struct tally explore(const struct policy *p, const struct frontend *f, const struct toolstack *t)
{
    struct tally tally = {0};
    struct set seen = {0};
    struct worlds todo = {0};
    worlds_push(&todo, &start);
    while (todo.n) {
        struct world w = todo.list[--todo.n], next = w;
        bool moved = false, acts, replaced = t->deeds[0] == REPLACE && w.deed;
        if (!set_add(&seen, world_pack(&w)))
            continue;
        enum row row = world_pass(&next, p, replaced, &acts);
        tally.rows[row] = true;
        if (world_pack(&next) != world_pack(&w)) {
            bool toolstacks_closed = t->deeds[0] == WRITE_CLOSED && w.deed == 1 && w.b == XENBUS_CLOSED &&
                                     w.marked && w.wrote != XENBUS_CLOSED;
            if (toolstacks_closed && (next.b_gone || next.b != w.b)) {
                tally.answered = true;
                print_world("answers the toolstack's Closed", &w, f, t, row);
            }
            worlds_push(&todo, &next);
            moved = true;
        }
        /* with the world at rest, at most four passes later there is nothing to do */
        for (int pass = 0; pass < 4; pass++)
            world_pass(&next, p, replaced, &acts);
        uint64_t rest = world_pack(&next);
        enum row last = world_pass(&next, p, replaced, &acts);
        require(!acts && world_pack(&next) == rest, "row %s goes on for ever", row_name(last));

        next = w;
        if (frontend_moves(&next, f, t)) {
            worlds_push(&todo, &next);
            moved = true;
        }
        next = w;
        if (toolstack_moves(&next, t)) {
            worlds_push(&todo, &next);
            moved = true;
        }
        if (!moved && !at_rest_as_wanted(&w, f, t)) {
            if (!tally.stuck)
                print_world("stuck", &w, f, t, row);
            tally.stuck = true;
        }
        if (w.crashes && w.object.phase != OBJECT_NONE) {
            next = w;
            next.object = (struct object){0};
            next.crashes--;
            worlds_push(&todo, &next);
        }
    }
    tally.states = seen.n;
    free(seen.places);
    free(todo.list);
    return tally;
}

START_TEST(every_world)
{
    bool on_closed = _i == CYCLE_ON_CLOSED;
    struct scene s = {.more = on_closed ? "cycle: on-closed\nhold: {closed: 0}" : "hold: {closed: 0}"};
    struct policy *p = scene_policy(&s);
    size_t states = 0;
    bool rows[ROW_COUNT] = {false};
    for (int i = 1; i <= 2; i++)
        ring_hashes[i] = scene_ring(rings[i]);
    for (int t = 0; t < COUNT(toolstacks); t++)
        for (int f = 0; f < COUNT(frontends); f++) {
            struct tally tally = explore(p, &frontends[f], &toolstacks[t]);
            states += tally.states;
            for (int row = 0; row < ROW_COUNT; row++)
                rows[row] |= tally.rows[row];
            ck_assert(!tally.answered);
            /* who waits to see Closed never does, when it is always answered at once */
            bool stays = toolstacks[t].deeds[0] == DONE || toolstacks[t].deeds[0] == REPLACE;
            bool expected = on_closed && stays && frontends[f].stuck;
            require(tally.stuck == expected, "toolstack %s, frontend %s: %s", toolstacks[t].name,
                    frontends[f].name, tally.stuck ? "stuck" : "no longer stuck");
        }
    printf("%s: %zu states; rows:", on_closed ? "on-closed" : "on-initialising", states);
    for (int row = 0; row < ROW_COUNT; row++)
        if (rows[row])
            printf(" %s", row_name((enum row)row));
    printf("\n");
    ck_assert_uint_gt(states, 10000);
    policy_free(p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("table");
    TCase *t = tcase_create("worlds");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, every_world, CYCLE_ON_INITIALISING, CYCLE_ON_CLOSED + 1);
    suite_add_tcase(s, t);
    return run_suite(s);
}
