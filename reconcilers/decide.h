/* SPDX-License-Identifier: MIT */
/* The decision core: one function, used by the daemon, by `plan`, by `explain` and by the tests. It reads no
 * clock, does no I/O, logs nothing and keeps nothing. */
#ifndef XENRECON_DECIDE_H
#define XENRECON_DECIDE_H

#include "reconcilers/object.h"
#include "reconcilers/worker.h"
#include "schemas/plan.h"
#include "schemas/policy/policy.h"
#include "schemas/view.h"

struct decision_input {
    const struct policy *policy;
    const struct view *view;     /* sealed */
    const struct memory *memory; /* zeroes for a device that was never seen */
    const struct worker *worker; /* NULL: the policy wants none, or none is run (`plan`) */
    uint64_t now;                /* milliseconds, from 1; 0: time is unknown (`plan` without a daemon) */
    uint64_t fresh_incarnation;  /* for a marker, if one must be made; 0 in a report: prints as "<new>" */
};

/* What was decided, for plan_free(); and what the daemon must remember *once the plan's actions have
 * succeeded*. */
struct plan *decide(const struct decision_input *in, struct object *ret_object);

/* Is the row in the table of this owner's devices? */
bool row_belongs(enum row row, enum owner owner);

#endif
