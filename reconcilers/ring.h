/* SPDX-License-Identifier: MIT */
/* A frontend's ring as a number. */
#ifndef XENRECON_RING_H
#define XENRECON_RING_H

#include "schemas/policy/policy.h"
#include "schemas/view.h"

/* A hash of the connect keys: another ring has another one. */
uint64_t view_ring(const struct policy *p, const struct view *view);

#endif
