/* SPDX-License-Identifier: MIT */
/* Random numbers, and pauses that depend on them: things that failed together are not tried again together.
 * Any thread; nothing here fails. */
#ifndef XENRECON_BACKOFF_H
#define XENRECON_BACKOFF_H

#include <stdint.h>

uint64_t backoff_random(void); /* from the kernel */

/* The delay, give or take a quarter. */
uint64_t backoff_jittered(uint64_t delay, uint64_t random);

/* How long to wait after so many failures in a row, jittered: `initial`, twice as long each time, but `max`
 * at most. Milliseconds. */
uint64_t backoff(uint32_t initial, uint32_t max, unsigned failures, uint64_t random);

#endif
