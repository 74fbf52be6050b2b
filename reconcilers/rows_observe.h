/* SPDX-License-Identifier: MIT */
/* The table for `owner: kernel` and `owner: external`: somebody else drives the backend's state. */
#ifndef XENRECON_ROWS_OBSERVE_H
#define XENRECON_ROWS_OBSERVE_H

#include "reconcilers/situation.h"

extern const struct rule observe_rules[ROW_COUNT];

#endif
