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

#include "controller/engine/config.h"

struct engine;

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

/* ---- what there is to tell of it ---- */

struct engine_figures {
    size_t devices;                    /* that are known */
    size_t queued, waiting;            /* devices: to be looked at; whose time is still to come */
    unsigned in_flight;                /* devices that are being looked at */
    unsigned scripts;                  /* that run, or wait for their turn */
    uint64_t adds;                     /* to the queue, ever */
    uint64_t resynced_at;              /* when everything was looked over last, milliseconds; 0: never */
    uint64_t resync_at;                /* when it will be next; 0: never */
    const struct policy_set *policies; /* in force */
};
/* All zeroes, and no policies, where `e` is NULL. */
struct engine_figures engine_figures(const struct engine *e);

/* A device, as the engine knows it. Pointers are good until the engine is called again. */
struct engine_device {
    const struct device_key *key;
    const struct policy *policy; /* in force for it; NULL: there is none any more */
    const struct memory *memory;
    enum xenbus_state backend, frontend; /* as they were seen last; ABSENT: not yet */
    int online;                          /* likewise, 0 or 1; -1: not seen yet, or neither of these */
    uint64_t findings;                   /* a bit for each enum finding_code */
    uint64_t next_look;                  /* milliseconds; 0: when something happens */
    bool kept;                           /* its policy was dropped by a reload */
    int unwatched;                       /* why the store refused the watch of its frontend; 0: it did not */
};
/* False: it knows no such device, or `e` is NULL. */
bool engine_find_device(const struct engine *e, const struct device_key *key,
                        struct engine_device *ret_device);
/* Calls `each` for every device, in no order. */
void engine_each_device(struct engine *e, void (*each)(void *arg, const struct engine_device *device),
                        void *arg);

#endif
