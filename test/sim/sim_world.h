/* SPDX-License-Identifier: MIT */
/* A simulated world: the real engine, and around it a store, toolstacks, frontends and workers that move when
 * they are told to. It owns all of them. One thread; no clock but its own. */
#ifndef XENRECON_SIM_WORLD_H
#define XENRECON_SIM_WORLD_H

#include "controller/engine/engine.h"
#include "test/lib/programs.h"
#include "test/sim/sim_crew.h"
#include "test/sim/sim_schedule.h"
#include "test/sim/sim_store.h"

/* A device's hotplug script, and what it sets up. */
struct sim_script {
    bool runs, removing;         /* of this controller */
    bool waits, waits_removing;  /* the next one, for its end */
    bool kept;                   /* one ran when the policies were replaced */
    bool old_runs, old_removing; /* of one that has died since */
    bool set_up;
    unsigned failures; /* to take down, in a row */
    bool unsure;       /* whether it is set up, a controller that came later cannot know */
};

/* A device, and who uses it. */
struct sim_device {
    struct device_key key;
    char b[128], f[128];
    const struct frontend *frontend;
    const struct toolstack *toolstack;
    unsigned front_step, deed, attached; /* how far they have come */
    unsigned ring;                       /* F's connect keys: 0 none */
    struct crew crew;
    struct sim_script script;
    bool claimed;     /* by QEMU */
    unsigned variant; /* of the policies: the one that it is to be treated by */
    uint64_t kept;    /* the incarnation that the engine held at the last reload; 0: none */
    bool inherits; /* a worker that the policy did not have when the controller started: it serves to its end
                    */
    bool wiped;    /* by the loss of a store */
    uint64_t touched;     /* the step in which anybody but the controller last did something */
    uint64_t decided_in;  /* the step in which the last transaction that saw it began; 0: none did */
    bool unreadable;      /* what it read could not be read */
    struct worker looked; /* the worker as the controller saw it last */
};

struct sim_world {
    struct sim_setup setup, left; /* left: of what may go wrong */
    struct sim_store store;
    struct engine *engine;
    struct sim_device devices[SIM_DEVICES];
    bool alive[SIM_DEVICES];    /* the domains, by their first device */
    bool lost;                  /* the store is: until it returns */
    bool missed;                /* something was not told to the engine: a resync must find it */
    unsigned variant, in_force; /* of the policies: as they shall be, and as the engine has taken them over */
    uint64_t idle_at;           /* the step in which the engine last said that nothing is left to do */
    uint64_t now, wake_at, step, random;
    uint64_t commits, tasks;
    char failed[512]; /* what went wrong; empty: nothing */
};

struct sim_world *sim_world_new(const struct sim_setup *setup);
void sim_world_free(struct sim_world *w);

/* False: this cannot happen now. */
bool sim_world_step(struct sim_world *w, struct sim_step step);
void sim_world_deliver(struct sim_world *w); /* all events that wait */

/* All that could happen; returns how many. `must`: those that will sooner or later, first; their number. */
enum { SIM_CHOICES = 64 };
size_t sim_world_choices(const struct sim_world *w, struct sim_step list[static SIM_CHOICES],
                         size_t *ret_must);

/* What goes wrong first counts. */
void sim_fail(struct sim_world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The domain of a device: an index into `alive`. */
unsigned sim_domain(const struct sim_world *w, const struct sim_device *d);
struct sim_device *sim_device_find(struct sim_world *w, const struct device_key *key);
const char *sim_text(const struct sim_world *w, const char *directory, const char *key); /* NULL: none */
int sim_state(const struct sim_world *w, const char *directory);                         /* -1: none */

enum { ATTACH_STEPS = 6 }; /* of sim_device.attached */

/* Frontends and toolstacks (sim_actors.c). False: they cannot now. With `try`, nothing happens. */
bool sim_frontend_moves(struct sim_world *w, struct sim_device *d, bool try);
bool sim_toolstack_moves(struct sim_world *w, struct sim_device *d, bool try);
void sim_domain_dies(struct sim_world *w, struct sim_device *d);
void sim_domain_returns(struct sim_world *w, struct sim_device *d);

/* Others that serve devices, scripts and device models (sim_others.c). */
bool sim_backend_moves(struct sim_world *w, struct sim_device *d, bool try);
void sim_model_toggles(struct sim_world *w, struct sim_device *d);
bool sim_model_runs(const struct sim_world *w, const struct sim_device *d);
void sim_script_run(struct sim_world *w, struct sim_device *d, const struct action *a);
bool sim_script_ends(struct sim_world *w, struct sim_device *d, bool fails, bool try);
bool sim_old_script_ends(struct sim_world *w, struct sim_device *d, bool try);
void sim_script_orphaned(struct sim_world *w, struct sim_device *d); /* the controller died */

/* What a variant of the policies says. */
enum owner sim_owner(const struct sim_world *w, unsigned variant);
bool sim_works(const struct sim_world *w, unsigned variant);   /* has it a worker? */
bool sim_hotplug(const struct sim_world *w, unsigned variant); /* does it have scripts run? */

/* The engine (sim_engine.c). */
void sim_engine_new(struct sim_world *w);
void sim_engine_crash(struct sim_world *w);
void sim_engine_reload(struct sim_world *w, unsigned variant);
void sim_engine_look_at_policies(struct sim_world *w);
bool sim_engine_rests(const struct sim_world *w);

/* What must never happen (sim_check.c). */
void sim_check_attach(struct sim_world *w);
void sim_check_task(struct sim_world *w, struct sim_device *d, const struct action *a);
uint64_t
sim_last_touch(const struct sim_world *w); /* the step in which anybody but the controller did something */
void sim_check_idle(struct sim_world *w);  /* something is done */
void sim_check_script(struct sim_world *w, const struct sim_device *d, bool removing);

/* What names F's connect keys in a marker; 0: they are not all there. */
uint64_t sim_ring(const struct sim_world *w, const struct sim_device *d);

/* Is it Connected, as F and its worker are, and does nobody want it otherwise? */
bool sim_served(const struct sim_world *w, const struct sim_device *d);

/* What must be when nobody moves any more (sim_rest.c). Goes on until it is so, and looks. */
bool sim_world_settle(struct sim_world *w);
void sim_world_check_rest(struct sim_world *w);

/* A golden case: the store as it is, and the policy (sim_export.c). */
void sim_export(const struct sim_world *w, const char *directory);

/* What it is, as one number (sim_hash.c). */
uint64_t sim_world_hash(const struct sim_world *w);

#endif
