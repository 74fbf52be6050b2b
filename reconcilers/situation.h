/* SPDX-License-Identifier: MIT */
/* A situation: what the rows of the decision table look at, taken from the view once, and the plan that they
 * fill in. Predicates over it read as the table does. It lives for one decide(). */
#ifndef XENRECON_SITUATION_H
#define XENRECON_SITUATION_H

#include "reconcilers/decide.h"
#include "reconcilers/ends.h"

struct situation {
    const struct decision_input *in;
    const struct policy *policy;
    const struct view *view;
    struct value keys[COMMON_KEYS]; /* as the view has them */
    struct plan *plan;
    struct object object; /* as it becomes; the daemon remembers it */
    enum row row;         /* the row that is being decided */
    int online;           /* 1, 0; -1: absent */
    uint64_t frontend_id; /* from the key; without it, from the directory's name */
    enum xenbus_state b, f;
    bool f_active; /* F in InitWait..Closing, and its domain exists */
    bool marked;
    struct marker marker;
    struct worker worker; /* NONE without in->worker, and once it was released */
    bool unreadable;      /* a required value could not be read; a finding says which */
    bool front_unread;    /* F could not be read, and B is looked at without it; a finding says so */
    bool bad;             /* a value could not be understood; a finding says which */
};

/* What a row does: decide for it, or change the object and look again from the top. */
enum outcome {
    DECIDED,
    AGAIN,
};

struct rule {
    bool (*applies)(const struct situation *s);
    enum outcome (*act)(struct situation *s);
};

void situation_read(struct situation *s, const struct decision_input *in, struct plan *plan);

/* Runs the rules, indexed by enum row, in the table's order; rows without a rule are skipped. The last one
 * must always apply. Sets plan->row. */
void situation_decide(struct situation *s, const struct rule rules[static ROW_COUNT]);

/* Is this key of B there, and not empty? */
bool situation_has(const struct situation *s, const char *key);

/* A value as it may be shown in a message: printable, between quotes, cut when it is long. */
const char *situation_quote(struct situation *s, const struct value *v);

/* Since when the row has decided; `now` for one that begins to; 0 when time is unknown. */
uint64_t situation_since(const struct situation *s);

/* Says something about a row that has lasted as long as that limit, with that severity; before then it asks
 * to be woken. Where time is unknown it says it at once, with the severity `unaged`. NULL: nothing yet. */
struct finding *situation_overdue(struct situation *s, enum policy_limit which, enum finding_code code,
                                  enum severity aged, enum severity unaged, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

#endif
