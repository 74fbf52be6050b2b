/* SPDX-License-Identifier: MIT */
/* Whoever serves devices that are not ours, kernels and QEMU; and hotplug scripts, which set up what a
 * kernel's backend needs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/marker.h"
#include "test/sim/sim_policy.h"
#include "test/sim/sim_world.h"

static void put(struct sim_world *w, const char *directory, const char *key, const char *value)
{
    char path[192];
    snprintf(path, sizeof path, "%s/%s", directory, key);
    sim_put(&w->store, path, value);
}

static void take_away(struct sim_world *w, const char *directory, const char *key)
{
    char path[192];
    snprintf(path, sizeof path, "%s/%s", directory, key);
    sim_remove(&w->store, path);
}

static bool is(const struct sim_world *w, const struct sim_device *d, const char *key, const char *value)
{
    const char *text = sim_text(w, d->b, key);
    return text && strcmp(text, value) == 0;
}

/* ---- policies ---- */

enum owner sim_owner(const struct sim_world *w, unsigned variant)
{
    if (variant == VARIANT_NONE)
        return OWNER_EXTERNAL;
    if (variant == VARIANT_OWNER)
        return w->setup.owner == OWNER_XENRECON ? OWNER_KERNEL : OWNER_EXTERNAL;
    return (enum owner)w->setup.owner;
}

bool sim_works(const struct sim_world *w, unsigned variant)
{
    return sim_owner(w, variant) == OWNER_XENRECON && !w->setup.worker == (variant == VARIANT_WORKER);
}

bool sim_hotplug(const struct sim_world *w, unsigned variant)
{
    return sim_owner(w, variant) == OWNER_KERNEL && w->setup.owner == OWNER_KERNEL &&
           !w->setup.hotplug == (variant == VARIANT_WORKER);
}

/* ---- device models ---- */

static void model_path(const struct sim_world *w, const struct sim_device *d, char path[static 64])
{
    snprintf(path, 64, "/local/domain/%u/device-model/%u", w->store.self, d->key.domid);
}

bool sim_model_runs(const struct sim_world *w, const struct sim_device *d)
{
    char path[64];
    model_path(w, d, path);
    return sim_text(w, path, "state") != NULL;
}

void sim_model_toggles(struct sim_world *w, struct sim_device *d)
{
    char path[64];
    model_path(w, d, path);
    if (sim_model_runs(w, d))
        sim_remove(&w->store, path);
    else
        put(w, path, "state", "running");
}

/* ---- other backends ---- */

/* QEMU takes what nobody has taken yet. */
static bool claims(const struct sim_world *w, const struct sim_device *d)
{
    bool begins = is(w, d, "state", "1") && is(w, d, "online", "1"), ends = is(w, d, "state", "5");
    return w->setup.owner == OWNER_XENRECON && !d->claimed && sim_model_runs(w, d) && (begins || ends) &&
           sim_text(w, d->b, "frontend") && !sim_text(w, d->b, MARKER_KEY);
}

/* A backend such as Linux has: where it goes from here, or -1. */
static int next_state(const struct sim_world *w, const struct sim_device *d)
{
    int b = sim_state(w, d->b), f = w->alive[sim_domain(w, d)] ? sim_state(w, d->f) : -1;
    bool online = is(w, d, "online", "1"), ready = f == 3 || f == 4, gone = f < 0 || f == 6;
    bool set_up = !w->setup.hotplug || is(w, d, "hotplug-status", "connected");
    if ((b == 1 && online) || (b == 6 && online && f >= 1 && f <= 4))
        return 2;
    if (b == 2 && ready && set_up)
        return 4;
    if ((b == 2 || b == 4) && f == 5)
        return 5;
    if (((b == 2 || b == 4 || b == 5) && gone) || (b == 4 && f < 3) || (b == 5 && f != 4 && f != 5))
        return 6;
    return -1;
}

bool sim_backend_moves(struct sim_world *w, struct sim_device *d, bool try)
{
    char state[2] = {is(w, d, "state", "1") ? '2' : '5', '\0'};
    bool claim = claims(w, d), serves = w->setup.owner || (d->claimed && sim_model_runs(w, d));
    int next = serves ? next_state(w, d) : -1;
    if (w->lost || (next < 0 && !claim) || (d->toolstack->deeds[0] == WRITE_CLOSED && d->deed))
        return false;
    if (try)
        return true;
    d->claimed |= claim;
    if (next >= 0)
        state[0] = (char)('0' + next);
    put(w, d->b, "state", state);
    if (next == 6)
        take_away(w, d->b, "hotplug-status"); /* Linux does so */
    return true;
}

/* ---- scripts ---- */

/* One after the other: so does controller/processes/hotplug_scripts.h. */
void sim_script_run(struct sim_world *w, struct sim_device *d, const struct action *a)
{
    const char *word = a->argv[1];
    bool removing = strcmp(word, "remove") == 0;
    if (strcmp(a->argv[0], "/script") != 0 || (!removing && strcmp(word, "add") != 0)) {
        sim_fail(w, "a script is run: %s %s for %s", a->argv[0], word, d->b);
        return;
    }
    struct sim_script *s = &d->script;
    w->tasks++;
    sim_check_script(w, d, removing);
    s->unsure |= !sim_text(w, d->b, "frontend"); /* B was removed after it was decided */
    if (s->waits)
        sim_fail(w, "a third script for %s", d->b);
    *(s->runs ? &s->waits_removing : &s->removing) = removing;
    *(s->runs ? &s->waits : &s->runs) = true;
}

/* What one that has ended leaves behind. It writes to B only while there is one. */
static void leave(struct sim_world *w, struct sim_device *d, bool removing, bool fails)
{
    struct sim_script *s = &d->script;
    bool says = w->setup.hotplug == 1 && sim_text(w, d->b, "frontend");
    s->failures = removing && fails ? s->failures + 1 : 0;
    if (!fails)
        s->set_up = !removing;
    if (!says)
        return;
    if (fails)
        put(w, d->b, "hotplug-error", "it failed");
    if (fails || !removing)
        put(w, d->b, "hotplug-status", fails ? "error" : "connected");
    else
        take_away(w, d->b, "hotplug-status");
}

bool sim_script_ends(struct sim_world *w, struct sim_device *d, bool fails, bool try)
{
    char key[DEVICE_KEY_SIZE];
    struct sim_script *s = &d->script;
    if (!s->runs || w->lost || try)
        return s->runs && !w->lost;
    leave(w, d, s->removing, fails);
    s->runs = s->waits;
    s->removing = s->waits_removing;
    s->waits = s->waits_removing = false;
    device_key_format(&d->key, key);
    engine_script_done(w->engine, key, fails ? -EIO : 0, fails ? "exited with status 1" : "");
    return true;
}

bool sim_old_script_ends(struct sim_world *w, struct sim_device *d, bool try)
{
    struct sim_script *s = &d->script;
    if (!s->old_runs || w->lost || try)
        return s->old_runs && !w->lost;
    s->old_runs = false;
    leave(w, d, s->old_removing, false);
    return true;
}

/* It goes on without it. One from before then has ended long ago. */
void sim_script_orphaned(struct sim_world *w, struct sim_device *d)
{
    struct sim_script *s = &d->script;
    sim_old_script_ends(w, d, false);
    s->old_runs = s->runs;
    s->old_removing = s->removing;
    s->unsure |= s->set_up || s->runs;
    s->runs = s->waits = false;
}
