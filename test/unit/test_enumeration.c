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
    bool worker, unpublished, differs; /* differs: B from what the worker publishes */
    enum worker_state state;           /* with OURS */
    int worker_ring;
};

/* What the table makes of them. */
struct reading {
    enum row row;
    bool released;
    enum object_phase held; /* in the end */
    enum whose whose;       /* what is held; the worker is for OURS */
    bool unpublished, front_connected;
    bool runs;   /* there is a worker that was not released */
    bool ending; /* one was released while it lived */
};

static bool in(int state, const char *states)
{
    return state >= 0 && strchr(states, '0' + state);
}

static bool passed[ROW_COUNT]; /* rows that only prepare another's decision */

static enum object_phase phase_with(const struct facts *c, enum whose device)
{
    static const enum object_phase phases[] = {[WORKER_NONE] = OBJECT_DEAD,
                                               [WORKER_STARTING] = OBJECT_STARTING,
                                               [WORKER_READY] = OBJECT_READY,
                                               [WORKER_CONNECTING] = OBJECT_CONNECTING,
                                               [WORKER_CONNECTED] = OBJECT_CONNECTED,
                                               [WORKER_DISCONNECTING] = OBJECT_DISCONNECTING,
                                               [WORKER_DEAD] = OBJECT_DEAD};
    return device == OURS ? phases[c->state] : OBJECT_DEAD;
}

static bool lives(const struct facts *c, const struct reading *r)
{
    return r->runs && c->state != WORKER_DEAD;
}

static void release(const struct facts *c, struct reading *r)
{
    r->ending |= lives(c, r);
    r->released |= r->held != OBJECT_NONE || r->runs;
    r->held = OBJECT_NONE;
    r->whose = NOBODY;
    r->runs = r->unpublished = false;
}

/* The rows that come before there is a connection. False: none of them. */
static bool read_beginning(const struct facts *c, struct reading *r)
{
    bool marked = c->marker != NOBODY, begins = c->b == -1 || in(c->b, "01");
    bool expected = r->held && r->unpublished && !(marked && c->marker == c->object) && c->b == 1;
    if ((!r->held || expected) && c->b == 1 && c->qemu) {
        release(c, r);
        r->row = ROW_CLAIMED_ELSEWHERE;
    } else if (!r->held && (c->b == -1 || (c->b == 1 && !c->keys))) /* everybody requires `state` */
        r->row = ROW_INCOMPLETE;
    else if (c->b == 1 && (!r->held || (expected && r->held == OBJECT_READY)))
        r->row = ROW_CREATE;
    else if (expected && r->held == OBJECT_STARTING)
        r->row = ROW_STARTING;
    else if (r->held && begins && !expected) {
        passed[ROW_RESET] = true;
        release(c, r);
        return read_beginning(c, r);
    } else
        return false;
    return true;
}

/* Those of a device that is served. */
static enum row read_handshake(const struct facts *c, const struct reading *r)
{
    bool ready = in(c->f, "34"), silent = r->held == OBJECT_STARTING && c->worker;
    if (c->b == 6 && c->wrote != 6)
        return ROW_TOOLSTACK_CLOSED;
    if ((r->held == OBJECT_CONNECTING || r->held == OBJECT_DISCONNECTING) && !in(c->f, "56"))
        return ROW_BUSY;
    if ((r->held == OBJECT_DEAD || silent) &&
        !((in(c->b, "45") && c->f == -1) || (in(c->b, "245") && in(c->f, "56"))))
        return ROW_RESPAWN;
    if (in(c->b, "26") && ready)
        return ROW_CONNECT;
    if (c->b == 4 && ready &&
        (!c->ring || c->marker_ring != c->ring || (c->f == 3 && r->front_connected) ||
         (c->worker && (r->held != OBJECT_CONNECTED || c->worker_ring != c->ring))))
        return ROW_RECONNECT;
    if (in(c->b, "24") && c->f == 5)
        return ROW_FRONT_CLOSING;
    if ((in(c->b, "45") && (c->f == 6 || c->f == -1)) || (c->b == 2 && !c->on_closed && c->f == 6))
        return ROW_FRONT_CLOSED;
    if ((c->b == 4 && in(c->f, "12")) || (c->b == 5 && in(c->f, "123")))
        return ROW_FRONT_RESTART;
    if (c->b == 5 && !in(c->f, "2345"))
        return ROW_TOOLSTACK_CLOSE;
    if (c->b == 6 && (in(c->f, "12") || c->on_closed))
        return ROW_CYCLE;
    if (in(c->b, "24") && c->differs && r->runs && (r->held == OBJECT_READY || r->held == OBJECT_CONNECTED))
        return ROW_PUBLISH;
    return in(c->b, "378") ? ROW_UNEXPECTED : ROW_STEADY;
}

/* The table, again: the first row that applies. */
static enum row read_row(const struct facts *c, struct reading *r)
{
    bool marked = c->marker != NOBODY, active = in(c->f, "2345");
    bool begins = c->b == -1 || in(c->b, "01");
    bool other = marked ? c->marker != c->object : begins;
    if (r->held && other && !(r->unpublished && c->b == 1)) {
        passed[ROW_REINCARNATED] = true;
        release(c, r);
    }
    if (!marked && c->online == -1)
        return ROW_INCOMPLETE_DIR;
    if (!marked && c->online == 0 && c->b == 5 && !active && !c->qemu) {
        if (!r->held && lives(c, r)) {
            r->held = phase_with(c, OURS);
            r->whose = OURS;
        }
        return ROW_UNCLAIMED_CLOSE;
    }
    if (!marked && c->b >= 2) {
        if (!r->held)
            release(c, r);
        return ROW_FOREIGN;
    }
    if (c->online != 1 && (begins || in(c->b, "26"))) {
        release(c, r);
        return ROW_DESTROY;
    }
    if (read_beginning(c, r))
        return r->row;
    if (!r->held && marked && c->b >= 2) {
        passed[ROW_ADOPT] = true;
        r->held = !c->worker ? OBJECT_READY : r->runs ? phase_with(c, c->marker) : OBJECT_DEAD;
        r->whose = c->marker;
        r->front_connected = false;
    }
    if (c->online != 1)
        return active ? ROW_CLOSE_WAIT : ROW_CLOSE_IDLE;
    return read_handshake(c, r);
}

static bool holds(const struct facts *c, const struct reading *r)
{
    return c->worker && (r->held == OBJECT_STARTING || r->held == OBJECT_CONNECTING ||
                         r->held == OBJECT_CONNECTED || r->held == OBJECT_DISCONNECTING);
}

/* B becomes Closed, and a worker that is not for what is held has to end before. */
static bool ends_another(const struct facts *c, const struct reading *r)
{
    bool closes = r->row == ROW_UNCLAIMED_CLOSE || r->row == ROW_CLOSE_IDLE || r->row == ROW_FRONT_CLOSED ||
                  r->row == ROW_FRONT_RESTART || r->row == ROW_TOOLSTACK_CLOSE;
    return closes && lives(c, r) && r->whose != OURS && !holds(c, r);
}

static struct reading second_reading(const struct facts *c)
{
    struct reading r = {.held = c->phase,
                        .whose = c->phase ? c->object : NOBODY,
                        .unpublished = c->worker ? c->unpublished && c->phase : c->phase == OBJECT_STARTING,
                        .front_connected = c->front_connected,
                        .runs = c->worker && c->state != WORKER_NONE};
    if (c->worker && c->marker != NOBODY && c->marker == c->object) /* it was, whatever we remember */
        r.unpublished = false;
    r.row = read_row(c, &r);
    if (ends_another(c, &r)) {
        enum object_phase held = r.held;
        release(c, &r);
        r.held = held;
    }
    return r;
}

/* Is the worker connected to what F shows, and shall it stay so? */
static bool settled(const struct facts *c, const struct reading *r)
{
    return r->held == OBJECT_CONNECTED && c->worker_ring == c->ring &&
           !(r->row == ROW_RECONNECT && c->f == 3 && r->front_connected);
}

/* What a row makes of B's state. */
static int makes(const struct facts *c, const struct reading *r)
{
    /* indexed by row; 0: leaves it */
    static const char states[ROW_COUNT] = {
        [ROW_UNCLAIMED_CLOSE] = 6, [ROW_CREATE] = 2,        [ROW_CLOSE_IDLE] = 6,   [ROW_CLOSE_WAIT] = 5,
        [ROW_CONNECT] = 4,         [ROW_FRONT_CLOSING] = 5, [ROW_FRONT_CLOSED] = 6, [ROW_FRONT_RESTART] = 6,
        [ROW_TOOLSTACK_CLOSE] = 6, [ROW_CYCLE] = 2,
    };
    if (r->row == ROW_CONNECT && (!c->ring || (c->worker && !settled(c, r))))
        return c->b; /* no keys to connect with, or it is not done yet */
    if (r->row == ROW_CREATE && c->worker && !r->held)
        return c->b;
    if ((states[r->row] == 6 && (holds(c, r) || r->ending)) || (r->row == ROW_CYCLE && holds(c, r)))
        return c->b;
    return states[r->row] ? states[r->row] : c->b;
}

/* What it asks of the worker, once the old one was released. */
static enum task asks(const struct facts *c, const struct reading *r)
{
    bool connected = r->held == OBJECT_CONNECTED || r->held == OBJECT_CONNECTING;
    bool closes = r->row == ROW_UNCLAIMED_CLOSE || r->row == ROW_CLOSE_IDLE ||
                  r->row == ROW_TOOLSTACK_CLOSED || r->row == ROW_FRONT_CLOSING ||
                  r->row == ROW_FRONT_CLOSED || r->row == ROW_FRONT_RESTART ||
                  r->row == ROW_TOOLSTACK_CLOSE || r->row == ROW_CYCLE;
    if (!c->worker)
        return TASK_NONE;
    if ((r->row == ROW_CREATE && !r->held) || (r->row == ROW_RESPAWN && r->held == OBJECT_DEAD && c->keys))
        return TASK_START;
    if (closes)
        return connected ? TASK_DISCONNECT : TASK_NONE;
    if ((r->row != ROW_CONNECT && r->row != ROW_RECONNECT) || !c->ring || settled(c, r))
        return TASK_NONE;
    return r->held == OBJECT_READY ? TASK_CONNECT : connected ? TASK_DISCONNECT : TASK_NONE;
}

static const char *const rings[] = {NULL, RING_A, RING_B};
static uint64_t hashes[3];
static size_t decided[ROW_COUNT];
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
    view_add(v, BACKEND, "params", ABSENT, NULL, 0);
    view_add(v, BACKEND, "mode", c->keys ? PRESENT : ABSENT, "w", 1);
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
    if (c->worker)
        add(v, BACKEND, "sectors", c->differs ? "50" : "100");
    if (c->marker) {
        struct marker m = {scene_incarnation[c->marker], (enum xenbus_state)c->wrote, c->marker_ring != 0,
                           hashes[c->marker_ring]};
        marker_format(&m, marker);
        add(v, BACKEND, MARKER_KEY, marker);
    }
    view_seal(v);
    return v;
}

static const struct published publishes[] = {{"sectors", "100"}};

static void check_tasks(const struct plan *plan, const struct facts *c, const struct reading *r,
                        const char *name)
{
    enum task asked = TASK_NONE;
    bool first_stops = false;
    for (size_t i = 0; i < plan->n_actions; i++) {
        if (plan->actions[i].task == TASK_STOP)
            first_stops = i == 0;
        else if (plan->actions[i].task != TASK_NONE)
            asked = plan->actions[i].task;
    }
    require(asked == asks(c, r), "%s: row %s asks for %d, not %d", name, row_name(r->row), asked, asks(c, r));
    bool stops = r->released && c->worker && c->state != WORKER_NONE;
    require(first_stops == stops, "%s: row %s %s the worker", name, row_name(r->row),
            first_stops ? "stops" : "does not stop");
}

static void check(const struct policy *p, const struct facts *c)
{
    char name[240];
    snprintf(name, sizeof name,
             "online %d B %d F %d, marker %d wrote %d ring %d/%d, phase %d of %d saw 4 %d, keys %d qemu %d "
             "on-closed %d, worker %d is %d ring %d, unpublished %d, differs %d",
             c->online, c->b, c->f, c->marker, c->wrote, c->marker_ring, c->ring, c->phase, c->object,
             c->front_connected, c->keys, c->qemu, c->on_closed, c->worker, c->state, c->worker_ring,
             c->unpublished, c->differs);
    struct view *v = facts_view(c);
    struct reading r = second_reading(c);
    struct memory m = {.object = {.phase = c->phase,
                                  .front_connected = c->front_connected,
                                  .unpublished = c->worker ? c->unpublished : c->phase == OBJECT_STARTING,
                                  .command = hash_bytes(HASH_INIT, "/w", 3),
                                  .incarnation = c->phase ? scene_incarnation[c->object] : 0}};
    struct worker w = {.state = c->state,
                       .incarnation = scene_incarnation[OURS],
                       .ring = hashes[c->worker_ring],
                       .published = publishes,
                       .n_published = 1};
    struct decision_input input = {p, v, &m, c->worker ? &w : NULL, 0, scene_incarnation[FRESH]};
    struct object o;
    struct plan *plan = decide(&input, &o);
    plan_check_with(plan, v, p, input.worker, 0, name);
    require(plan->row == r.row, "%s: row %s, not %s", name, row_name(plan->row), row_name(r.row));
    const char *state = scene_written(plan, v, "state");
    require((state ? state[0] - '0' : c->b) == makes(c, &r), "%s: row %s writes state %s", name,
            row_name(r.row), state ? state : "not");
    bool releases = plan->n_actions && plan->actions[0].kind == ACTION_RELEASE;
    require(releases == r.released, "%s: row %s %s the object", name, row_name(r.row),
            releases ? "releases" : "does not release");
    check_tasks(plan, c, &r, name);
    decided[r.row]++;
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

/* Whatever a worker may be like; what is remembered of the object follows from it. */
static void each_worker(const struct policy *p, struct facts *c)
{
    static const struct {
        enum worker_state state;
        int ring;
    } workers[] = {{WORKER_NONE, 0},          {WORKER_STARTING, 0},  {WORKER_READY, 0},
                   {WORKER_CONNECTING, 1},    {WORKER_CONNECTED, 1}, {WORKER_CONNECTED, 2},
                   {WORKER_DISCONNECTING, 1}, {WORKER_DEAD, 0}};
    c->worker = true;
    for (int i = 0; i < COUNT(workers); i++)
        for (int held = 0; held <= 2; held++) /* OURS, THEIRS */
            for (int more = 0; more <= 3; more++) {
                c->state = workers[i].state;
                c->worker_ring = workers[i].ring;
                c->object = held ? (enum whose)held : OURS;
                c->phase = held ? phase_with(c, c->object) : OBJECT_NONE;
                c->unpublished = held && more & 1;
                c->differs = more & 2;
                c->front_connected = c->phase == OBJECT_CONNECTED && !(more & 1);
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
        struct scene with = s;
        with.more = on_closed ? "cycle: on-closed\nworker: {command: [/w]}" : "worker: {command: [/w]}";
        struct policy *with_worker = scene_policy(&with);
        struct policy *p = scene_policy(&s);
        for (int i = 0; i < COUNT(markers); i++) {
            struct facts c = markers[i];
            c.on_closed = on_closed;
            each_object(p, &c);
            each_worker(with_worker, &c);
        }
        policy_free(p);
        policy_free(with_worker);
    }
    printf("%zu combinations; the first row that matches:", n_facts);
    for (int row = 0; row < ROW_COUNT; row++) {
        /* about values and directories that are not enumerated here: test_decide.c, test_observe.c and
         * test_observe_table.c have them */
        bool elsewhere = row == ROW_VANISHED || row == ROW_UNREADABLE || row == ROW_BAD_VALUE ||
                         row == ROW_MISMATCHED || row == ROW_HOTPLUG_ADD || row == ROW_HOTPLUG_REMOVE ||
                         row == ROW_COLLECT || row == ROW_ORPHAN;
        require(decided[row] || passed[row] || elsewhere, "row %s is never reached", row_name((enum row)row));
        if (decided[row])
            printf(" %s %zu", row_name((enum row)row), decided[row]);
        else if (passed[row])
            printf(" %s (prepares)", row_name((enum row)row));
    }
    printf("\n");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("enumeration");
    TCase *t = tcase_create("combinations");
    tcase_add_test(t, every_combination);
    suite_add_tcase(s, t);
    return run_suite(s);
}
