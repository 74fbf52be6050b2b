/* SPDX-License-Identifier: MIT */
/* The policies of simulated worlds. They outlive them: whoever runs a million lives reads each of them once,
 * and the engine that takes one over does not free it. */
#ifndef XENRECON_SIM_POLICY_H
#define XENRECON_SIM_POLICY_H

#include "schemas/policy/policy.h"
#include "test/sim/sim_schedule.h"

/* What a reload may bring, by the number of its step. */
enum sim_variant {
    VARIANT_FIRST,  /* the policy that the world begins with */
    VARIANT_NONE,   /* none */
    VARIANT_OWNER,  /* another owner, who writes nothing of ours */
    VARIANT_WORKER, /* with a worker or scripts if there were none, and without if there were */
    VARIANT_VALUES, /* other values of the rest */
    VARIANTS,
};

/* Reads those that a world may need, so that nothing of them is made in it. */
void sim_policies_prepare(const struct sim_setup *setup);
/* Adds the policy, if the variant has one. */
void sim_policies_add(const struct sim_setup *setup, enum sim_variant variant, struct policy_set *set);
void sim_policies_free(void);

#endif
