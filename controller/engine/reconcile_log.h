/* SPDX-License-Identifier: MIT */
/* What is said about a look: its findings when they are others than those said last, its actions, and the
 * whole of it to whoever keeps the books (engine_config.observe).
 *
 * One thread; nothing here fails. */
#ifndef XENRECON_ENGINE_RECONCILE_LOG_H
#define XENRECON_ENGINE_RECONCILE_LOG_H

#include "controller/engine/state.h"

/* `key`: the device's, formatted. */
void log_findings(struct look *l, const char *key);
void log_actions(struct look *l, const char *key);
/* Tells the observer; before anything of the look is remembered. */
void observe(const struct look *l, enum look_outcome outcome, int error);

#endif
