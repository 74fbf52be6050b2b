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

size_t engine_devices(const struct engine *e); /* that are known */

#endif
