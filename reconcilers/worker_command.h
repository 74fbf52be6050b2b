/* SPDX-License-Identifier: MIT */
/* The words that a device's worker is started with: the policy's, with B's values filled in. They live in the
 * plan's arena. */
#ifndef XENRECON_WORKER_COMMAND_H
#define XENRECON_WORKER_COMMAND_H

#include "reconcilers/situation.h"

/* Puts the words into the action, to be run or to be shown. */
void worker_command_show(struct situation *s, struct action *a);
/* The same number for the same words; `words` ends in NULL. */
uint64_t worker_command_hash(const char *const *words);
/* The number of those that it would be started with now. */
uint64_t worker_command_now(const struct situation *s);

#endif
