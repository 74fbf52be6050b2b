/* SPDX-License-Identifier: MIT */
#include "controller/store/store_ability.h"

#include <errno.h>
#include <string.h>

#include "controller/base/log.h"

enum { TRIES = 3 }; /* refusals in a row that count where one may be an accident */

static const struct {
    const char *name, *instead;
    bool weaker; /* something that we promise no longer holds */
} abilities[STORE_ABILITIES] = {
    [ABILITY_INTRODUCED] = {"introduced",
                            "does not say which domains are there: their directories are read instead",
                            false},
    [ABILITY_PARTS] = {"parts",
                       "does not list directories in parts: what is in one that is too long for a message is "
                       "found when something happens to it",
                       true},
    [ABILITY_TRANSACTIONS] =
        {"transactions",
         "has no transactions: devices are written one by one, without the certainty that "
         "nobody else writes meanwhile",
         true},
    [ABILITY_ISOLATION] = {"isolation",
                           "shows what a transaction writes before its end: devices are written one by one, "
                           "without the certainty that nobody else writes meanwhile",
                           true},
    [ABILITY_PARALLEL] = {"parallel-transactions",
                          "has one transaction at a time: ours wait for those of others", false},
};

const char *store_ability_name(enum store_ability a)
{
    return abilities[a].name;
}

void store_has(struct store_abilities *s, enum store_ability a)
{
    s->proven |= (uint8_t)(1U << a);
    s->refusals[a] = 0;
}

void store_has_not(struct store_abilities *s, enum store_ability a, const char *why)
{
    if (store_lacks(s, a))
        return;
    s->lacking |= (uint8_t)(1U << a);
    if (abilities[a].weaker)
        log_warning("the store %s (%s)", abilities[a].instead, why);
    else
        log_info("the store %s (%s)", abilities[a].instead, why);
}

/* Errors of a store that does not know such a request, or does not allow it; not those of a bad moment. */
static bool refusal(int status)
{
    return status == -ENOSYS || status == -EINVAL || status == -EACCES || status == -EPERM ||
           status == -EROFS || status == -EIO || status == -ETIMEDOUT;
}

/* Without transactions everything is harder to promise, so it takes more to believe that there are none. */
static unsigned needed(const struct store_abilities *s, enum store_ability a, int status)
{
    bool proven = s->proven >> a & 1;
    if (proven && status == -ETIMEDOUT) /* an answer was lost */
        return UINT8_MAX;
    return !proven && (a != ABILITY_TRANSACTIONS || status == -ENOSYS) ? 1 : TRIES;
}

void store_judge(struct store_abilities *s, enum store_ability a, int status)
{
    if (status == 0)
        store_has(s, a);
    if (!refusal(status))
        return;
    if (s->refusals[a] < UINT8_MAX - 1)
        s->refusals[a]++;
    if (s->refusals[a] >= needed(s, a, status))
        store_has_not(s, a, status == -ETIMEDOUT ? "no answer" : strerror(-status));
}
