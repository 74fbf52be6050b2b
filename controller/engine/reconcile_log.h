/* SPDX-License-Identifier: MIT */
/* What is said about a reconcile: its findings, where they are others than those said last; its actions; and
 * the whole of it to the observer (engine_config.observe).
 *
 * One thread; nothing here fails. `key` is the device's, formatted. */
#ifndef XENRECON_ENGINE_RECONCILE_LOG_H
#define XENRECON_ENGINE_RECONCILE_LOG_H

#include "controller/engine/state.h"

void reconcile_log_findings(struct reconcile *r, const char *key);
void reconcile_log_actions(struct reconcile *r, const char *key);
/* Called before anything of the reconcile is remembered. `error`: a negative errno, or 0. */
void reconcile_log_observe(const struct reconcile *r, enum reconcile_outcome outcome, int error);

#endif
