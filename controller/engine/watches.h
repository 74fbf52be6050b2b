/* SPDX-License-Identifier: MIT */
/* What the store is asked to tell us: of the backend tree and of domains always, of each guest's frontends,
 * and of the state of each F that lies elsewhere. xenstored compares every write with every watch, so that
 * one for each device would make the store slow, and a driver domain may have few. Even one for each guest is
 * too much where guests are many: those beyond some share one, of all domains, which tells of much that
 * nobody here wants to hear. The store may refuse: then we look by ourselves, and ask again.
 *
 * One thread. A refusal is logged, or remembered in the device. */
#ifndef XENRECON_ENGINE_WATCHES_H
#define XENRECON_ENGINE_WATCHES_H

#include "controller/engine/state.h"

/* Watches: after a start none is there. Those that the store refuses (a driver domain has 128, and they may
 * be others') are asked for again, a device's with its next look, and what they would tell of is polled. */
void engine_watch_anew(struct engine *e);
void engine_watch_refused(struct engine *e);
void engine_watch_frontend(struct engine *e, struct device *d, const char *path);
void engine_unwatch_frontend(struct engine *e, struct device *d);

#endif
