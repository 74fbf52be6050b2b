/* SPDX-License-Identifier: MIT */
/* The policies that the daemon obeys: those of its folders, if they may be obeyed in this domain. The caller
 * owns a set. Blocks. Errors are negative errno, and logged. */
#ifndef XENRECON_POLICY_LOAD_H
#define XENRECON_POLICY_LOAD_H

#include "schemas/policy/policy.h"

int policy_load(const char *const *dirs, size_t n_dirs, struct policy_set *ret_set);

/* In dom0 libxl runs hotplug scripts itself, and everything would be set up twice. -EINVAL: a policy has them
 * run in this domain, and does not say that libxl does not. */
int policy_load_check_hotplug(const struct policy_set *set, uint16_t backend_domid);

#endif
