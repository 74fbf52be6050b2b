/* SPDX-License-Identifier: MIT */
#include "reconcilers/rows_hotplug.h"

#include <string.h>

#include "reconcilers/rows_orphan.h"
#include "reconcilers/writes.h"

/* How often removal is tried before the device is let go without it: the toolstack would wait for ever. */
enum { REMOVALS_MAX = 3 };

static bool on_duty(const struct situation *s)
{
    return policy_hotplug(s->policy, s->view->backend_domid);
}

static bool is_vif(const struct situation *s)
{
    return strcmp(s->policy->frontend, "vif") == 0;
}

/* Does it say that the script has done its part? */
static bool status_good(const struct situation *s)
{
    struct value status = view_get(s->view, BACKEND, "hotplug-status");
    return status.presence == PRESENT && status.len && strcmp(status.text, "error") != 0;
}

/* A word that may stand in a command line or in the environment: no blanks, nothing that a shell script
 * could stumble over, no way up in the tree. */
static bool word_valid(const struct value *v)
{
    static const char fine[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+:@/-";
    return v->presence == PRESENT && v->len > 0 && v->len < 256 && strspn(v->text, fine) == v->len &&
           v->text[0] != '-' && !strstr(v->text, "..");
}

static bool script_valid(const struct situation *s)
{
    struct value script = view_get(s->view, BACKEND, "script");
    return word_valid(&script);
}

/* ---- the command, as libxl makes it ---- */

/* The value of a key, or "" where it is not there or not a word. */
static const char *word(const struct situation *s, const char *key)
{
    struct value v = view_get(s->view, BACKEND, key);
    return word_valid(&v) ? v.text : "";
}

static void give_command(struct situation *s, struct action *a, bool removing)
{
    struct arena *m = &s->plan->arena;
    const struct device_key *d = &s->view->device;
    /* zeroed: NULL ends both */
    const char **argv = arena_alloc(m, 4 * sizeof *argv), **env = arena_alloc(m, 8 * sizeof *env);
    const char *script = arena_strdup(m, word(s, "script"));
    size_t n = 0;
    env[n++] = arena_printf(m, "script=%s", script);
    env[n++] = arena_printf(m, "XENBUS_TYPE=%s", d->type);
    env[n++] = arena_printf(m, "XENBUS_PATH=backend/%s/%u/%s", d->type, d->domid, d->devid);
    env[n++] = "XENBUS_BASE_PATH=backend";
    argv[0] = script;
    argv[1] = removing ? "remove" : "add";
    if (is_vif(s)) {
        const char *vif = word(s, "vifname");
        if (!*vif)
            vif = arena_printf(m, "vif%u.%s", d->domid, d->devid);
        env[n++] = arena_printf(m, "netdev=%s", word(s, "gatewaydev"));
        env[n++] = arena_printf(m, "vif=%s", vif);
        if (strstr(word(s, "type"), "ioemu")) /* QEMU's end of an emulated card */
            env[n++] = arena_printf(m, "INTERFACE=%s-emu", vif);
        argv[1] = removing ? "offline" : "online";
        argv[2] = "type_if=vif";
    }
    a->task = TASK_SCRIPT;
    a->argv = argv;
    a->env = env;
}

/* ---- a script's life ---- */

static unsigned failures(const struct situation *s, bool removing)
{
    const struct script *r = &s->object.script;
    return r->removing == removing ? r->failures : 0;
}

static void say_failed(struct situation *s, bool removing)
{
    const struct script *r = &s->object.script;
    unsigned n = failures(s, removing);
    if (n) {
        const char *words = r->said ? r->said : "";
        struct value said = {PRESENT, words, strlen(words)};
        plan_add_finding(s->plan, FINDING_HOTPLUG_FAILED, SEVERITY_ERROR,
                         "the hotplug script failed %u time%s: %s", n, n == 1 ? "" : "s",
                         situation_quote(s, &said))
            ->who = WAITS_FOR_SCRIPT;
    }
}

static void remove_key(struct situation *s, struct action *a, const char *key)
{
    if (view_get(s->view, BACKEND, key).presence == PRESENT)
        action_remove(s->plan, a, view_key_path(s->view, BACKEND, key, &s->plan->arena), false);
}

static enum outcome start(struct situation *s, bool removing)
{
    struct script *r = &s->object.script;
    say_failed(s, removing);
    if (s->in->memory->retired_policy)
        return DECIDED;
    if (failures(s, removing) && s->in->now && s->in->now < r->until) {
        plan_requeue_at(s->plan, r->until, true);
        return DECIDED;
    }
    struct action *a = plan_add_action(s->plan, ACTION_HOTPLUG,
                                       removing ? "detached: its script takes down what it has set up"
                                                : "its script has not set it up yet");
    give_command(s, a, removing);
    remove_key(s, a, "hotplug-error"); /* what is there when the script ends is of this run */
    r->failures = (uint8_t)failures(s, removing);
    r->removing = removing;
    r->phase = SCRIPT_RUNNING;
    return DECIDED;
}

static void write_failure(struct situation *s, struct action *a, const char *said)
{
    if (!situation_has(s, "hotplug-error")) /* the script's own words are kept */
        put_key(s, a, "hotplug-error", said ? said : "failed");
    put_key(s, a, "hotplug-status", "error");
}

/* Takes in the result of a script that has ended, and writes to B what the script did not write itself. */
static enum outcome take_in(struct situation *s)
{
    struct script *r = &s->object.script;
    bool failed = r->error != 0;
    r->phase = SCRIPT_IDLE;
    if (!failed) {
        r->failures = 0;
        r->added = !r->removing;
    }
    if (!r->removing && s->online != 1)
        return AGAIN; /* detached meanwhile: nobody waits for the result */
    bool done = r->removing ? !situation_has(s, "hotplug-status") : status_good(s);
    bool says = situation_has(s, "hotplug-error"),
         bad = situation_has(s, "hotplug-status") && !status_good(s);
    if (failed ? bad && says : done && !says)
        return AGAIN; /* the script has written its result itself */
    struct action *a =
        plan_add_action(s->plan, ACTION_HOTPLUG, failed ? "its script failed" : "its script has done it");
    if (failed)
        write_failure(s, a, r->said);
    else if (r->removing)
        remove_key(s, a, "hotplug-status");
    else if (!done)
        put_key(s, a, "hotplug-status", "connected");
    if (!failed)
        remove_key(s, a, "hotplug-error");
    say_failed(s, r->removing);
    return DECIDED;
}

/* ---- hotplug-add ---- */

/* Some kernels remove hotplug-status once they have connected: it is no reason to set it up again. */
static bool was_added(const struct situation *s)
{
    return s->object.script.added ||
           (s->b == XENBUS_CONNECTED && view_get(s->view, BACKEND, "hotplug-status").presence == ABSENT);
}

bool hotplug_add(const struct situation *s)
{
    const struct script *r = &s->object.script;
    if (!on_duty(s))
        return false;
    if (r->phase != SCRIPT_IDLE)
        return !r->removing;
    return s->online == 1 && !orphan(s) && situation_has(s, "script") &&
           STATE_IN(s->b, XENBUS_INIT_WAIT, XENBUS_INITIALISED, XENBUS_CONNECTED) && !status_good(s) &&
           !was_added(s);
}

enum outcome on_hotplug_add(struct situation *s)
{
    struct value script = view_get(s->view, BACKEND, "script");
    switch (s->object.script.phase) {
    case SCRIPT_RUNNING:
        say_failed(s, false);
        return DECIDED;
    case SCRIPT_ENDED:
        return take_in(s);
    case SCRIPT_IDLE:
        break;
    }
    if (script_valid(s))
        return start(s, false);
    plan_add_finding(s->plan, FINDING_INVALID_KEY, SEVERITY_ERROR,
                     "%s/script is %s, which is no script's name", s->view->path[BACKEND],
                     situation_quote(s, &script))
        ->ends = "B/script";
    return DECIDED;
}

/* ---- hotplug-remove ---- */

/* Is there anything that a script would have to take down? A kernel may have removed hotplug-status already:
 * then only we remember. */
static bool set_up(const struct situation *s)
{
    return script_valid(s) && (situation_has(s, "hotplug-status") || s->object.script.added);
}

static bool detached(const struct situation *s)
{
    return s->online != 1 && s->b == XENBUS_CLOSED;
}

static bool given_up(const struct situation *s)
{
    return failures(s, true) >= REMOVALS_MAX;
}

bool hotplug_remove(const struct situation *s)
{
    if (!on_duty(s))
        return false;
    if (s->object.script.phase != SCRIPT_IDLE)
        return true; /* scripts that add are taken by row hotplug-add */
    if (detached(s))
        return set_up(s) || s->view->backend_domid != 0;
    return set_up(s) && !given_up(s) && collect(s); /* an orphan, before its directory is removed */
}

/* In a driver domain nobody else can remove B; in dom0 libxl does. */
static enum outcome remove_backend(struct situation *s)
{
    uint64_t due = situation_since(s) + policy_hold_closed(s->policy, s->view->backend_domid);
    if (s->in->now && s->in->now < due) {
        plan_requeue_at(s->plan, due, true); /* until then libxl can read Closed */
        return DECIDED;
    }
    s->object = (struct object){0};
    struct action *a =
        plan_add_action(s->plan, ACTION_DESTROY, "the device is detached, and its script is done with it");
    action_remove(s->plan, a, s->view->path[BACKEND], false);
    return DECIDED;
}

enum outcome on_hotplug_remove(struct situation *s)
{
    switch (s->object.script.phase) {
    case SCRIPT_RUNNING:
        say_failed(s, true);
        return DECIDED;
    case SCRIPT_ENDED:
        return take_in(s);
    case SCRIPT_IDLE:
        break;
    }
    if (set_up(s) && !given_up(s))
        return start(s, true);
    say_failed(s, true);
    return s->view->backend_domid != 0 ? remove_backend(s) : DECIDED;
}
