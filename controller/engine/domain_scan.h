/* SPDX-License-Identifier: MIT */
/* Domains that are gone, and device models that come and go: their devices are queued. xenstored says that
 * some domain is gone, not which, so it is asked about each that has devices. A store that does not tell is
 * asked for the domain's directory instead, and for F's states.
 *
 * One thread. A domain that cannot be asked about at all counts as gone. */
#ifndef XENRECON_ENGINE_DOMAIN_SCAN_H
#define XENRECON_ENGINE_DOMAIN_SCAN_H

#include "controller/engine/state.h"

/* Asks about all domains; again, once that is done, where it is being done already. */
void domain_scan_start(struct engine *e);
/* Something has changed below the device-model of our own domain. */
void domain_scan_model_event(struct engine *e, const char *path);

#endif
