/* SPDX-License-Identifier: MIT */
/* Where in its file a policy says what it says. */
#ifndef XENRECON_POLICY_LOCATE_H
#define XENRECON_POLICY_LOCATE_H

#include "schemas/policy/limit.h"
#include "schemas/policy/policy.h"

/* The line of a field in one of the file's sections, from 1; 0: it is not there, and has its default. */
unsigned policy_line(const struct policy *p, const char *section, const char *field);

/* The section and the field of a limit; not of NONE. */
struct policy_field {
    const char *section, *field;
};
struct policy_field policy_limit_field(enum policy_limit limit);

#endif
