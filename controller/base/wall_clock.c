/* SPDX-License-Identifier: MIT */
#include "controller/base/wall_clock.h"

#include <time.h>

uint64_t wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
