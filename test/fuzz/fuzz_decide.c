/* SPDX-License-Identifier: MIT */
/* A device, a policy and what the daemon remembers, of any bytes: what is decided never does what no plan may
 * do, is the same when it is decided again, and comes to rest when everybody else does. */
#include "test/fuzz/plans.h"
#include "test/fuzz/policies.h"

static struct shipped shipped;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    load_shipped(&shipped);
    return 0;
}

/* ---- a world of bytes ---- */

struct world {
    const struct policy *policy;
    struct view *view; /* sealed */
    struct memory memory;
    uint64_t now;
    char *said;
};

static const char *const words[] = {
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "",
    "01",
    "9",
    "-1",
    "a",
    "connected",
    "error",
    "block",
    "/etc/xen/scripts/block",
    "vif7.0",
    "raw:/x",
    "w",
    "r",
    "65536",
    "0x1f",
    "redacted",
    "0000000000001111 2 -",
    "0000000000001111 4 0000000000000009",
    "0000000000002222 6 -",
    "0000000000001111 6 -",
    "0000000000001111 5 -",
    "0000000000001111 4 -",
    "x y",
    "../x",
    "$(x)",
};

static enum presence take_presence(struct choices *c)
{
    unsigned n = take_below(c, 8); /* mostly there */
    return n < 2 ? (enum presence)(n * 2) : PRESENT;
}

static void take_value(struct choices *c, struct view *v, enum side side, const char *name)
{
    enum presence presence = take_presence(c);
    unsigned n = take_byte(c);
    if (n < 255) {
        const char *word = words[n % (sizeof words / sizeof *words)];
        view_add(v, side, name, presence, word, strlen(word));
        return;
    }
    size_t len;
    char *text = take_text(c, &len);
    view_add(v, side, name, presence, text, len);
    free(text);
}

/* A number in the place of each component that a pattern leaves open. */
static void take_declared(struct choices *c, struct view *v, enum side side, const struct key_spec *spec)
{
    char name[256];
    snprintf(name, sizeof name, "%s", spec->name);
    for (char *star = name; (star = strchr(star, '*'));)
        *star = (char)('0' + take_below(c, 3));
    take_value(c, v, side, name);
}

static void take_frontend(struct choices *c, struct view *v, const struct policy *p)
{
    char path[STORE_PATH_MAX];
    unsigned kind = take_below(c, 8);
    size_t len;
    char *text = take_text(c, &len);
    snprintf(path, sizeof path, "/local/domain/%d/device/%s/%s", kind == 1 ? 8 : v->device.domid, p->frontend,
             v->device.devid);
    if (kind == 2)
        view_add(v, BACKEND, "frontend", take_presence(c), text, len);
    else if (kind != 3)
        view_add(v, BACKEND, "frontend", PRESENT, path, strlen(path));
    free(text);
    for (size_t i = 0; i < v->n_keys[BACKEND]; i++) { /* as snapshots are taken */
        const struct value *f = &v->keys[BACKEND][i].value;
        if (strcmp(v->keys[BACKEND][i].name, "frontend") == 0 && f->presence == PRESENT &&
            device_frontend_path_valid(f->text, f->len, v->device.domid))
            view_set_frontend(v, f->text);
    }
}

static void take_keys(struct choices *c, struct view *v, const struct policy *p)
{
    static const char *const always[] = {"state", "online", MARKER_KEY, "frontend-id"};
    static const char *const hotplug[] = {"script", "hotplug-status", "hotplug-error", "vifname", "type"};
    take_frontend(c, v, p);
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        take_value(c, v, BACKEND, always[i]);
    for (size_t i = 0; policy_hotplug(p, v->backend_domid) && i < sizeof hotplug / sizeof *hotplug; i++)
        take_value(c, v, BACKEND, hotplug[i]);
    if (v->path[FRONTEND]) {
        take_value(c, v, FRONTEND, "state");
        take_value(c, v, FRONTEND, "backend");
    }
    for (enum side side = 0; side < 2; side++)
        for (size_t i = 0; i < p->n_keys[side] && v->path[side]; i++)
            take_declared(c, v, side, &p->keys[side][i]);
}

static struct view *take_view(struct choices *c, const struct policy *p)
{
    struct device_key key = {.devid = "0", .domid = 7};
    snprintf(key.type, sizeof key.type, "%s", p->type);
    struct view *v = view_new(take_flag(c) ? 3 : 0, &key);
    v->directory = take_presence(c);
    v->domain = take_presence(c);
    v->front = take_presence(c);
    v->qemu = (enum presence)take_below(c, 3);
    for (enum side side = 0; side < 2; side++) {
        size_t len;
        char *text = take_text(c, &len);
        view_set_error(v, side, (enum presence)take_below(c, 3), text, len);
        free(text);
    }
    if (v->directory == PRESENT)
        take_keys(c, v, p);
    view_seal(v);
    return v;
}

/* No later than now; now and then never. */
static uint64_t take_past(struct choices *c, uint64_t now)
{
    uint64_t ago = take_number(c, 2) * 10;
    return ago < now && ago ? now - ago : 0;
}

static void take_memory(struct choices *c, struct world *w)
{
    struct memory *m = &w->memory;
    struct object *o = &m->object;
    size_t len;
    m->row = (enum row)take_below(c, ROW_COUNT);
    m->row_since = take_past(c, w->now);
    m->failure.error = take_flag(c) ? -(int)take_below(c, 40) : 0;
    m->failure.attempt = (uint8_t)take_byte(c);
    m->failure.row = (enum row)take_below(c, ROW_COUNT);
    m->failure.until = w->now + take_number(c, 2);
    m->failure.digest = take_flag(c) ? view_digest(w->view) : 1;
    o->phase = (enum object_phase)take_below(c, OBJECT_DEAD + 1);
    if (o->phase) {
        o->front_connected = take_flag(c);
        o->cycles = (uint8_t)take_below(c, 12);
        o->cycles_since = take_past(c, w->now);
        o->phase_since = take_past(c, w->now);
        o->incarnation = take_flag(c) ? 0x1111 : 0x2222;
    }
    o->script.phase = (enum script_phase)take_below(c, SCRIPT_ENDED + 1);
    o->script.removing = take_flag(c);
    o->script.added = take_flag(c);
    o->script.failures = (uint8_t)take_byte(c);
    o->script.error = take_flag(c) ? -(int)take_below(c, 40) : 0;
    o->script.until = w->now + take_number(c, 2);
    w->said = take_text(c, &len);
    o->script.said = take_flag(c) ? w->said : NULL;
}

static struct plan *decide_in(const struct world *w, struct object *ret_object)
{
    struct decision_input in = {.policy = w->policy,
                                .view = w->view,
                                .memory = &w->memory,
                                .now = w->now,
                                .fresh_incarnation = 0xf2e5};
    return decide(&in, ret_object);
}

static void check_object(const struct world *w, const struct object *o)
{
    holds(o->phase <= OBJECT_DEAD && o->script.phase <= SCRIPT_ENDED, "phase %d", o->phase);
    holds(o->phase_since <= w->now && o->cycles_since <= w->now, "it begins after now");
    holds(o->phase == OBJECT_NONE || o->incarnation, "an object of no device");
}

/* However often a frontend closes, it is counted. */
static void check_cycle(const struct plan *plan, const struct object *o)
{
    for (size_t i = 0; i < plan->n_actions; i++)
        holds(plan->actions[i].kind != ACTION_CYCLE || (o->cycles >= 1 && o->cycles <= 10), "%u cycles",
              o->cycles);
}

/* ---- what comes of it ---- */

/* The view once the plan has been carried out; NULL: B is gone. */
static struct view *after(const struct plan *plan, const struct view *v)
{
    struct view *next = view_copy(v);
    for (size_t i = 0; i < plan->n_actions; i++) {
        const struct action *a = &plan->actions[i];
        for (size_t j = 0; j < a->n_writes; j++)
            view_replace(next, BACKEND, below(a->writes[j].path, v), PRESENT, a->writes[j].value,
                         strlen(a->writes[j].value));
        for (size_t j = 0; j < a->n_removals; j++) {
            const char *key = below(a->removals[j].path, v);
            if (key)
                view_replace(next, BACKEND, key, ABSENT, NULL, 0);
            else if (strcmp(a->removals[j].path, v->path[BACKEND]) == 0)
                next->directory = ABSENT;
        }
    }
    if (next->directory == ABSENT) {
        next->n_keys[BACKEND] = next->n_keys[FRONTEND] = 0;
        next->path[FRONTEND] = NULL;
    }
    view_seal(next);
    return next;
}

/* Carries it out, and goes on to where something is to be done. */
static void take_plan(struct world *w, const struct plan *plan, const struct object *object)
{
    struct view *next = after(plan, w->view);
    view_free(w->view);
    w->view = next;
    w->memory.object = *object;
    w->memory.failure = (struct failure){0};
    if (object->script.phase == SCRIPT_RUNNING) { /* it succeeds, and says nothing */
        w->memory.object.script.phase = SCRIPT_ENDED;
        w->memory.object.script.error = 0;
        w->memory.object.script.said = NULL;
    }
    if (w->memory.row != plan->row || !w->memory.row_since)
        w->memory.row_since = w->now;
    w->memory.row = plan->row;
    if (plan->requeue_acts && !plan_acts(plan))
        w->now = plan->requeue_at;
}

/* Passes in which something is done, or waited for, once nobody else does anything. */
enum { PASSES_MAX = 12 };

static void check_rest(struct world *w)
{
    char rows[512];
    size_t n = 0;
    for (int pass = 0; pass < PASSES_MAX; pass++) {
        struct object object;
        struct plan *plan = decide_in(w, &object);
        bool rest = !plan_acts(plan) && !plan->requeue_acts && object.script.phase != SCRIPT_RUNNING &&
                    object.script.phase == w->memory.object.script.phase;
        check_plan(plan, w->view, w->policy, w->now);
        check_object(w, &object);
        n += (size_t)snprintf(rows + n, sizeof rows - n, " %s", row_name(plan->row));
        take_plan(w, plan, &object);
        plan_free(plan);
        if (rest)
            return;
    }
    holds(false, "%s never comes to rest:%s", w->policy->type, rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct choices c = {data, size};
    struct world w = {.now = 0};
    const struct policy_set *set = take_flag(&c) ? &shipped.bold : &shipped.as_is;
    w.policy = set->list[take_byte(&c) % set->n];
    w.view = take_view(&c, w.policy);
    if (take_flag(&c)) { /* else a report, which knows neither times nor objects */
        w.now = 1 + take_number(&c, 4);
        take_memory(&c, &w);
    }
    struct object object, object_again;
    struct plan *plan = decide_in(&w, &object), *again = decide_in(&w, &object_again);
    check_plan(plan, w.view, w.policy, w.now);
    check_object(&w, &object);
    if (!w.memory.failure.error) /* else it may be held back */
        check_cycle(plan, &object);
    plan_assert_same(plan, again, w.policy->type);
    if (w.now)
        check_rest(&w);
    plan_free(plan);
    plan_free(again);
    view_free(w.view);
    free(w.said);
    return 0;
}
