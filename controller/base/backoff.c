/* SPDX-License-Identifier: MIT */
#include "controller/base/backoff.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

uint64_t backoff_random(void)
{
    uint64_t n;
    /* glibc has a function for it since 2.25 only */
    if (syscall(SYS_getrandom, &n, sizeof n, 0) != (long)sizeof n) {
        fputs("xenrecon: the kernel gives no random numbers\n", stderr); /* only one before 3.17 does not */
        abort();
    }
    return n;
}

uint64_t backoff_jittered(uint64_t delay, uint64_t random)
{
    return delay - delay / 4 + random % (delay / 2 + 1);
}

uint64_t backoff(uint32_t initial, uint32_t max, unsigned failures, uint64_t random)
{
    uint64_t delay = initial;
    for (unsigned i = 1; i < failures && delay < max; i++)
        delay *= 2;
    return backoff_jittered(delay < max ? delay : max, random);
}
