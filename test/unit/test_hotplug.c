/* SPDX-License-Identifier: MIT */
/* Hotplug scripts: when one is run, with which words, and what its end comes to. */
#include <stdio.h>

#include "test/lib/plan_check.h"
#include "test/lib/unit.h"
#include "test/unit/hotplug_cases.h"

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
    struct memory m = {
        .object.script = w->script, .row = w->row, .row_since = w->since, .retired_policy = w->kept};
    struct decision_input in = {r.policy, r.view, &m, NULL, now, 1};
    r.plan = decide(&in, &r.object);
    return r;
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
        for (size_t j = 0; j < a->n_removals; j++) {
            const char *path = a->removals[j].path;
            n += snprintf(buf + n, 1024 - (size_t)n, " -%s%s",
                          path + (strncmp(path, b, strlen(b)) ? 0 : strlen(b)),
                          a->removals[j].if_empty ? "?" : "");
        }
        for (size_t j = 0; a->argv && a->argv[j]; j++)
            n += snprintf(buf + n, 1024 - (size_t)n, " %s", a->argv[j]);
    }
    return buf;
}

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
    ck_assert_msg(!r.plan->requeue_at || r.plan->requeue_at > t->now, "%s: wakes in the past", t->name);
    bool failed = t->row == ROW_HOTPLUG_ADD && s->phase == SCRIPT_IDLE && s->failures && t->now != NEVER;
    ck_assert_msg(!failed || *t->actions || r.plan->requeue_acts, "%s: is not tried again", t->name);
    ck_assert_int_eq(r.object.phase, OBJECT_NONE);
    size_t told = 0;
    for (size_t i = 0; i < r.plan->n_findings; i++)
        told += r.plan->findings[i].code == FINDING_HOTPLUG_FAILED;
    ck_assert_msg(told <= 1, "%s: is said %zu times", t->name, told);
    run_free(&r);
}
END_TEST

START_TEST(wakes)
{
    struct world waits = {.b = SCRIPT "online=1 state=2 hotplug-status=error", .script = {FAILED(1)}};
    struct world held = {.b = "online=0 state=6", .row = ROW_HOTPLUG_REMOVE, .since = NOW - 400};
    struct run a = look("vbd", &waits, NOW), b = look("vbd", &held, NOW);
    ck_assert_uint_eq(a.plan->requeue_at, NOW + 1000);
    ck_assert_uint_eq(b.plan->requeue_at, NOW + 600);
    ck_assert(a.plan->requeue_acts && b.plan->requeue_acts);
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
    {{.b = SCRIPT "online=1 state=2", .script = {ENDED, FAILED(1)}},
     FINDING_HOTPLUG_FAILED,
     "the hotplug script failed 1 time: \"x add exited with status 1\""},
    {{.b = SCRIPT "online=0 state=6", .script = {.phase = SCRIPT_RUNNING, .removing = true, FAILED(1)}},
     FINDING_HOTPLUG_FAILED,
     "the hotplug script failed 1 time: \"x add exited with status 1\""},
    {{.b = SCRIPT "online=0 state=6 hotplug-status=error", .script = {.removing = true, FAILED(3)}},
     FINDING_HOTPLUG_FAILED,
     "the hotplug script failed 3 times: \"x add exited with status 1\""},
    {{.b = SCRIPT "online=1 state=4 hotplug-error=no%bridge", .more = ""},
     FINDING_HOTPLUG_FAILED,
     "the hotplug script failed: \"no bridge\""},
    {{.b = SCRIPT "online=1 state=2", .script = {.error = -5, .failures = 1}},
     FINDING_HOTPLUG_FAILED,
     "the hotplug script failed 1 time: \"\""},
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
    ck_assert_int_eq(f[i].severity, f[i].code == FINDING_HOTPLUG_REFUSED ? SEVERITY_WARNING : SEVERITY_ERROR);
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

/* Each relies on what it was decided from, and says why. */
static const struct {
    struct world world;
    const char *reason;
} acts[] = {
    {{.b = SCRIPT "online=1 state=2"}, "its script has not set it up yet"},
    {{.b = SCRIPT "online=1 state=2 hotplug-status=", .script = {ENDED}}, "its script has done it"},
    {{.b = SCRIPT "online=1 state=2", .script = {ENDED, FAILED(1)}}, "its script failed"},
    {{.b = SCRIPT "online=0 state=6 hotplug-status=connected"},
     "detached: its script takes down what it has set up"},
    {{.b = "online=0 state=6", HELD}, "the device is detached, and its script is done with it"},
};

START_TEST(relies)
{
    static const char *const keys[] = {"script", "hotplug-status", "hotplug-error", "state", "online"};
    struct run r = look("vbd", &acts[_i].world, NOW);
    ck_assert_uint_eq(r.plan->n_actions, 1);
    ck_assert_str_eq(r.plan->actions[0].reason, acts[_i].reason);
    struct memory m = {.object.script = acts[_i].world.script};
    for (int k = 0; k < COUNT(keys); k++)
        plan_check_needs((struct decision_input){r.policy, r.view, &m, NULL, NOW, 1}, BACKEND, keys[k]);
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
    tcase_add_loop_test(t, relies, 0, COUNT(acts));
    tcase_add_test(t, vanishes);
    suite_add_tcase(s, t);
    return run_suite(s);
}
