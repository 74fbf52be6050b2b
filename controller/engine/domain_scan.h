/* SPDX-License-Identifier: MIT */
/* Domains that are gone, and device models that come and go: their devices are marked. xenstored says that
 * some domain is gone, not which: it is asked about each that has devices.
 *
 * One thread. A domain that cannot be asked about counts as gone. */
#ifndef XENRECON_ENGINE_DOMAIN_SCAN_H
#define XENRECON_ENGINE_DOMAIN_SCAN_H

#include "controller/engine/state.h"

/* Asks about all; not while it is being done. */
void scan_domains(struct engine *e);
/* Something has changed below our own domain's device-model. */
void model_event(struct engine *e, const char *path);

#endif
