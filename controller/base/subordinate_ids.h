/* SPDX-License-Identifier: MIT */
/* Who else may have the users that workers run as: /etc/subuid and /etc/subgid give ranges of numbers to
 * users (subuid(5)), for their containers. A worker that shares its number with one of these processes can be
 * signalled and read by it.
 *
 * One thread; blocks on the file system. */
#ifndef XENRECON_SUBORDINATE_IDS_H
#define XENRECON_SUBORDINATE_IDS_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/diagnostic.h"

/* Whose ranges do not count: they are there to keep others from the numbers. */
#define SUBORDINATE_OWNER "xenrecon"

/* Does a line of this file give away a number that workers with this `uid-base` have? Then *ret_why tells, as
 * of the policy. A file that is not there gives away nothing, and neither does a line that has no meaning. */
bool subordinate_ids_overlap(const char *path, const char *policy, uint32_t uid_base,
                             struct diagnostic *ret_why);

#endif
