/* SPDX-License-Identifier: MIT */
#include "test/sim/sim_world.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"
#include "test/sim/sim_policy.h"

void sim_fail(struct sim_world *w, const char *format, ...)
{
    va_list ap;
    if (w->failed[0])
        return;
    va_start(ap, format);
    vsnprintf(w->failed, sizeof w->failed, format, ap);
    va_end(ap);
}

struct sim_device *sim_device_find(struct sim_world *w, const struct device_key *key)
{
    for (unsigned i = 0; i < w->setup.devices; i++)
        if (device_key_equal(&w->devices[i].key, key))
            return &w->devices[i];
    return NULL;
}

unsigned sim_domain(const struct sim_world *w, const struct sim_device *d)
{
    unsigned i = 0;
    while (w->devices[i].key.domid != d->key.domid)
        i++;
    return i;
}

const char *sim_text(const struct sim_world *w, const char *directory, const char *key)
{
    char path[192];
    snprintf(path, sizeof path, "%s/%s", directory, key);
    return nodes_text(&w->store.nodes, path);
}

int sim_state(const struct sim_world *w, const char *directory)
{
    const char *text = sim_text(w, directory, "state");
    return text ? atoi(text) : -1;
}

static bool introduced(void *arg, unsigned domid)
{
    const struct sim_world *w = arg;
    for (unsigned i = 0; i < w->setup.devices; i++)
        if (w->devices[i].key.domid == domid)
            return w->alive[sim_domain(w, &w->devices[i])];
    return false;
}

/* ---- steps ---- */

void sim_world_deliver(struct sim_world *w)
{
    while (!sim_store_overtakes(&w->store, 0) && sim_store_event(&w->store, 0, false, false))
        ;
}

static bool serve(struct sim_world *w, int error)
{
    if (!sim_store_head(&w->store))
        return false;
    sim_store_process(&w->store, error);
    if (w->setup.prompt)
        sim_world_deliver(w);
    return sim_store_reply(&w->store, 0);
}

/* What this request could be refused with: quotas, permissions, a conflict, a store that has run out of
 * memory. */
static int refusal(const struct sim_request *r, bool otherwise)
{
    switch ((int)r->type) {
    case XS_TRANSACTION_END:
        return otherwise ? -ENOSPC : -EAGAIN;
    case XS_READ:
    case XS_DIRECTORY:
        return otherwise && r->type == XS_READ ? -ENOMEM : -EIO;
    case XS_WRITE:
    case XS_WATCH:
    case XS_TRANSACTION_START:
        return otherwise ? -E2BIG : -ENOSPC;
    case XS_RM:
    case XS_IS_DOMAIN_INTRODUCED:
        return otherwise ? -EACCES : -ENOMEM;
    default:
        return 0;
    }
}

static bool refuse(struct sim_world *w, bool otherwise)
{
    const struct sim_request *r = sim_store_head(&w->store);
    int error = r ? refusal(r, otherwise) : 0;
    if (!error || !w->left.faults)
        return false;
    w->left.faults--;
    w->missed |= r->type == XS_READ || r->type == XS_DIRECTORY;
    return serve(w, error);
}

static bool tick(struct sim_world *w)
{
    if (!w->wake_at || w->lost)
        return false;
    if (w->wake_at > w->now)
        w->now = w->wake_at;
    w->wake_at = 0;
    engine_tick(w->engine);
    return true;
}

static bool crash(struct sim_world *w, unsigned later)
{
    if (!w->left.crashes || w->lost)
        return false;
    while (later-- && sim_store_head(&w->store))
        sim_store_process(&w->store, 0);
    w->left.crashes--;
    sim_engine_crash(w);
    for (unsigned i = 0; i < w->setup.devices; i++) {
        crew_found(&w->devices[i].crew);
        sim_script_orphaned(w, &w->devices[i]);
    }
    sim_engine_new(w);
    return true;
}

static bool store_dies(struct sim_world *w, unsigned later)
{
    if (!w->left.losses || w->lost)
        return false;
    while (later-- && sim_store_head(&w->store))
        sim_store_process(&w->store, 0);
    w->left.losses--;
    w->store.up = false;
    sim_store_cut(&w->store, -ECONNRESET);
    w->lost = true;
    w->wake_at = 0;
    w->store.heard = HASH_INIT;
    return true;
}

static bool store_returns(struct sim_world *w, bool empty)
{
    if (!w->lost)
        return false;
    if (empty)
        nodes_free(&w->store.nodes);
    for (unsigned i = 0; i < w->setup.devices; i++) {
        w->devices[i].touched = w->step;
        w->devices[i].wiped |= empty;
    }
    w->lost = false;
    w->store.up = true;
    engine_start(w->engine);
    return true;
}

static bool crew_step(struct sim_world *w, struct sim_device *d, enum crew_move move)
{
    bool mishap = move >= CREW_MUST && move != CREW_GROWS;
    if (mishap && !w->left.mishaps)
        return false;
    if (!crew_moves(&d->crew, move, w->now))
        return false;
    w->left.mishaps -= mishap;
    return true;
}

static bool news(struct sim_world *w, struct sim_device *d)
{
    if (!d->crew.news)
        return false;
    d->crew.news = false;
    engine_worker_changed(w->engine, &d->key);
    return true;
}

static void touch_domain(struct sim_world *w, const struct sim_device *d)
{
    for (unsigned i = 0; i < w->setup.devices; i++)
        if (w->devices[i].key.domid == d->key.domid)
            w->devices[i].touched = w->step;
}

static bool domain_dies(struct sim_world *w, struct sim_device *d)
{
    if (!w->left.deaths || w->lost || !w->alive[sim_domain(w, d)])
        return false;
    w->left.deaths--;
    touch_domain(w, d);
    sim_domain_dies(w, d);
    return true;
}

static bool domain_returns(struct sim_world *w, struct sim_device *d)
{
    if (!w->left.returns || w->lost || w->alive[sim_domain(w, d)])
        return false;
    w->left.returns--;
    touch_domain(w, d);
    sim_domain_returns(w, d);
    return true;
}

static bool model_toggles(struct sim_world *w, struct sim_device *d)
{
    if (!w->left.models || w->lost)
        return false;
    w->left.models--;
    touch_domain(w, d);
    sim_model_toggles(w, d);
    return true;
}

static bool script_ends(struct sim_world *w, struct sim_device *d, bool fails)
{
    if (fails && !w->left.mishaps)
        return false;
    if (!sim_script_ends(w, d, fails, false))
        return false;
    w->left.mishaps -= fails;
    return true;
}

/* In the end they are as they were. */
static bool reload(struct sim_world *w, unsigned variant)
{
    if (w->lost || variant >= VARIANTS || variant == w->variant || (variant && !w->left.reloads))
        return false;
    w->left.reloads -= variant != VARIANT_FIRST;
    for (unsigned i = 0; i < w->setup.devices; i++)
        w->devices[i].touched = w->step;
    sim_engine_reload(w, variant);
    return true;
}

static bool move_device(struct sim_world *w, struct sim_device *d, enum sim_step_kind kind)
{
    switch ((int)kind) {
    case STEP_FRONTEND:
        return sim_frontend_moves(w, d, false);
    case STEP_TOOLSTACK:
        return sim_toolstack_moves(w, d, false);
    case STEP_NEWS:
        return news(w, d);
    case STEP_BACKEND:
        return sim_backend_moves(w, d, false);
    case STEP_SCRIPT_ENDS:
    case STEP_SCRIPT_FAILS:
        return script_ends(w, d, kind == STEP_SCRIPT_FAILS);
    case STEP_OLD_SCRIPT_ENDS:
        return sim_old_script_ends(w, d, false);
    case STEP_DOMAIN_DIES:
        return domain_dies(w, d);
    case STEP_DOMAIN_RETURNS:
        return domain_returns(w, d);
    case STEP_MODEL:
        return model_toggles(w, d);
    default:
        return crew_step(w, d, (enum crew_move)((int)kind - (int)STEP_ENDS));
    }
}

static bool device_step(struct sim_world *w, struct sim_step step)
{
    if (step.n >= w->setup.devices)
        return false;
    struct sim_device *d = &w->devices[step.n];
    bool moved = move_device(w, d, step.kind);
    if (moved)
        d->touched = w->step;
    return moved;
}

static bool event(struct sim_world *w, struct sim_step step)
{
    bool overtakes = sim_store_overtakes(&w->store, step.n), faulty = step.kind != STEP_EVENT || overtakes;
    if (w->lost || (faulty && !w->left.faults) ||
        !sim_store_event(&w->store, step.n, step.kind == STEP_LOSE, step.kind == STEP_REPEAT))
        return false;
    w->left.faults -= faulty;
    w->missed |= step.kind == STEP_LOSE || overtakes;
    return true;
}

static bool process(struct sim_world *w)
{
    if (w->lost || !sim_store_head(&w->store))
        return false;
    sim_store_process(&w->store, 0);
    return true;
}

static bool do_step(struct sim_world *w, struct sim_step step)
{
    switch ((int)step.kind) {
    case STEP_SERVE:
        return !w->lost && TAILQ_EMPTY(&w->store.replies) && serve(w, 0);
    case STEP_PROCESS:
        return process(w);
    case STEP_REFUSE:
        return !w->lost && TAILQ_EMPTY(&w->store.replies) && refuse(w, step.n != 0);
    case STEP_REPLY:
        return !w->lost && sim_store_reply(&w->store, step.n);
    case STEP_EVENT:
    case STEP_LOSE:
    case STEP_REPEAT:
        return event(w, step);
    case STEP_TICK:
        return tick(w);
    case STEP_LATER:
        w->now += step.n;
        return true;
    case STEP_RESYNC:
        if (!w->lost)
            engine_resync(w->engine);
        return !w->lost;
    case STEP_RELOAD:
        return reload(w, step.n);
    case STEP_CRASH:
        return crash(w, step.n);
    case STEP_STORE_DIES:
        return store_dies(w, step.n);
    case STEP_STORE_RETURNS:
        return store_returns(w, step.n != 0);
    default:
        return device_step(w, step);
    }
}

/* Can anybody still do something to this request's answer? */
static bool undecided(const struct sim_world *w, const struct sim_request *r)
{
    if (r->type == XS_WRITE || r->type == XS_RM || r->type == XS_TRANSACTION_END)
        return true;
    if (r->type != XS_READ && r->type != XS_DIRECTORY)
        return false;
    for (unsigned i = 0; i < w->setup.devices; i++) {
        const struct sim_device *d = &w->devices[i];
        bool dies = w->left.deaths || w->left.returns;
        bool other = w->setup.owner || w->setup.models;
        bool toolstack = d->attached < ATTACH_STEPS || d->toolstack->deeds[d->deed] != DONE || other || dies;
        bool frontend = d->frontend->steps[d->front_step].verb != END || dies;
        if ((toolstack && (path_within(r->body, d->b) || path_within(d->b, r->body))) ||
            ((toolstack || frontend) && path_within(r->body, d->f)) || (dies && path_within(d->f, r->body)))
            return true;
    }
    return w->left.models && strstr(r->body, "/device-model/");
}

/* The last answer makes the engine go on, with workers as they are then: that is another step. */
static void run_on(struct sim_world *w)
{
    const struct sim_request *r;
    while (!w->lost && (r = sim_store_head(&w->store)) && TAILQ_NEXT(r, next) && !undecided(w, r))
        serve(w, 0);
}

bool sim_world_step(struct sim_world *w, struct sim_step step)
{
    w->store.step = ++w->step;
    if (!do_step(w, step))
        return false;
    sim_engine_look_at_policies(w);
    if (w->setup.run_on)
        run_on(w);
    if (w->setup.prompt)
        sim_world_deliver(w);
    if (sim_engine_rests(w))
        w->store.heard = HASH_INIT;
    return true;
}

/* ---- beginning and end ---- */

static void init_device(struct sim_world *w, unsigned i)
{
    static const struct device_key keys[SIM_DEVICES] = {{.type = "qdisk", .devid = "51712", .domid = 7},
                                                        {.type = "qdisk", .devid = "51728", .domid = 7},
                                                        {.type = "qdisk", .devid = "51712", .domid = 8}};
    const unsigned fronts[] = {w->setup.frontend0, w->setup.frontend1, w->setup.frontend2};
    const unsigned tools[] = {w->setup.toolstack0, w->setup.toolstack1, w->setup.toolstack2};
    struct sim_device *d = &w->devices[i];
    const struct device_key *key = &keys[w->setup.two_guests && i ? 3 - i : i];
    d->key = *key;
    d->frontend = &frontends[fronts[i % SIM_DEVICES] % (sizeof frontends / sizeof *frontends)];
    d->toolstack = &toolstacks[tools[i % SIM_DEVICES] % (sizeof toolstacks / sizeof *toolstacks)];
    d->crew.size = 1;
    device_backend_path(w->store.self, &d->key, d->b);
    snprintf(d->f, sizeof d->f, "/local/domain/%u/device/vbd/%s", key->domid, key->devid);
    w->alive[i] = true;
}

/* All that concerns the first device is left to come. */
static void calm_down(struct sim_world *w)
{
    struct sim_step list[SIM_CHOICES];
    size_t must, i;
    do {
        sim_world_choices(w, list, &must);
        for (i = 0; i < must && list[i].kind > STEP_TICK && list[i].n == 0; i++)
            ;
    } while (i < must && sim_world_step(w, list[i]));
}

struct sim_world *sim_world_new(const struct sim_setup *setup)
{
    char home[32];
    struct sim_world *w = xcalloc(1, sizeof *w);
    w->setup = w->left = *setup;
    sim_policies_prepare(setup);
    if (w->setup.devices > SIM_DEVICES)
        w->setup.devices = SIM_DEVICES;
    w->now = 1000000;
    w->random = setup->seed;
    w->store.heard = HASH_INIT;
    sim_store_init(&w->store, setup->driver_domain ? 5 : 0);
    w->store.introduced = introduced;
    w->store.arg = w;
    sim_check_attach(w);
    for (unsigned i = 0; i < w->setup.devices; i++) {
        init_device(w, i);
        snprintf(home, sizeof home, "/local/domain/%u", w->devices[i].key.domid);
        nodes_write(&w->store.nodes, home, "", 0);
    }
    sim_engine_new(w);
    while (setup->settled && (serve(w, 0) || (w->wake_at && w->wake_at <= w->now && tick(w))))
        ;
    if (setup->calm)
        calm_down(w);
    return w;
}

void sim_world_free(struct sim_world *w)
{
    if (!w)
        return;
    sim_engine_crash(w);
    sim_store_finish(&w->store);
    free(w);
}
