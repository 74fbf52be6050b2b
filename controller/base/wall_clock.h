/* SPDX-License-Identifier: MIT */
/* The calendar's time, for people: it may jump. Milliseconds since 1970. Any thread. */
#ifndef XENRECON_WALL_CLOCK_H
#define XENRECON_WALL_CLOCK_H

#include <stdint.h>

uint64_t wall_clock(void);

#endif
