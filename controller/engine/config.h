/* SPDX-License-Identifier: MIT */
/* What the engine is given when it is made: the store, and callbacks for time, chance, tasks and books. They
 * are its only way out. Strings and pointers in arguments are good during the call only. */
#ifndef XENRECON_ENGINE_CONFIG_H
#define XENRECON_ENGINE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "controller/store/store.h"
#include "reconcilers/object.h"
#include "reconcilers/worker.h"
#include "schemas/plan.h"
#include "schemas/policy/policy.h"
#include "schemas/view.h"

enum look_outcome {
    LOOK_DONE,     /* what was planned was done, or there was nothing to do */
    LOOK_FAILED,   /* tried again after the policy's backoff */
    LOOK_CONFLICT, /* somebody else changed what it relied on: looked at again, soon */
    LOOK_FOLLOWED, /* no look: decided once more, on what our own writes have made of it */
};
const char *look_outcome_name(enum look_outcome outcome);

/* A decision, and what became of it, for those who keep the books. Good during the call only. */
struct looked {
    const struct device_key *key;
    const struct policy *policy;
    const struct view *view; /* NULL after a conflict that came before there was one; so is the plan */
    const struct plan *plan;
    const struct memory *memory; /* as it was when it was decided */
    const struct worker *worker; /* likewise, without its strings; NULL: there is none */
    enum look_outcome outcome;
    int error;     /* FAILED: a negative errno */
    uint64_t took; /* what the stopwatch counted; 0 for FOLLOWED */
    bool news;     /* something was done, failed or said, or another row decided than before */
};

struct engine_config {
    struct store *store;                  /* its event, lost and arg belong to the caller */
    uint16_t self;                        /* our own domain */
    bool dry_run;                         /* decide and log, write nothing */
    unsigned guest_watches;               /* so many guests have one of their own, the others share one */
    uint32_t resync;                      /* milliseconds between full resyncs; 0: none */
    uint64_t (*clock)(void *arg);         /* milliseconds, monotonic, from 1 */
    uint64_t (*random)(void *arg);        /* 64 bits */
    void (*wake)(void *arg, uint64_t at); /* engine_tick() is wanted at this time; replaces the wish before */
    void (*ready)(void *arg); /* after every engine_start(): each device that was there has been looked at */
    /* Begins the action's task, once its writes are there. engine_script_done() says later how a script has
     * ended, engine_worker_changed() that a worker is no longer as it was. Never called in a dry run. */
    void (*execute)(void *arg, const struct device_key *key, const struct policy *policy,
                    const struct action *action);
    /* What a device's worker is like. NULL: no workers are run. */
    void (*worker_look)(void *arg, const struct device_key *key, struct worker *ret_worker);
    /* Told of each decision's end. NULL: nobody is interested. The stopwatch counts whatever it likes. */
    void (*observe)(void *arg, const struct looked *looked);
    uint64_t (*stopwatch)(void *arg);
    void (*idle)(void *arg); /* nothing is left to do: only an event can change that. May be NULL */
    void *arg;
};

#endif
