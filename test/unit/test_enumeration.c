/* SPDX-License-Identifier: MIT */
/* Every combination of what the decision table looks at, against a second reading of the table: some row
 * always decides, it is the right one, B becomes what that row says, and every row is reached. */
#include "reconcilers/decide.h"

#include <check.h>
#include <stdint.h>
#include <stdio.h>

#include "test/lib/plan_check.h"
#include "test/lib/unit.h"

struct facts {
    int online, b, f; /* -1: absent */
    enum whose marker;
    int wrote;
    int marker_ring, ring; /* 0: none */
    enum object_phase phase;
    enum whose object;
    bool front_connected, keys, qemu, on_closed;
};

static bool in(int state, const char *states)
{
    return state >= 0 && strchr(states, '0' + state);
}

static bool passed[ROW_COUNT]; /* rows that only prepare another's decision */

/* The table, again: the first row that applies. `held` is the object, as the rows above have left it. */
static enum row second_reading(const struct facts *c, bool *ret_released)
{
    enum object_phase held = c->phase;
    bool marked = c->marker != NOBODY, active = in(c->f, "2345"), connect = c->ring != 0,
         front_connected = c->front_connected;
    bool begins = c->b == -1 || in(c->b, "01");
    if (held && !(held == OBJECT_STARTING && c->b == 1 && !marked) &&
        (marked ? c->marker != c->object : begins)) {
        passed[ROW_REINCARNATED] = *ret_released = true;
        held = OBJECT_NONE;
    }
again:
    if (!marked && c->online == -1)
        return ROW_INCOMPLETE_DIR;
    if (!marked && c->online == 0 && c->b == 5 && !active && !c->qemu)
        return ROW_UNCLAIMED_CLOSE;
    if (!marked && c->b >= 2)
        return ROW_FOREIGN;
    if (c->online != 1 && (begins || in(c->b, "26"))) {
        *ret_released |= held != OBJECT_NONE;
        return ROW_DESTROY;
    }
    if (!held && c->b == 1 && c->qemu)
        return ROW_CLAIMED_ELSEWHERE;
    if (!held && (c->b == -1 || (c->b == 1 && !c->keys))) /* `state` is a key that everybody requires */
        return ROW_INCOMPLETE;
    if (!held && c->b == 1)
        return ROW_CREATE;
    if (held == OBJECT_STARTING && c->b == 1 && !marked)
        return ROW_STARTING;
    if (held && begins) {
        passed[ROW_RESET] = *ret_released = true;
        held = OBJECT_NONE;
        goto again;
    }
    if (!held && marked && c->b >= 2) {
        passed[ROW_ADOPT] = true;
        held = OBJECT_READY;
        front_connected = false;
    }
    if (c->online != 1)
        return active ? ROW_CLOSE_WAIT : ROW_CLOSE_IDLE;
    if (c->b == 6 && c->wrote != 6)
        return ROW_TOOLSTACK_CLOSED;
    if ((held == OBJECT_CONNECTING || held == OBJECT_DISCONNECTING) && !in(c->f, "56"))
        return ROW_BUSY;
    if (held == OBJECT_DEAD && !(in(c->b, "245") && (c->f == -1 || in(c->f, "56"))))
        return ROW_RESPAWN;
    if (in(c->b, "26") && in(c->f, "34"))
        return ROW_CONNECT;
    if (c->b == 4 && in(c->f, "34") &&
        (!connect || c->marker_ring != c->ring || (c->f == 3 && front_connected)))
        return ROW_RECONNECT;
    if (in(c->b, "24") && c->f == 5)
        return ROW_FRONT_CLOSING;
    if ((in(c->b, "45") || (c->b == 2 && !c->on_closed)) && (c->f == 6 || c->f == -1))
        return ROW_FRONT_CLOSED;
    if ((c->b == 4 && in(c->f, "12")) || (c->b == 5 && in(c->f, "123")))
        return ROW_FRONT_RESTART;
    if (c->b == 5 && !active)
        return ROW_TOOLSTACK_CLOSE;
    if (c->b == 6 && (in(c->f, "12") || c->on_closed))
        return ROW_CYCLE;
    if (in(c->b, "378"))
        return ROW_UNEXPECTED;
    return ROW_STEADY;
}

/* What a row makes of B's state. */
static int makes(enum row row, const struct facts *c)
{
    /* indexed by row; 0: leaves it */
    static const char states[ROW_COUNT] = {
        [ROW_UNCLAIMED_CLOSE] = 6, [ROW_CREATE] = 2,        [ROW_CLOSE_IDLE] = 6,   [ROW_CLOSE_WAIT] = 5,
        [ROW_CONNECT] = 4,         [ROW_FRONT_CLOSING] = 5, [ROW_FRONT_CLOSED] = 6, [ROW_FRONT_RESTART] = 6,
        [ROW_TOOLSTACK_CLOSE] = 6, [ROW_CYCLE] = 2,
    };
    if (row == ROW_CONNECT && !c->ring)
        return c->b; /* no keys to connect with */
    return states[row] ? states[row] : c->b;
}

static const char *const rings[] = {NULL, RING_A, RING_B};
static uint64_t hashes[3];
static bool decided[ROW_COUNT];
static size_t n_facts;

static void add(struct view *v, enum side side, const char *key, const char *value)
{
    view_add(v, side, key, PRESENT, value, strlen(value));
}

static struct view *facts_view(const struct facts *c)
{
    struct device_key key = {.type = "qdisk", .devid = "51712", .domid = 7};
    struct view *v = view_new(0, &key);
    char b[2] = {(char)('0' + c->b), 0}, f[2] = {(char)('0' + c->f), 0}, marker[MARKER_SIZE];
    v->directory = v->domain = PRESENT;
    v->qemu = c->qemu ? PRESENT : ABSENT;
    view_set_frontend(v, SCENE_F);
    add(v, BACKEND, "frontend", SCENE_F);
    add(v, BACKEND, "frontend-id", "7");
    if (c->keys)
        add(v, BACKEND, "mode", "w");
    if (c->online >= 0)
        add(v, BACKEND, "online", c->online ? "1" : "0");
    if (c->b >= 0)
        add(v, BACKEND, "state", b);
    if (c->f >= 0)
        add(v, FRONTEND, "state", f);
    if (c->ring) {
        add(v, FRONTEND, "ring-ref", c->ring == 1 ? "8" : "16");
        add(v, FRONTEND, "event-channel", "9");
    }
    if (c->marker) {
        struct marker m = {scene_incarnation[c->marker], (enum xenbus_state)c->wrote, c->marker_ring != 0,
                           hashes[c->marker_ring]};
        marker_format(&m, marker);
        add(v, BACKEND, MARKER_KEY, marker);
    }
    view_seal(v);
    return v;
}

static void check(const struct policy *p, const struct facts *c)
{
    char name[160];
    snprintf(name, sizeof name,
             "online %d B %d F %d, marker %d wrote %d ring %d/%d, phase %d of %d saw 4 %d, keys %d qemu %d "
             "on-closed %d",
             c->online, c->b, c->f, c->marker, c->wrote, c->marker_ring, c->ring, c->phase, c->object,
             c->front_connected, c->keys, c->qemu, c->on_closed);
    struct view *v = facts_view(c);
    struct memory m = {.object = {.phase = c->phase,
                                  .front_connected = c->front_connected,
                                  .unpublished = c->phase == OBJECT_STARTING,
                                  .incarnation = c->phase ? scene_incarnation[c->object] : 0}};
    struct decision_input input = {p, v, &m, NULL, 0, scene_incarnation[FRESH]};
    struct object o;
    struct plan *plan = decide(&input, &o);
    plan_check(plan, v, p, 0, name);
    bool released = false;
    enum row row = second_reading(c, &released);
    require(plan->row == row, "%s: row %s, not %s", name, row_name(plan->row), row_name(row));
    const char *state = scene_written(plan, v, "state");
    require((state ? state[0] - '0' : c->b) == makes(row, c), "%s: row %s writes state %s", name,
            row_name(row), state ? state : "not");
    bool releases = plan->n_actions && plan->actions[0].kind == ACTION_RELEASE;
    require(releases == released, "%s: row %s %s the object", name, row_name(row),
            releases ? "releases" : "does not release");
    decided[row] = true;
    n_facts++;
    plan_free(plan);
    view_free(v);
}

static void each_view(const struct policy *p, struct facts *c)
{
    for (c->online = -1; c->online <= 1; c->online++)
        for (c->b = -1; c->b <= 8; c->b++)
            for (c->f = -1; c->f <= 8; c->f++)
                for (c->ring = 0; c->ring <= (in(c->f, "34") ? 2 : 0); c->ring++)
                    for (int k = c->b <= 1 ? 0 : 1; k <= 1; k++)
                        for (int q = 0; q <= (c->b <= 1 || c->b == 5 ? 1 : 0); q++) {
                            c->keys = k;
                            c->qemu = q;
                            check(p, c);
                        }
}

static void each_object(const struct policy *p, struct facts *c)
{
    for (int phase = OBJECT_NONE; phase <= OBJECT_DEAD; phase++)
        for (int whose = OURS; whose <= (phase ? THEIRS : OURS); whose++)
            for (int saw = 0; saw <= (phase == OBJECT_CONNECTED ? 1 : 0); saw++) {
                c->phase = (enum object_phase)phase;
                c->object = (enum whose)whose;
                c->front_connected = saw;
                each_view(p, c);
            }
}

/* One loop for each marker that there may be, in both modes. */
static const struct facts markers[] = {
    {.marker = NOBODY},
    {.marker = OURS, .wrote = 2},
    {.marker = OURS, .wrote = 4, .marker_ring = 1},
    {.marker = OURS, .wrote = 5},
    {.marker = OURS, .wrote = 5, .marker_ring = 2},
    {.marker = OURS, .wrote = 6},
    {.marker = THEIRS, .wrote = 4, .marker_ring = 2},
};

START_TEST(every_combination)
{
    struct scene s = {0};
    for (int i = 1; i <= 2; i++)
        hashes[i] = scene_ring(rings[i]);
    for (int on_closed = 0; on_closed <= 1; on_closed++) {
        s.more = on_closed ? "cycle: on-closed" : NULL;
        s.qemu_type = true;
        struct policy *p = scene_policy(&s);
        for (int i = 0; i < COUNT(markers); i++) {
            struct facts c = markers[i];
            c.on_closed = on_closed;
            each_object(p, &c);
        }
        policy_free(p);
    }
    printf("%zu combinations; never decided:", n_facts);
    for (int row = 0; row < ROW_COUNT; row++) {
        /* about values and directories that are not enumerated here: test_decide.c, test_observe.c,
         * test_hotplug.c and test_workers.c have them */
        bool elsewhere = row == ROW_VANISHED || row == ROW_UNREADABLE || row == ROW_BAD_VALUE ||
                         row == ROW_MISMATCHED || row == ROW_PUBLISH || row == ROW_HOTPLUG_ADD ||
                         row == ROW_HOTPLUG_REMOVE || row == ROW_COLLECT || row == ROW_ORPHAN;
        require(decided[row] || passed[row] || elsewhere, "row %s is never reached", row_name((enum row)row));
        if (!decided[row])
            printf(" %s%s", row_name((enum row)row), passed[row] ? " (prepares)" : "");
    }
    printf("\n");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("enumeration");
    TCase *t = tcase_create("combinations");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, every_combination);
    suite_add_tcase(s, t);
    return run_suite(s);
}
