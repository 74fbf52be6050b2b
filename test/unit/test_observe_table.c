/* SPDX-License-Identifier: MIT */
/* The decision table for devices that others serve, from everywhere: each combination of what B and F may be,
 * whose script may be anywhere in its life, in dom0 and in a driver domain. Some row always decides; nothing
 * is written that is not ours; with scripts that do what they should it comes to rest, and where it should.
 */
#include "test/lib/plan_check.h"
#include "test/lib/unit.h"

enum { ROUNDS_MAX = 20, START = 1000000 };

enum { NOT_THERE, FINE, BAD }; /* of keys: absent; as it should be; a name that is none, an error */

struct place {
    bool gone;
    int online, b, f; /* -1: absent */
    bool dead;
    int name, status; /* of the script, and what hotplug-status says */
    bool error;       /* hotplug-error is there */
    struct script script;
    enum row row; /* that decided last */
    uint64_t row_since;
};

static const struct mode {
    const char *name, *policy;
    uint16_t self;
    bool duty, removes; /* scripts are run; orphans are removed */
} modes[] = {
    {"kernel", "owner: kernel", 0, false, false},
    {"external", "owner: external", 1, false, false},
    {"hotplug in dom0, where libxl does it", "owner: kernel\nhotplug: {run: true}", 0, false, false},
    {"hotplug in dom0", "owner: kernel\nhotplug: {run: true, in-dom0: true}", 0, true, false},
    {"hotplug in a driver domain", "owner: kernel\nhotplug: {run: true}", 1, true, false},
    {"orphans", "owner: kernel\norphan: {action: remove}", 0, false, true},
    {"hotplug, orphans", "owner: kernel\nhotplug: {run: true}\norphan: {action: remove}", 1, true, true},
};

static size_t n_from, decided[ROW_COUNT];

static const char *state_text(int state)
{
    static const char *const texts[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8"};
    return texts[state];
}

static void add(struct view *v, enum side side, const char *key, const char *value)
{
    view_add(v, side, key, value ? PRESENT : ABSENT, value, value ? strlen(value) : 0);
}

static struct view *view_of(const struct mode *m, const struct place *x)
{
    static const char *const names[] = {NULL, "/etc/xen/scripts/block", "../../bin/sh"};
    static const char *const statuses[] = {NULL, "connected", "error"};
    struct device_key key = {.type = "vbd", .devid = "51712", .domid = 7};
    struct view *v = view_new(m->self, &key);
    v->directory = x->gone ? ABSENT : PRESENT;
    v->domain = x->dead ? ABSENT : PRESENT;
    v->front = x->f < 0 ? ABSENT : PRESENT;
    view_set_frontend(v, SCENE_F);
    if (!x->gone) {
        add(v, BACKEND, "frontend", SCENE_F);
        add(v, BACKEND, "frontend-id", "7");
        add(v, BACKEND, "online", x->online < 0 ? NULL : state_text(x->online));
        add(v, BACKEND, "state", x->b < 0 ? NULL : state_text(x->b));
        add(v, BACKEND, "script", names[x->name]);
        add(v, BACKEND, "hotplug-status", statuses[x->status]);
        add(v, BACKEND, "hotplug-error", x->error ? "it failed" : NULL);
    }
    add(v, FRONTEND, "state", x->f < 0 ? NULL : state_text(x->f));
    view_seal(v);
    return v;
}

/* ---- what is done ---- */

static bool key_is(const struct view *v, const char *path, const char *key)
{
    size_t n = strlen(v->path[BACKEND]);
    return strncmp(path, v->path[BACKEND], n) == 0 && path[n] == '/' && strcmp(path + n + 1, key) == 0;
}

static void apply(const struct mode *m, struct place *x, const struct view *v, const struct action *a)
{
    for (size_t i = 0; i < a->n_writes; i++) {
        bool status = key_is(v, a->writes[i].path, "hotplug-status");
        require(m->duty && (status || key_is(v, a->writes[i].path, "hotplug-error")), "%s: writes %s",
                m->name, a->writes[i].path);
        if (status)
            x->status = strcmp(a->writes[i].value, "connected") == 0 ? FINE : BAD;
        else
            x->error = true;
    }
    for (size_t i = 0; i < a->n_removals; i++) {
        const char *path = a->removals[i].path;
        bool all = strcmp(path, v->path[BACKEND]) == 0, served = x->b == XENBUS_CONNECTED;
        bool detached = m->duty && m->self && x->online != 1 && x->b == XENBUS_CLOSED;
        bool orphan = m->removes && (x->dead || x->f < 0) && !(x->online == 1 && !x->dead) && !served;
        bool key = key_is(v, path, "hotplug-status") || key_is(v, path, "hotplug-error");
        require((m->duty && key) || (m->removes && a->removals[i].if_empty) || (all && (detached || orphan)),
                "%s: removes %s of B %d online %d", m->name, path, x->b, x->online);
        x->gone |= all;
        if (key_is(v, path, "hotplug-status"))
            x->status = NOT_THERE;
        if (key_is(v, path, "hotplug-error"))
            x->error = false;
    }
    bool adds = x->online == 1 && x->b >= XENBUS_INIT_WAIT && x->b <= XENBUS_CONNECTED;
    bool removes = (x->online != 1 && x->b == XENBUS_CLOSED) || (m->removes && (x->dead || x->f < 0));
    require(a->task == TASK_NONE || (strcmp(a->argv[1], "add") == 0 ? adds : removes),
            "%s: a script is run to %s, B %d online %d", m->name, a->argv[1], x->b, x->online);
    require(a->task == TASK_NONE || (a->task == TASK_SCRIPT && m->duty && x->name == FINE), "%s: task %d",
            m->name, a->task);
}

/* One pass; what it began has ended well when it is over. Is anything else to be done later? */
static bool pass(const struct mode *m, const struct policy *p, struct place *x, uint64_t *now,
                 bool *ret_acted)
{
    struct view *v = view_of(m, x);
    struct memory memory = {.object.script = x->script, .row = x->row, .row_since = x->row_since};
    struct decision_input in = {p, v, &memory, NULL, *now, 1};
    struct object o;
    struct plan *plan = decide(&in, &o);
    require(row_belongs(plan->row, p->owner), "%s: row %s", m->name, row_name(plan->row));
    if (x->row != plan->row || !x->row_since)
        x->row_since = *now;
    x->row = plan->row;
    x->script = o.script;
    decided[plan->row]++;
    for (size_t i = 0; i < plan->n_actions; i++)
        apply(m, x, v, &plan->actions[i]);
    if (x->script.phase == SCRIPT_RUNNING)
        x->script =
            (struct script){.phase = SCRIPT_ENDED, .removing = o.script.removing, .added = o.script.added};
    else if (plan->requeue_acts)
        *now = plan->requeue_at;
    *ret_acted = plan->n_actions > 0 || o.script.phase == SCRIPT_RUNNING;
    bool later = plan->requeue_acts;
    plan_free(plan);
    view_free(v);
    return later;
}

/* ---- where it comes to rest ---- */

static void check_rest(const struct mode *m, const struct place *from, const struct place *x)
{
    bool detached = x->online == 0 && x->b == XENBUS_CLOSED;
    bool serves = x->b == XENBUS_INIT_WAIT || x->b == XENBUS_INITIALISED || x->b == XENBUS_CONNECTED;
    bool orphan = x->dead || x->f < 0, there = x->online >= 0 && !x->gone;
    /* a kernel that has connected may have removed the status */
    bool was_added = from->script.added || (x->b == XENBUS_CONNECTED && x->status == NOT_THERE);
    bool given_up = from->script.removing && from->script.failures;
    if (there && m->duty && x->name == FINE && x->online == 1 && serves && !orphan && !was_added)
        require(x->status == FINE && (!x->error || from->status == FINE), "%s: status %d, error %d", m->name,
                x->status, x->error);
    if (there && m->duty && m->self && detached)
        require(x->gone, "%s: detached, and still there", m->name);
    if (m->duty && x->name == FINE && detached && !given_up)
        require(!x->script.added, "%s: what was set up is still there", m->name);
    if (there && m->removes && orphan && !(x->online == 1 && !x->dead) && x->b != XENBUS_CONNECTED)
        require(x->gone, "%s: an orphan that is still there", m->name);
}

static void converge(const struct mode *m, const struct policy *p, const struct place *from)
{
    struct place x = *from;
    uint64_t now = START;
    bool acted = true, later = true;
    int round = 0;
    while ((acted || later) && round++ < ROUNDS_MAX)
        later = pass(m, p, &x, &now, &acted);
    require(!acted && !later, "%s: online %d B %d F %d, script %d %s status %d: never rests, in row %s",
            m->name, from->online, from->b, from->f, from->script.phase,
            from->script.removing ? "removing" : "adding", from->status, row_name(x.row));
    check_rest(m, from, &x);
    n_from++;
}

static void each_key(const struct mode *m, const struct policy *p, struct place *x)
{
    for (x->name = NOT_THERE; x->name <= BAD; x->name++)
        for (x->status = NOT_THERE; x->status <= BAD; x->status++)
            for (int error = 0; error <= 1; error++) {
                x->error = error;
                converge(m, p, x);
            }
}

static void each_script(const struct mode *m, const struct policy *p, struct place *x)
{
    for (int i = 0; i < (m->duty ? 2 * 2 * 5 : 1); i++) {
        static const struct script scripts[] = {{.phase = SCRIPT_IDLE},
                                                {.phase = SCRIPT_IDLE, .failures = 3, .until = START + 5000},
                                                {.phase = SCRIPT_RUNNING},
                                                {.phase = SCRIPT_ENDED},
                                                {.phase = SCRIPT_ENDED, .error = -5, .failures = 1}};
        x->script = scripts[i % 5];
        x->script.removing = i / 5 & 1;
        x->script.added = i / 10;
        each_key(m, p, x);
    }
}

START_TEST(from_everywhere)
{
    const struct mode *m = &modes[_i];
    char text[256];
    struct policy *p;
    struct diagnostic why;
    int n = snprintf(text, sizeof text, "version: 1\ntype: vbd\n%s\n", m->policy);
    ck_assert_msg(!policy_parse("test", text, (size_t)n, &p, &why), "%s", why.message);
    struct place x = {0};
    for (x.online = -1; x.online <= 1; x.online++)
        for (x.b = -1; x.b <= 8; x.b++)
            for (int f = 0; f < 4; f++)
                for (int dead = 0; dead <= 1; dead++) {
                    static const int fs[] = {XENBUS_ABSENT, XENBUS_INITIALISING, XENBUS_CONNECTED,
                                             XENBUS_CLOSED};
                    x.f = fs[f];
                    x.dead = dead;
                    each_script(m, p, &x);
                }
    printf("%s: from %zu places; rows:", m->name, n_from);
    for (int row = 0; row < ROW_COUNT; row++)
        if (decided[row])
            printf(" %s %zu", row_name((enum row)row), decided[row]);
    printf("\n");
    policy_free(p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("observe table");
    TCase *t = tcase_create("everywhere");
    tcase_add_loop_test(t, from_everywhere, 0, COUNT(modes));
    suite_add_tcase(s, t);
    return run_suite(s);
}
