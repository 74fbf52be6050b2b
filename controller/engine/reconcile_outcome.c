/* SPDX-License-Identifier: MIT */
#include "controller/engine/reconcile_outcome.h"

const char *reconcile_outcome_name(enum reconcile_outcome outcome)
{
    static const char *const names[] = {[RECONCILE_DONE] = "done",
                                        [RECONCILE_FAILED] = "failed",
                                        [RECONCILE_CONFLICT] = "conflict",
                                        [RECONCILE_FOLLOWED] = "follows"};
    return names[outcome];
}
