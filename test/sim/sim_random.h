/* SPDX-License-Identifier: MIT */
/* Long schedules made of chance, with whatever may go wrong in them; and the way from one that fails to the
 * shortest that does. */
#ifndef XENRECON_SIM_RANDOM_H
#define XENRECON_SIM_RANDOM_H

#include "test/sim/sim_schedule.h"

struct sim_figures {
    uint64_t schedules, steps, commits, tasks;
};

/* The schedule of a seed. False: it fails; then *ret_failing, for sim_schedule_free(). */
bool sim_random_run(uint64_t seed, struct sim_figures *figures, struct sim_schedule *ret_failing);
/* What is wrong with it in the end, or an empty text. `export`: a folder for sim_export(), or NULL. */
void sim_replay(const struct sim_schedule *s, bool verbose, const char *export, char ret_failed[static 512]);
void sim_shrink(struct sim_schedule *s);

#endif
