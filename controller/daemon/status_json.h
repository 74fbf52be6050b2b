/* SPDX-License-Identifier: MIT */
/* The daemon and its devices in JSON, as schemas/status.schema.json describes them. Reads, and changes
 * nothing; the caller releases what is returned. One thread. */
#ifndef XENRECON_STATUS_JSON_H
#define XENRECON_STATUS_JSON_H

#include "controller/daemon/status.h"

json_t *status_json_daemon(const struct status *s);
/* `memory`: also what decisions are made with. */
json_t *status_json_device(const struct status *s, const struct engine_device *d, bool memory);

#endif
