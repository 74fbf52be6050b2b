/* SPDX-License-Identifier: MIT */
/* Hotplug scripts: when one is run, with which words, and what its end comes to. */
#include <stdio.h>

#include "reconcilers/decide.h"
#include "test/lib/unit.h"

#define TENS(x)  x x x x x x x x x x
#define LONG_245 TENS("abcdefghij") TENS("klmnopqrst") "uvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklm"

enum { NOW = 100 * 1000, LATER = NOW + 5000, NEVER = 0 };

#define B      "/local/domain/1/backend/"
#define SCRIPT "script=/etc/xen/scripts/x "

struct world {
    const char *b; /* `key=value ...` of B; `key?` is unreadable */
    struct script script;
    bool front_gone, domain_gone;
    uint16_t self; /* 0: 1 */
    uint64_t since;
    enum row row;     /* that decided last */
    const char *more; /* of the policy */
};

struct run {
    struct policy *policy;
    struct view *view;
    struct plan *plan;
    struct object object;
};

static struct policy *policy_of(const char *type, const char *more)
{
    char text[512];
    struct diagnostic why;
    struct policy *p;
    int n = snprintf(text, sizeof text, "version: 1\ntype: %s\nowner: kernel\n%s\n", type,
                     more ? more : "hotplug: {run: true}");
    ck_assert_msg(policy_parse("test", text, (size_t)n, &p, &why) == 0, "%s", why.message);
    return p;
}

static void add_words(struct view *v, const char *words)
{
    char buf[512], *save;
    snprintf(buf, sizeof buf, "%s", words);
    for (char *w = strtok_r(buf, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
        char *value = strchr(w, '=');
        if (!value) {
            w[strlen(w) - 1] = '\0';
            view_add(v, BACKEND, w, UNREADABLE, NULL, 0);
            continue;
        }
        *value++ = '\0';
        for (char *p = value; (p = strchr(p, '%'));)
            *p = ' ';
        view_add(v, BACKEND, w, PRESENT, value, strlen(value));
    }
}

static struct run look(const char *type, const struct world *w, uint64_t now)
{
    struct run r = {.policy = policy_of(type, w->more)};
    struct device_key key = {.devid = "0", .domid = 7};
    char front[64], words[512];
    snprintf(key.type, sizeof key.type, "%s", type);
    snprintf(front, sizeof front, "/local/domain/7/device/%s/0", r.policy->frontend);
    snprintf(words, sizeof words, "frontend=%s frontend-id=7 %s", front, w->b);
    r.view = view_new(w->self == 99 ? 0 : 1, &key);
    r.view->directory = PRESENT;
    r.view->front = w->front_gone ? ABSENT : PRESENT;
    r.view->domain = w->domain_gone ? ABSENT : PRESENT;
    add_words(r.view, words);
    view_set_frontend(r.view, front);
    if (!w->front_gone)
        view_add(r.view, FRONTEND, "state", PRESENT, "1", 1);
    view_seal(r.view);
    struct memory m = {.object.script = w->script, .row = w->row, .row_since = w->since};
    struct decision_input in = {r.policy, r.view, &m, NULL, now, 1};
    r.plan = decide(&in, &r.object);
    return r;
}

static void run_free(struct run *r)
{
    plan_free(r->plan);
    view_free(r->view);
    policy_free(r->policy);
}

/* "kind: run words; write key=value; remove key" of every action */
static const char *did(const struct run *r, char buf[static 1024])
{
    const char *b = r->view->path[BACKEND];
    int n = 0;
    buf[0] = '\0';
    for (size_t i = 0; i < r->plan->n_actions; i++) {
        const struct action *a = &r->plan->actions[i];
        n += snprintf(buf + n, 1024 - (size_t)n, "%s%s", i ? " " : "", action_name(a->kind));
        for (size_t j = 0; j < a->n_writes; j++)
            n += snprintf(buf + n, 1024 - (size_t)n, " %s=%s", a->writes[j].path + strlen(b) + 1,
                          a->writes[j].value);
        for (size_t j = 0; j < a->n_removals; j++)
            n += snprintf(buf + n, 1024 - (size_t)n, " -%s", a->removals[j].path + strlen(b));
        for (size_t j = 0; a->argv && a->argv[j]; j++)
            n += snprintf(buf + n, 1024 - (size_t)n, " %s", a->argv[j]);
    }
    return buf;
}

#define RUN_ADD    "hotplug /etc/xen/scripts/x add"
#define RUN_REMOVE "hotplug /etc/xen/scripts/x remove"
#define ENDED      .phase = SCRIPT_ENDED
#define FAILED(n)  .error = -5, .failures = (n), .until = NOW + 1000, .said = "x add exited with status 1"
#define HELD       .row = ROW_HOTPLUG_REMOVE, .since = NOW - 1000 /* as long as hold.closed is */

static const struct step {
    const char *name;
    struct world world;
    uint64_t now;
    enum row row;
    const char *actions;
    struct script then; /* phase, removing, added, failures */
} steps[] = {
    /* when it is run */
    {"InitWait", {.b = SCRIPT "online=1 state=2"}, NOW, ROW_HOTPLUG_ADD, RUN_ADD, {.phase = SCRIPT_RUNNING}},
    {"Connected, without a status",
     {.b = SCRIPT "online=1 state=4"},
     NOW,
     ROW_HOTPLUG_ADD,
     RUN_ADD,
     {.phase = SCRIPT_RUNNING}},
    {"Initialised",
     {.b = SCRIPT "online=1 state=3"},
     NOW,
     ROW_HOTPLUG_ADD,
     RUN_ADD,
     {.phase = SCRIPT_RUNNING}},
    {"an empty status",
     {.b = SCRIPT "online=1 state=2 hotplug-status="},
     NOW,
     ROW_HOTPLUG_ADD,
     RUN_ADD,
     {.phase = SCRIPT_RUNNING}},
    {"in a report",
     {.b = SCRIPT "online=1 state=2"},
     NEVER,
     ROW_HOTPLUG_ADD,
     RUN_ADD,
     {.phase = SCRIPT_RUNNING}},
    {"it has failed under somebody else",
     {.b = SCRIPT "online=1 state=2 hotplug-status=error hotplug-error=no%bridge"},
     NOW,
     ROW_HOTPLUG_ADD,
     "hotplug -/hotplug-error /etc/xen/scripts/x add",
     {.phase = SCRIPT_RUNNING}},
    {"dom0, where that is wanted",
     {.b = SCRIPT "online=1 state=2", .self = 99, .more = "hotplug: {run: true, in-dom0: true}"},
     NOW,
     ROW_HOTPLUG_ADD,
     RUN_ADD,
     {.phase = SCRIPT_RUNNING}},
    /* when not */
    {"nobody has claimed it", {.b = SCRIPT "online=1 state=1"}, NOW, ROW_STEADY, "", {.phase = SCRIPT_IDLE}},
    {"done",
     {.b = SCRIPT "online=1 state=4 hotplug-status=connected"},
     NOW,
     ROW_STEADY,
     "",
     {.phase = SCRIPT_IDLE}},
    {"no script", {.b = "online=1 state=2"}, NOW, ROW_STEADY, "", {.phase = SCRIPT_IDLE}},
    {"Closing", {.b = SCRIPT "online=1 state=5"}, NOW, ROW_STEADY, "", {.phase = SCRIPT_IDLE}},
    {"detached", {.b = SCRIPT "online=0 state=4"}, NOW, ROW_STEADY, "", {.phase = SCRIPT_IDLE}},
    {"F is gone",
     {.b = SCRIPT "online=1 state=2", .front_gone = true},
     NOW,
     ROW_ORPHAN,
     "",
     {.phase = SCRIPT_IDLE}},
    {"not wanted",
     {.b = SCRIPT "online=1 state=2", .more = "hotplug: {run: false}"},
     NOW,
     ROW_STEADY,
     "",
     {.phase = SCRIPT_IDLE}},
    {"dom0", {.b = SCRIPT "online=1 state=2", .self = 99}, NOW, ROW_STEADY, "", {.phase = SCRIPT_IDLE}},
    {"a way up", {.b = "script=../x online=1 state=2"}, NOW, ROW_HOTPLUG_ADD, "", {.phase = SCRIPT_IDLE}},
    {"words", {.b = "script=x%y online=1 state=2"}, NOW, ROW_HOTPLUG_ADD, "", {.phase = SCRIPT_IDLE}},
    {"an option", {.b = "script=-x online=1 state=2"}, NOW, ROW_HOTPLUG_ADD, "", {.phase = SCRIPT_IDLE}},
    {"an empty one", {.b = "script= online=1 state=2"}, NOW, ROW_STEADY, "", {.phase = SCRIPT_IDLE}},
    {"an empty one, and detached",
     {.b = "script= online=0 state=6 hotplug-status=connected", .row = ROW_HOTPLUG_REMOVE, .since = NOW},
     NOW,
     ROW_HOTPLUG_REMOVE,
     "",
     {.phase = SCRIPT_IDLE}},
    {"a long one",
     {.b = "script=/012345678" LONG_245 " online=1 state=2"},
     NOW,
     ROW_HOTPLUG_ADD,
     "hotplug /012345678" LONG_245 " add",
     {.phase = SCRIPT_RUNNING}},
    {"one that is too long",
     {.b = "script=/0123456789" LONG_245 " online=1 state=2"},
     NOW,
     ROW_HOTPLUG_ADD,
     "",
     {.phase = SCRIPT_IDLE}},
    {"a status that cannot be read",
     {.b = SCRIPT "online=1 state=2 hotplug-status?"},
     NOW,
     ROW_UNREADABLE,
     "",
     {.phase = SCRIPT_IDLE}},
    {"a script that cannot be read",
     {.b = "online=1 state=4 hotplug-status=connected script?"},
     NOW,
     ROW_UNREADABLE,
     "",
     {.phase = SCRIPT_IDLE}},
    {"an error that cannot be read",
     {.b = SCRIPT "online=1 state=4 hotplug-status=connected hotplug-error?"},
     NOW,
     ROW_UNREADABLE,
     "",
     {.phase = SCRIPT_IDLE}},
    /* it runs: wait for its end, whatever happens */
    {"running",
     {.b = SCRIPT "online=1 state=2", .script = {.phase = SCRIPT_RUNNING}},
     NOW,
     ROW_HOTPLUG_ADD,
     "",
     {.phase = SCRIPT_RUNNING}},
    {"running, has said so",
     {.b = SCRIPT "online=1 state=4 hotplug-status=connected", .script = {.phase = SCRIPT_RUNNING}},
     NOW,
     ROW_HOTPLUG_ADD,
     "",
     {.phase = SCRIPT_RUNNING}},
    {"running, and detached",
     {.b = SCRIPT "online=0 state=6", .script = {.phase = SCRIPT_RUNNING}},
     NOW,
     ROW_HOTPLUG_ADD,
     "",
     {.phase = SCRIPT_RUNNING}},
    /* its end */
    {"has done it, silently",
     {.b = SCRIPT "online=1 state=2 hotplug-status=", .script = {ENDED}},
     NOW,
     ROW_HOTPLUG_ADD,
     "hotplug hotplug-status=connected",
     {.added = true}},
    {"has done it, and said so",
     {.b = SCRIPT "online=1 state=2 hotplug-status=connected", .script = {ENDED}},
     NOW,
     ROW_STEADY,
     "",
     {.added = true}},
    {"has done it after a failure",
     {.b = SCRIPT "online=1 state=2 hotplug-status=error hotplug-error=old",
      .script = {ENDED, .failures = 3}},
     NOW,
     ROW_HOTPLUG_ADD,
     "hotplug hotplug-status=connected -/hotplug-error",
     {.added = true}},
    {"has done it, and said so, but for an old error",
     {.b = SCRIPT "online=1 state=2 hotplug-status=connected hotplug-error=old", .script = {ENDED}},
     NOW,
     ROW_HOTPLUG_ADD,
     "hotplug -/hotplug-error",
     {.added = true}},
    {"failed without a word",
     {.b = SCRIPT "online=1 state=2", .script = {ENDED, .error = -5, .failures = 1}},
     NOW,
     ROW_HOTPLUG_ADD,
     "hotplug hotplug-error=failed hotplug-status=error",
     {.failures = 1}},
    {"failed, in a report",
     {.b = SCRIPT "online=1 state=2 hotplug-status=error", .script = {FAILED(1)}},
     NEVER,
     ROW_HOTPLUG_ADD,
     RUN_ADD,
     {.phase = SCRIPT_RUNNING, .failures = 1}},
    {"failed silently",
     {.b = SCRIPT "online=1 state=2 hotplug-status=", .script = {ENDED, FAILED(1)}},
     NOW,
     ROW_HOTPLUG_ADD,
     "hotplug hotplug-error=x add exited with status 1 hotplug-status=error",
     {.failures = 1}},
    {"failed, and said so",
     {.b = SCRIPT "online=1 state=2 hotplug-status=error hotplug-error=own", .script = {ENDED, FAILED(1)}},
     NOW,
     ROW_HOTPLUG_ADD,
     "",
     {.failures = 1}},
    {"waits for the next time",
     {.b = SCRIPT "online=1 state=2 hotplug-status=error hotplug-error=own", .script = {FAILED(1)}},
     NOW,
     ROW_HOTPLUG_ADD,
     "",
     {.failures = 1}},
    {"is run again",
     {.b = SCRIPT "online=1 state=2 hotplug-status=error hotplug-error=own", .script = {FAILED(2)}},
     LATER,
     ROW_HOTPLUG_ADD,
     "hotplug -/hotplug-error /etc/xen/scripts/x add",
     {.phase = SCRIPT_RUNNING, .failures = 2}},
    {"detached while it ran: its end and the other's beginning",
     {.b = SCRIPT "online=0 state=6", .script = {ENDED}},
     NOW,
     ROW_HOTPLUG_REMOVE,
     RUN_REMOVE,
     {.phase = SCRIPT_RUNNING, .removing = true, .added = true}},
    /* removal */
    {"Closed",
     {.b = SCRIPT "online=0 state=6 hotplug-status=connected"},
     NOW,
     ROW_HOTPLUG_REMOVE,
     RUN_REMOVE,
     {.phase = SCRIPT_RUNNING, .removing = true}},
    {"a kernel removed the status",
     {.b = SCRIPT "online=0 state=6", .script = {.added = true}},
     NOW,
     ROW_HOTPLUG_REMOVE,
     RUN_REMOVE,
     {.phase = SCRIPT_RUNNING, .removing = true, .added = true}},
    {"not Closed yet",
     {.b = SCRIPT "online=0 state=5 hotplug-status=connected"},
     NOW,
     ROW_STEADY,
     "",
     {.phase = SCRIPT_IDLE}},
    {"still online",
     {.b = SCRIPT "online=1 state=6 hotplug-status=connected"},
     NOW,
     ROW_STEADY,
     "",
     {.phase = SCRIPT_IDLE}},
    {"failures of the other script do not count",
     {.b = SCRIPT "online=0 state=6 hotplug-status=error hotplug-error=x", .script = {FAILED(9)}},
     NOW,
     ROW_HOTPLUG_REMOVE,
     "hotplug -/hotplug-error /etc/xen/scripts/x remove",
     {.phase = SCRIPT_RUNNING, .removing = true}},
    {"has taken it down",
     {.b = SCRIPT "online=0 state=6 hotplug-status=connected hotplug-error=x",
      .script = {ENDED, .removing = true, .added = true}},
     NOW,
     ROW_HOTPLUG_REMOVE,
     "hotplug -/hotplug-status -/hotplug-error",
     {.removing = true}},
    {"could not take it down",
     {.b = SCRIPT "online=0 state=6 hotplug-status=connected",
      .script = {ENDED, .removing = true, .added = true, FAILED(1)}},
     NOW,
     ROW_HOTPLUG_REMOVE,
     "hotplug hotplug-error=x add exited with status 1 hotplug-status=error",
     {.removing = true, .added = true, .failures = 1}},
    {"is tried again",
     {.b = SCRIPT "online=0 state=6 hotplug-status=error", .script = {.removing = true, FAILED(2)}},
     LATER,
     ROW_HOTPLUG_REMOVE,
     RUN_REMOVE,
     {.phase = SCRIPT_RUNNING, .removing = true, .failures = 2}},
    /* the directory goes after that */
    {"Closed is left to be read",
     {.b = SCRIPT "online=0 state=6", .row = ROW_HOTPLUG_REMOVE, .since = NOW - 999},
     NOW,
     ROW_HOTPLUG_REMOVE,
     "",
     {.phase = SCRIPT_IDLE}},
    {"destroyed",
     {.b = SCRIPT "online=0 state=6", HELD},
     NOW,
     ROW_HOTPLUG_REMOVE,
     "destroy -",
     {.phase = SCRIPT_IDLE}},
    {"destroyed, in a report",
     {.b = "online=0 state=6"},
     NEVER,
     ROW_HOTPLUG_REMOVE,
     "destroy -",
     {.phase = SCRIPT_IDLE}},
    {"never while the script runs",
     {.b = SCRIPT "online=0 state=6", .script = {.phase = SCRIPT_RUNNING, .removing = true}, HELD},
     NOW,
     ROW_HOTPLUG_REMOVE,
     "",
     {.phase = SCRIPT_RUNNING, .removing = true}},
    {"never before it ran",
     {.b = SCRIPT "online=0 state=6 hotplug-status=connected", HELD},
     NOW,
     ROW_HOTPLUG_REMOVE,
     RUN_REMOVE,
     {.phase = SCRIPT_RUNNING, .removing = true}},
    {"the last try has failed",
     {.b = SCRIPT "online=0 state=6 hotplug-status=error", .script = {.removing = true, FAILED(3)}, HELD},
     NOW,
     ROW_HOTPLUG_REMOVE,
     "destroy -",
     {.phase = SCRIPT_IDLE}},
    {"dom0: libxl's",
     {.b = SCRIPT "online=0 state=6", .self = 99, .more = "hotplug: {run: true, in-dom0: true}"},
     NOW,
     ROW_STEADY,
     "",
     {.phase = SCRIPT_IDLE}},
    {"dom0: the last try has failed",
     {.b = SCRIPT "online=0 state=6 hotplug-status=error",
      .script = {.removing = true, FAILED(3)},
      .self = 99,
      .more = "hotplug: {run: true, in-dom0: true}"},
     LATER,
     ROW_HOTPLUG_REMOVE,
     "",
     {.removing = true, .failures = 3}},
    /* an orphan is taken down before it is collected */
    {"an orphan",
     {.b = SCRIPT "online=0 state=5 hotplug-status=connected",
      .front_gone = true,
      .row = ROW_ORPHAN,
      .since = 1,
      .more = "hotplug: {run: true}\norphan: {action: remove}"},
     NOW,
     ROW_HOTPLUG_REMOVE,
     RUN_REMOVE,
     {.phase = SCRIPT_RUNNING, .removing = true}},
    {"an orphan, taken down",
     {.b = SCRIPT "online=0 state=5",
      .front_gone = true,
      .row = ROW_HOTPLUG_REMOVE,
      .since = NOW - 1,
      .more = "hotplug: {run: true}\norphan: {action: remove}"},
     NOW,
     ROW_COLLECT,
     "collect -",
     {.phase = SCRIPT_IDLE}},
    {"an orphan that is still online, taken down",
     {.b = SCRIPT "online=1 state=6",
      .domain_gone = true,
      .row = ROW_HOTPLUG_REMOVE,
      .since = NOW - 1,
      .more = "hotplug: {run: true}\norphan: {action: remove}"},
     NOW,
     ROW_COLLECT,
     "collect -",
     {.phase = SCRIPT_IDLE}},
    {"an orphan that nothing takes down",
     {.b = SCRIPT "online=0 state=5 hotplug-status=error",
      .front_gone = true,
      .script = {.removing = true, FAILED(3)},
      .row = ROW_HOTPLUG_REMOVE,
      .since = NOW,
      .more = "hotplug: {run: true}\norphan: {action: remove}"},
     LATER,
     ROW_COLLECT,
     "collect -",
     {.phase = SCRIPT_IDLE}},
    {"an orphan whose removal had nothing to do with that",
     {.b = SCRIPT "online=0 state=6",
      .front_gone = true,
      .self = 99,
      .row = ROW_HOTPLUG_REMOVE,
      .since = 1,
      .more = "hotplug: {run: true, in-dom0: true}\norphan: {action: remove}"},
     NOW,
     ROW_ORPHAN,
     "",
     {.phase = SCRIPT_IDLE}},
};

START_TEST(decides)
{
    const struct step *t = &steps[_i];
    char buf[1024];
    struct run r = look("vbd", &t->world, t->now);
    const struct script *s = &r.object.script;
    ck_assert_msg(r.plan->row == t->row, "%s: row %s", t->name, row_name(r.plan->row));
    ck_assert_msg(strcmp(did(&r, buf), t->actions) == 0, "%s: %s", t->name, buf);
    ck_assert_msg(s->phase == t->then.phase && s->removing == t->then.removing && s->added == t->then.added &&
                      s->failures == t->then.failures,
                  "%s: script %d removing %d added %d failures %d", t->name, s->phase, s->removing, s->added,
                  s->failures);
    ck_assert_msg(!r.plan->wake_at || r.plan->wake_at > t->now, "%s: wakes in the past", t->name);
    bool failed = t->row == ROW_HOTPLUG_ADD && s->phase == SCRIPT_IDLE && s->failures && t->now != NEVER;
    ck_assert_msg(!failed || *t->actions || r.plan->deferred, "%s: is not tried again", t->name);
    run_free(&r);
}
END_TEST

START_TEST(wakes)
{
    struct world waits = {.b = SCRIPT "online=1 state=2 hotplug-status=error", .script = {FAILED(1)}};
    struct world held = {.b = "online=0 state=6", .row = ROW_HOTPLUG_REMOVE, .since = NOW - 400};
    struct run a = look("vbd", &waits, NOW), b = look("vbd", &held, NOW);
    ck_assert_uint_eq(a.plan->wake_at, NOW + 1000);
    ck_assert_uint_eq(b.plan->wake_at, NOW + 600);
    ck_assert(a.plan->deferred && b.plan->deferred);
    run_free(&a);
    run_free(&b);
}
END_TEST

static const struct {
    const char *type;
    struct world world;
    const char *argv, *env;
} commands[] = {
    {"vbd",
     {.b = SCRIPT "online=1 state=2"},
     "/etc/xen/scripts/x add",
     "script=/etc/xen/scripts/x XENBUS_TYPE=vbd XENBUS_PATH=backend/vbd/7/0 XENBUS_BASE_PATH=backend"},
    {"vif",
     {.b = "script=vif-bridge online=1 state=2 type=vif"},
     "vif-bridge online type_if=vif",
     "script=vif-bridge XENBUS_TYPE=vif XENBUS_PATH=backend/vif/7/0 XENBUS_BASE_PATH=backend netdev= "
     "vif=vif7.0"},
    {"vif",
     {.b = SCRIPT "online=0 state=6 hotplug-status=connected vifname=web type=vif_ioemu gatewaydev=eth1"},
     "/etc/xen/scripts/x offline type_if=vif",
     "script=/etc/xen/scripts/x XENBUS_TYPE=vif XENBUS_PATH=backend/vif/7/0 XENBUS_BASE_PATH=backend "
     "netdev=eth1 "
     "vif=web INTERFACE=web-emu"},
    {"vif", /* as if they were not there */
     {.b = "script=x online=1 state=2 vifname= gatewaydev="},
     "x online type_if=vif",
     "script=x XENBUS_TYPE=vif XENBUS_PATH=backend/vif/7/0 XENBUS_BASE_PATH=backend netdev= vif=vif7.0"},
    {"vif", /* rubbish is left out */
     {.b = "script=x online=1 state=2 vifname=a%b gatewaydev=$(c)"},
     "x online type_if=vif",
     "script=x XENBUS_TYPE=vif XENBUS_PATH=backend/vif/7/0 XENBUS_BASE_PATH=backend netdev= vif=vif7.0"},
};

static const char *joined(const char *const *words, char buf[static 512])
{
    int n = 0;
    for (; *words; words++)
        n += snprintf(buf + n, 512 - (size_t)n, "%s%s", n ? " " : "", *words);
    return buf;
}

START_TEST(command)
{
    char buf[512];
    struct run r = look(commands[_i].type, &commands[_i].world, NOW);
    const struct action *a = plan_task(r.plan, TASK_SCRIPT);
    ck_assert_ptr_nonnull(a);
    ck_assert_str_eq(joined(a->argv, buf), commands[_i].argv);
    ck_assert_str_eq(joined(a->env, buf), commands[_i].env);
    run_free(&r);
}
END_TEST

static const struct {
    struct world world;
    enum finding_code code;
    const char *message;
} said[] = {
    {{.b = "script=a/../b online=1 state=2"},
     FINDING_INVALID_KEY,
     B "vbd/7/0/script is \"a/../b\", which is no script's name"},
    {{.b = SCRIPT "online=1 state=2", .script = {FAILED(2)}},
     FINDING_HOTPLUG_FAILED,
     "the hotplug script failed 2 times: \"x add exited with status 1\""},
    {{.b = SCRIPT "online=1 state=2", .script = {.phase = SCRIPT_RUNNING, FAILED(1)}},
     FINDING_HOTPLUG_FAILED,
     "the hotplug script failed 1 time: \"x add exited with status 1\""},
    {{.b = SCRIPT "online=1 state=4 hotplug-status=connected", .self = 99},
     FINDING_HOTPLUG_REFUSED,
     "the policy has hotplug scripts run, but this is dom0, where libxl runs them: nothing is run"},
};

START_TEST(says)
{
    struct run r = look("vbd", &said[_i].world, NOW);
    const struct finding *f = r.plan->findings;
    size_t i = 0;
    while (i < r.plan->n_findings && f[i].code != said[_i].code)
        i++;
    ck_assert_uint_lt(i, r.plan->n_findings);
    ck_assert_str_eq(f[i].message, said[_i].message);
    run_free(&r);
}
END_TEST

/* Where scripts are ours to run, nothing is refused. */
START_TEST(says_nothing)
{
    struct world w = {.b = SCRIPT "online=1 state=4 hotplug-status=connected"};
    struct run r = look("vbd", &w, NOW);
    for (size_t i = 0; i < r.plan->n_findings; i++)
        ck_assert_int_ne(r.plan->findings[i].code, FINDING_HOTPLUG_REFUSED);
    ck_assert_int_eq(r.plan->row, ROW_STEADY);
    run_free(&r);
}
END_TEST

/* Each relies on what it was decided from. */
START_TEST(relies)
{
    static const char *const keys[] = {"script", "hotplug-status", "hotplug-error", "state", "online"};
    struct world w = {.b = SCRIPT "online=1 state=2 hotplug-status=", .script = {ENDED}};
    struct run r = look("vbd", &w, NOW);
    for (int k = 0; k < COUNT(keys); k++) {
        bool found = false;
        for (size_t i = 0; i < r.plan->n_relies; i++)
            found |= strcmp(r.plan->relies[i].directory, B "vbd/7/0") == 0 &&
                     strcmp(r.plan->relies[i].key, keys[k]) == 0;
        ck_assert_msg(found, "%s", keys[k]);
    }
    run_free(&r);
}
END_TEST

/* B goes while its script runs: no other may run beside it, should B come back. */
START_TEST(vanishes)
{
    struct world w = {.b = SCRIPT "online=1 state=2", .script = {.phase = SCRIPT_RUNNING, .failures = 2}};
    struct run r = look("vbd", &w, NOW);
    struct memory m = {.object.script = w.script};
    struct decision_input in = {r.policy, r.view, &m, NULL, NOW, 1};
    struct object object;
    r.view->directory = ABSENT;
    struct plan *plan = decide(&in, &object);
    ck_assert_int_eq(plan->row, ROW_VANISHED);
    ck_assert_int_eq(object.script.phase, SCRIPT_RUNNING);
    plan_free(plan);
    m.object.script.phase = SCRIPT_IDLE;
    plan = decide(&in, &object);
    ck_assert_int_eq(object.script.failures, 0);
    plan_free(plan);
    run_free(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hotplug");
    TCase *t = tcase_create("rows");
    tcase_add_loop_test(t, decides, 0, COUNT(steps));
    tcase_add_test(t, wakes);
    tcase_add_loop_test(t, command, 0, COUNT(commands));
    tcase_add_loop_test(t, says, 0, COUNT(said));
    tcase_add_test(t, says_nothing);
    tcase_add_test(t, relies);
    tcase_add_test(t, vanishes);
    suite_add_tcase(s, t);
    return run_suite(s);
}
