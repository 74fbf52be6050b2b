/* SPDX-License-Identifier: MIT */
/* Writes one node as fast as it can, with changing values, and says how often: what a guest may do to whoever
 * watches its frontend. */
#include "test/rig/client.h"

int main(int argc, char **argv)
{
    unsigned long writes = 0;
    long long end;

    if (argc < 4)
        errx(EXIT_USAGE, "usage: flood SECONDS PATH VALUE...");
    client_open();
    for (end = now_ms() + 1000LL * atoi(argv[1]); now_ms() < end; writes++)
        put(XBT_NULL, argv[2], argv[3 + writes % (unsigned long)(argc - 3)]);
    printf("%lu\n", writes);
    return 0;
}
