/* SPDX-License-Identifier: MIT */
/* The last row of every owner's table: a device at rest, and what it may be waiting for too long. */
#ifndef XENRECON_ROWS_STEADY_H
#define XENRECON_ROWS_STEADY_H

#include "reconcilers/situation.h"

enum outcome on_steady(struct situation *s);

#endif
