/* SPDX-License-Identifier: MIT */
/* Every schedule of a small world: depth first, each state once. For another way on from a state the whole
 * heap is brought back as it was there. */
#ifndef XENRECON_SIM_SEARCH_H
#define XENRECON_SIM_SEARCH_H

#include "test/sim/sim_schedule.h"

struct sim_searched {
    uint64_t schedules; /* that differ, each up to where another had been */
    uint64_t states, steps, rests;
    bool complete;
};

/* Goes on until it was everywhere, or has made so many steps: every machine finds the same. False:
 * *ret_failing fails. */
bool sim_search(const struct sim_setup *setup, uint64_t steps, struct sim_searched *figures,
                struct sim_schedule *ret_failing);

#endif
