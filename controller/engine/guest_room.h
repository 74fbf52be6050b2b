/* SPDX-License-Identifier: MIT */
/* When a device of a guest has gone that had more of them than its policy allows, another one is looked after
 * in its place: the store is asked which there are. One listing of a guest's devices of a type is under way
 * at a time. When none is left over, that is logged. One thread; nothing here fails. */
#ifndef XENRECON_ENGINE_GUEST_ROOM_H
#define XENRECON_ENGINE_GUEST_ROOM_H

#include "controller/engine/state.h"

/* Begins the listings that are wanted. */
void guest_room_fill(struct engine *e);

#endif
