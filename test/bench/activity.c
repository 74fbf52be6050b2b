/* SPDX-License-Identifier: MIT */
/* How long a process is at it: sends it a signal, or none, and prints the microseconds until the last time
 * that it read or wrote anything, when it has been quiet for a while.   activity PID SIGNAL|0 [QUIET-MS] */
#include <err.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STEP = 200 }; /* microseconds between looks */

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Changes with every read and every write. */
static unsigned long long moved(const char *path)
{
    unsigned long long in = 0, out = 0;
    FILE *f = fopen(path, "r");

    if (!f || fscanf(f, "rchar: %llu wchar: %llu", &in, &out) != 2)
        errx(1, "%s cannot be read", path);
    fclose(f);
    return in + out;
}

int main(int argc, char **argv)
{
    char path[64];

    if (argc < 3)
        errx(64, "usage: activity PID SIGNAL [QUIET-MS]");
    snprintf(path, sizeof path, "/proc/%d/io", atoi(argv[1]));
    uint64_t quiet = 1000 * strtoull(argc > 3 ? argv[3] : "300", NULL, 10);
    uint64_t begun = now_us(), last = begun;
    unsigned long long before = moved(path);
    if (atoi(argv[2]) && kill(atoi(argv[1]), atoi(argv[2])) != 0)
        err(1, "kill");
    while (now_us() - last < quiet) {
        unsigned long long at = moved(path);
        if (at != before)
            last = now_us();
        before = at;
        usleep(STEP);
    }
    printf("%llu\n", (unsigned long long)(last - begun));
    return 0;
}
