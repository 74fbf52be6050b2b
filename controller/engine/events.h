/* SPDX-License-Identifier: MIT */
/* From watch events to devices that must be reconciled. An event says where something may have happened,
 * never what: it is only looked up whether any decision depends on that place.
 *
 * One thread; nothing here fails. */
#ifndef XENRECON_ENGINE_EVENTS_H
#define XENRECON_ENGINE_EVENTS_H

#include "controller/engine/state.h"

/* Takes in one event, by its watch's token. The engine is running. */
void events_take(struct engine *e, const char *path, const char *token);

#endif
