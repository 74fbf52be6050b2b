/* SPDX-License-Identifier: MIT */
/* The rows of every owner's table for a device whose frontend is gone. */
#ifndef XENRECON_ROWS_ORPHAN_H
#define XENRECON_ROWS_ORPHAN_H

#include "reconcilers/situation.h"

bool orphan(const struct situation *s);
bool collect(const struct situation *s);
/* Once it is one for longer than the policy lets it; what stands before `domain 7`, and behind it. */
void orphan_say(struct situation *s, const char *before, const char *behind);
enum outcome on_orphan(struct situation *s);
enum outcome on_collect(struct situation *s);

#endif
