/* SPDX-License-Identifier: MIT */
#ifndef XENRECON_SIM_H
#define XENRECON_SIM_H

#include <stdbool.h>

extern bool sim_verbose; /* print what the engine says */

#endif
