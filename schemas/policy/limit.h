/* SPDX-License-Identifier: MIT */
/* How long a policy lets something last before it is found. Values; milliseconds. */
#ifndef XENRECON_POLICY_LIMIT_H
#define XENRECON_POLICY_LIMIT_H

#include <stdint.h>

#define POLICY_LIMITS(X)           \
    X(CREATE, deadlines, create)   \
    X(CONNECT, deadlines, connect) \
    X(CLOSE, deadlines, close)     \
    X(GRACE, orphan, grace)

enum policy_limit {
    LIMIT_NONE,
#define X(name, section, field) LIMIT_##name,
    POLICY_LIMITS(X)
#undef X
};

struct policy;
uint32_t policy_limit(const struct policy *p, enum policy_limit limit); /* of NONE 0 */

#endif
