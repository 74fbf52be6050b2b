/* SPDX-License-Identifier: MIT */
/* The engine's configuration: the store, and callbacks for time, random numbers, tasks and books. They are
 * its only way out. Pointers that a callback is given are good during the call only. */
#ifndef XENRECON_ENGINE_CONFIG_H
#define XENRECON_ENGINE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "controller/engine/reconcile_outcome.h"
#include "controller/store/store.h"
#include "reconcilers/object.h"
#include "reconcilers/worker.h"
#include "schemas/plan.h"
#include "schemas/policy/policy.h"
#include "schemas/view.h"

struct ages;

/* A decision and what has become of it, for the books. */
struct reconciled {
    const struct device_key *key;
    const struct policy *policy;
    const struct view *view;     /* NULL: a conflict came before the device was read */
    const struct plan *plan;     /* NULL where the view is */
    const struct memory *memory; /* as it was when it was decided */
    const struct worker *worker; /* likewise, without its strings; NULL: there is none */
    enum reconcile_outcome outcome;
    int error;     /* FAILED: a negative errno */
    uint64_t took; /* from the beginning, by the stopwatch; 0 for FOLLOWED */
    bool news;     /* something was done, has failed or was said, or another row decided than before */
};

struct engine_config {
    struct store *store;    /* its event, lost and arg belong to the caller */
    uint16_t backend_domid; /* our own domain */
    bool dry_run;           /* decide and log, write nothing */
    unsigned guest_watches; /* so many guests get a watch of their own, the others share one */
    uint32_t resync;        /* milliseconds between full resyncs; 0: none */
    void *arg;              /* for all callbacks */

    uint64_t (*clock)(void *arg);  /* milliseconds, monotonic, from 1 */
    uint64_t (*random)(void *arg); /* 64 bits */
    /* engine_tick() is wanted at this time, and not any more at the one that was asked for before. */
    void (*wake)(void *arg, uint64_t at);
    /* Once after every engine_start(): each device that was there has been reconciled. */
    void (*ready)(void *arg);
    /* Nothing is left to do until the next event. NULL: this need not be said. */
    void (*idle)(void *arg);

    /* Begins the action's task, once its writes are there. engine_script_done() says later how a script has
     * ended, engine_worker_changed() that a worker is no longer as it was. Never called in a dry run. */
    void (*execute)(void *arg, const struct device_key *key, const struct policy *policy,
                    const struct action *action);
    /* What the device's worker is like. NULL: no workers are run. */
    void (*ask_worker)(void *arg, const struct device_key *key, struct worker *ret_worker);

    /* Called with each decision's end. NULL: no books are kept, and no stopwatch is needed. */
    void (*observe)(void *arg, const struct reconciled *reconciled);
    uint64_t (*stopwatch)(void *arg); /* in whatever unit the observer likes */

    /* What was kept of the device by an earlier process; false: nothing. NULL: nothing is kept. */
    bool (*recall)(void *arg, const struct device_key *key, struct ages *ret_ages);
    /* What engine_each_ages() tells is not as it was. NULL: nobody keeps it. */
    void (*aged)(void *arg);
};

#endif
