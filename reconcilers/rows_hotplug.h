/* SPDX-License-Identifier: MIT */
/* Rows that run hotplug scripts for `owner: kernel`, where the policy has it, as `xl devd` does in a driver
 * domain. A script is started by one decision and its end is taken in by a later one; between the two the
 * object says that it runs. */
#ifndef XENRECON_ROWS_HOTPLUG_H
#define XENRECON_ROWS_HOTPLUG_H

#include "reconcilers/situation.h"

bool hotplug_add(const struct situation *s);
bool hotplug_remove(const struct situation *s);
enum outcome on_hotplug_add(struct situation *s);
enum outcome on_hotplug_remove(struct situation *s);

#endif
