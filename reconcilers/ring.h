/* SPDX-License-Identifier: MIT */
/* A frontend's ring as a number. */
#ifndef XENRECON_RING_H
#define XENRECON_RING_H

#include "schemas/policy/policy.h"
#include "schemas/view.h"

/* Is a key of this spec one of those that make the ring? A worker is told of all but those that had to be
 * there before it started, so every one may make another ring. */
bool ring_has_key(const struct policy *p, const struct key_spec *spec);

/* A hash of the connect keys: another ring has another one. */
uint64_t ring_of(const struct policy *p, const struct view *view);

#endif
