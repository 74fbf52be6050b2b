/* SPDX-License-Identifier: MIT */
/* Watches: of the backend tree, of domains and of device models always; of frontends, where they are.
 * xenstored compares every write with every watch, so that one for each device would make the store slow, and
 * a driver domain may have few. So a guest's frontends have one watch together, if they are where toolstacks
 * put them. Beyond engine_config.guest_watches, guests share one of all domains, most of whose events are
 * nothing to us.
 *
 * The store may refuse a watch: a driver domain has 128 in all, and others may have used them. Then the
 * values that it would tell of are polled, and the watch is asked for again: a device's when it is next
 * reconciled, the others by watches_retry().
 *
 * One thread. A refusal is logged, or remembered in the device. */
#ifndef XENRECON_ENGINE_WATCHES_H
#define XENRECON_ENGINE_WATCHES_H

#include "controller/engine/state.h"

/* Asks for those that every engine has. None is there, of devices neither. */
void watches_start(struct engine *e);
/* Asks again for those of them that were refused. */
void watches_retry(struct engine *e);
/* Has the device's frontend watched, and no other. */
void watches_add_frontend(struct engine *e, struct device *d, const char *frontend);
void watches_remove_frontend(struct engine *e, struct device *d);

#endif
