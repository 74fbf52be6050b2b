/* SPDX-License-Identifier: MIT */
#include "test/sim/sim_world.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"

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
    while (sim_store_event(&w->store, 0, false, false))
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

/* What this request could be refused with. */
static int refusal(const struct sim_request *r)
{
    switch ((int)r->type) {
    case XS_TRANSACTION_END:
        return -EAGAIN;
    case XS_READ:
    case XS_DIRECTORY:
        return -EIO;
    case XS_WRITE:
    case XS_WATCH:
    case XS_TRANSACTION_START:
        return -ENOSPC;
    default:
        return 0;
    }
}

static bool refuse(struct sim_world *w)
{
    const struct sim_request *r = sim_store_head(&w->store);
    int error = r ? refusal(r) : 0;
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
    for (unsigned i = 0; i < w->setup.devices; i++)
        crew_found(&w->devices[i].crew);
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

static bool domain_dies(struct sim_world *w, struct sim_device *d)
{
    if (!w->left.deaths || w->lost || !w->alive[sim_domain(w, d)])
        return false;
    w->left.deaths--;
    for (unsigned i = 0; i < w->setup.devices; i++)
        if (w->devices[i].key.domid == d->key.domid)
            w->devices[i].touched = w->step;
    sim_domain_dies(w, d);
    return true;
}

static bool device_step(struct sim_world *w, struct sim_step step)
{
    if (step.n >= w->setup.devices)
        return false;
    struct sim_device *d = &w->devices[step.n];
    bool moved;
    if (step.kind == STEP_FRONTEND)
        moved = sim_frontend_moves(w, d, false);
    else if (step.kind == STEP_TOOLSTACK)
        moved = sim_toolstack_moves(w, d, false);
    else if (step.kind == STEP_NEWS)
        moved = news(w, d);
    else if (step.kind == STEP_DOMAIN_DIES)
        moved = domain_dies(w, d);
    else
        moved = crew_step(w, d, (enum crew_move)((int)step.kind - (int)STEP_ENDS));
    if (moved)
        d->touched = w->step;
    return moved;
}

static bool event(struct sim_world *w, struct sim_step step)
{
    bool faulty = step.kind != STEP_EVENT;
    if (w->lost || (faulty && !w->left.faults) ||
        !sim_store_event(&w->store, step.n, step.kind == STEP_LOSE, step.kind == STEP_REPEAT))
        return false;
    w->left.faults -= faulty;
    w->missed |= step.kind == STEP_LOSE;
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
        return !w->lost && TAILQ_EMPTY(&w->store.replies) && refuse(w);
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
        bool toolstack = d->attached < ATTACH_STEPS || d->toolstack->deeds[d->deed] != DONE;
        bool frontend = d->frontend->steps[d->front_step].verb != END || w->left.deaths;
        if ((toolstack && (path_within(r->body, d->b) || path_within(d->b, r->body))) ||
            ((toolstack || frontend) && path_within(r->body, d->f)) ||
            (w->left.deaths && path_within(d->f, r->body)))
            return true;
    }
    return false;
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
    d->key = keys[i];
    d->frontend = &frontends[fronts[i % SIM_DEVICES] % (sizeof frontends / sizeof *frontends)];
    d->toolstack = &toolstacks[tools[i % SIM_DEVICES] % (sizeof toolstacks / sizeof *toolstacks)];
    d->crew.size = 1;
    device_backend_path(w->store.self, &d->key, d->b);
    snprintf(d->f, sizeof d->f, "/local/domain/%u/device/vbd/%s", keys[i].domid, keys[i].devid);
    w->alive[i] = true;
}

struct sim_world *sim_world_new(const struct sim_setup *setup)
{
    char home[32];
    struct sim_world *w = xcalloc(1, sizeof *w);
    w->setup = w->left = *setup;
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
