/* SPDX-License-Identifier: MIT */
/* New policies: they come into force when no device is being looked at. A device that holds something keeps
 * the policy that this was made under until it is closed; devices whose type has no policy any more are
 * forgotten.
 *
 * Owns the policies that are out of force and still kept. One thread; nothing here fails. */
#ifndef XENRECON_ENGINE_POLICY_RELOAD_H
#define XENRECON_ENGINE_POLICY_RELOAD_H

#include "controller/engine/state.h"

/* Puts those in force that are waiting; nothing may be in flight. */
void take_over_policies(struct engine *e);

#endif
