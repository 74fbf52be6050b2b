/* SPDX-License-Identifier: MIT */
/* The engine: from watch events to decisions to transactions. It knows no clock, no loop and no socket: the
 * store, time, chance and the wish to be woken come through engine_config, so that the daemon and a
 * simulation run the same code.
 *
 *   event -> dirty device, once in the queue however many events come
 *   queue -> probe (only values of our own writing or a state may have changed: read just these)
 *         -> pass  (snapshot, decide; nothing to write: done)
 *         -> batch (up to 16 devices in one transaction: snapshot, decide and write inside it)
 *
 * A decision that writes is always made from a view read in the transaction that writes it, so that xenstored
 * itself verifies everything it relies on. One thread; nothing here blocks. */
#ifndef XENRECON_ENGINE_H
#define XENRECON_ENGINE_H

#include "controller/store/store.h"
#include "reconcilers/object.h"
#include "reconcilers/worker.h"
#include "schemas/plan.h"
#include "schemas/policy/policy.h"
#include "schemas/view.h"

struct engine;

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

/* Takes the policies over and leaves an empty set. */
struct engine *engine_new(const struct engine_config *config, struct policy_set *policies);
void engine_free(struct engine *e); /* with nothing outstanding at the store any more; NULL is fine */

void engine_start(struct engine *e); /* the store is there, nothing is watched yet */
void engine_stop(struct engine *e);  /* the store was lost, or we are about to exit: nothing new is begun */
void engine_event(struct engine *e, const char *path, const char *token);
void engine_script_done(struct engine *e, const char *key, int error, const char *said);
void engine_worker_changed(struct engine *e, const struct device_key *key);
void engine_tick(struct engine *e);
void engine_resync(struct engine *e);

/* Takes the set over. It comes into force when no device is being looked at, and resyncs. */
void engine_set_policies(struct engine *e, struct policy_set *policies);

/* What the engine itself has to say of a device beside what was decided. `kept`: its policy was dropped by a
 * reload; `unwatched`: why the store refused the watch of its frontend, a negative errno, or 0. */
void engine_remark(struct plan *p, bool kept, int unwatched);

size_t engine_devices(const struct engine *e); /* that are known */

#endif
