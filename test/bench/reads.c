/* SPDX-License-Identifier: MIT */
/* Makes the requests that it reads from standard input, `READ path` or `DIRECTORY path` a line, and prints
 * the microseconds that they took: the floor of a resync, or what it would take without pipelining. */
#include <stdio.h>
#include <xenstore.h>

#include "test/bench/wire.h"

struct request {
    bool directory;
    char *path;
};

static struct request *read_requests(size_t *ret_n)
{
    struct request *list = NULL;
    size_t n = 0, cap = 0;
    char type[16], path[512];

    while (scanf("%15s %511s", type, path) == 2) {
        if (n == cap) {
            struct request *larger = realloc(list, (cap = cap ? cap * 2 : 1024) * sizeof *list);

            if (!larger)
                err(1, "memory");
            list = larger;
        }
        list[n].directory = strcmp(type, "DIRECTORY") == 0;
        if (!(list[n++].path = strdup(path)))
            err(1, "memory");
    }
    *ret_n = n;
    return list;
}

static void pipelined(const struct request *list, size_t n, unsigned window)
{
    struct wire *w = wire_open(window);

    for (size_t i = 0; i < n; i++)
        wire_ask_path(w, list[i].directory ? XS_DIRECTORY : XS_READ, list[i].path);
    wire_close(w);
}

static void blocking(const struct request *list, size_t n)
{
    struct xs_handle *xs = xs_open(0);
    unsigned count;

    if (!xs)
        err(1, "xs_open");
    for (size_t i = 0; i < n; i++)
        free(list[i].directory ? (void *)xs_directory(xs, XBT_NULL, list[i].path, &count)
                               : xs_read(xs, XBT_NULL, list[i].path, &count));
    xs_close(xs);
}

int main(int argc, char **argv)
{
    size_t n;
    struct request *list = read_requests(&n);
    uint64_t begun;

    if (argc < 2 || n == 0)
        errx(64, "usage: reads pipelined [WINDOW] | reads blocking <REQUESTS");
    begun = now_us();
    if (strcmp(argv[1], "pipelined") == 0)
        pipelined(list, n, argc > 2 ? (unsigned)atoi(argv[2]) : WINDOW_MAX);
    else
        blocking(list, n);
    printf("%llu\n", (unsigned long long)(now_us() - begun));
    for (size_t i = 0; i < n; i++)
        free(list[i].path);
    free(list);
    return 0;
}
