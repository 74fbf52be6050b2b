/* SPDX-License-Identifier: MIT */
/* The engine: from watch events to decisions to transactions. It knows no clock, no loop and no socket: all
 * that it needs comes through engine_config, so that the daemon and a simulation run the same code.
 *
 *   event -> dirty device, once in the queue however many events come
 *   queue -> probe (reads only the values that may have changed; all are as before: done)
 *         -> pass  (snapshot, decide; nothing to write: done)
 *         -> batch (up to 16 devices in one transaction: snapshot, decide and write inside it)
 *
 * A decision that writes is always made from a view read in the transaction that writes it, so that xenstored
 * itself verifies everything it relies on.
 *
 * Owns its policies and all that is known of devices. One thread; nothing here blocks. Errors of the store
 * are logged, and tried again. */
#ifndef XENRECON_ENGINE_H
#define XENRECON_ENGINE_H

#include "controller/engine/config.h"
#include "schemas/health.h"

struct engine;

/* Takes the policies over and leaves an empty set. */
struct engine *engine_new(const struct engine_config *config, struct policy_set *policies);
void engine_free(struct engine *e); /* when nothing is outstanding at the store any more; NULL is fine */

void engine_start(struct engine *e); /* the store is there, and nothing is watched yet */
void engine_stop(
    struct engine *e); /* the store was lost, or the process is about to end: begins nothing new */

/* ---- what happens ---- */

/* A watch's event. */
void engine_event(struct engine *e, const char *path, const char *token);
/* The time is there that was asked for with engine_config.wake. */
void engine_tick(struct engine *e);
/* The script of this device has ended. `key` is formatted; `error`: 0, or a negative errno and in `said` what
 * there is to say about it. */
void engine_script_done(struct engine *e, const char *key, int error, const char *said);
void engine_worker_changed(struct engine *e, const struct device_key *key);
/* Takes the set over. It comes into force when no device is being reconciled, and everything is looked over.
 */
void engine_set_policies(struct engine *e, struct policy_set *policies);
/* Looks everything over. */
void engine_resync(struct engine *e);

/* ---- what there is to tell of it ---- */

struct engine_figures {
    size_t devices;                    /* that are known */
    size_t queued;                     /* devices to be reconciled now */
    size_t waiting;                    /* devices whose time is still to come */
    unsigned in_flight;                /* devices that are being reconciled */
    unsigned scripts;                  /* that run, or wait for their turn */
    uint64_t adds;                     /* to the queue, ever */
    uint64_t resynced_at;              /* when everything was looked over last, milliseconds; 0: never */
    uint64_t resync_at;                /* when it will be next; 0: never */
    const struct policy_set *policies; /* in force */
};
/* Zeroes and no policies where `e` is NULL. */
struct engine_figures engine_figures(const struct engine *e);

/* A device, as the engine knows it. Pointers are good until the engine is called again. */
struct engine_device {
    const struct device_key *key;
    const struct policy *policy; /* in force for it; NULL: there is none any more */
    const struct memory *memory;
    enum xenbus_state backend;  /* as it was read last; ABSENT: it was not yet */
    enum xenbus_state frontend; /* likewise */
    int online;                 /* likewise: 0 or 1; -1: it was not read yet, or is neither of these */
    enum health health;         /* as it was decided last; UNKNOWN: it was not yet */
    uint64_t findings;          /* a bit for each enum finding_code */
    uint64_t errors, warnings; /* of these, those that are errors, and those that are no more than warnings */
    uint64_t next_at;          /* when it is reconciled again, milliseconds; 0: when something happens */
    bool retired_policy;       /* its policy was dropped by a reload, and stays in force for it */
    int unwatched;             /* why the store refused the watch of its frontend; 0: it did not */
};
/* False: it knows no such device, or `e` is NULL. */
bool engine_find_device(const struct engine *e, const struct device_key *key,
                        struct engine_device *ret_device);
/* Calls `each` for every device, in no order. */
void engine_each_device(struct engine *e, void (*each)(void *arg, const struct engine_device *device),
                        void *arg);
/* Calls `each` for every guest and type of which there are more devices than are looked after. */
void engine_each_crowd(const struct engine *e,
                       void (*each)(void *arg, uint16_t domid, const char *type, uint32_t looked_after),
                       void *arg);
/* Calls `each` for every device of which something is to be kept when this process ends, with the line for it
 * (reconcilers/ages_line.h); NULL: what was kept of it before still holds. */
void engine_each_ages(const struct engine *e,
                      void (*each)(void *arg, const struct device_key *key, const char *line), void *arg);

#endif
