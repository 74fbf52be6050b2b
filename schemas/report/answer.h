/* SPDX-License-Identifier: MIT */
/* What somebody who asks about one device wants to hear first: how it is, who is waited for and since when,
 * which key that hangs on, by which rule, and what would end it. Values. */
#ifndef XENRECON_ANSWER_H
#define XENRECON_ANSWER_H

#include "schemas/report/report.h"

/* What would end a finding (struct finding's `ends`). */
struct ending {
    enum {
        ENDING_UNKNOWN, /* nothing single */
        ENDING_KEY,     /* `key` of `side` is `value`; NULL: what the policy asks for; "": it is removed */
        ENDING_REMOVAL, /* of B */
        ENDING_WORKER,
    } kind;
    enum side side;
    const char *key, *value; /* the key in the arena */
};
struct ending ending_of(const struct finding *f, struct arena *a);

/* What the plan says first of all; NULL: it finds nothing. */
const struct finding *answer_finding(const struct plan *p);

/* `device` is of the report, decided by that policy from that view. */
void report_print_answer(const struct report *r, const struct report_device *device,
                         const struct policy *policy, const struct view *view, FILE *to);

#endif
