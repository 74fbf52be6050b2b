/* SPDX-License-Identifier: MIT */
/* New policies come into force when no device is being reconciled. A device that holds something keeps the
 * policy under which that was made until it is closed. Devices whose type has no policy any more are
 * forgotten.
 *
 * Owns the policies that are out of force and still kept by a device. One thread; nothing here fails. */
#ifndef XENRECON_ENGINE_POLICY_RELOAD_H
#define XENRECON_ENGINE_POLICY_RELOAD_H

#include "controller/engine/state.h"

/* Takes the set over; it comes into force with policy_reload_apply(). */
void policy_reload_request(struct engine *e, struct policy_set *policies);
/* Puts it in force and looks everything over. Nothing is in flight. */
void policy_reload_apply(struct engine *e);

#endif
