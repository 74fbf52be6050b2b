/* SPDX-License-Identifier: MIT */
/* Chance, and pauses that depend on it: what failed together is not tried again together. */
#ifndef XENRECON_BACKOFF_H
#define XENRECON_BACKOFF_H

#include <stdint.h>

uint64_t random64(void); /* the kernel's */

/* Give or take a quarter. */
uint64_t jittered(uint64_t delay, uint64_t random);

/* How long to wait after so many failures in a row: `initial`, twice as long each time, `max` at most;
 * jittered.
 */
uint64_t backoff(uint32_t initial, uint32_t max, unsigned failures, uint64_t random);

#endif
