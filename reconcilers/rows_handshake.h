/* SPDX-License-Identifier: MIT */
/* The table for `owner: xenrecon`: we drive the backend's state. */
#ifndef XENRECON_ROWS_HANDSHAKE_H
#define XENRECON_ROWS_HANDSHAKE_H

#include "reconcilers/situation.h"

extern const struct rule handshake_rules[ROW_COUNT];

#endif
