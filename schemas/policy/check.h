/* SPDX-License-Identifier: MIT */
/* The rules that no single value of a policy can break alone. */
#ifndef XENRECON_POLICY_CHECK_H
#define XENRECON_POLICY_CHECK_H

#include "schemas/policy/policy.h"
#include "schemas/policy/yaml.h"

/* `root` is the document that p was read from. 0, or -EINVAL and *d->why. */
int policy_check(const struct document *d, const struct node *root, const struct policy *p);

#endif
