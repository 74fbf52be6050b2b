/* SPDX-License-Identifier: MIT */
/* Every schedule of a small world: depth first, each state once. An engine cannot be copied, so that another
 * way from a state on begins again from the start. */
#ifndef XENRECON_SIM_SEARCH_H
#define XENRECON_SIM_SEARCH_H

#include "test/sim/sim_schedule.h"

struct sim_searched {
    uint64_t schedules; /* that were run from the start */
    uint64_t states, steps, rests;
    bool complete;
};

/* Goes on until it was everywhere, or the clock (seconds) is at `until`. False: *ret_failing fails. */
bool sim_search(const struct sim_setup *setup, double until, double (*clock)(void),
                struct sim_searched *figures, struct sim_schedule *ret_failing);

#endif
