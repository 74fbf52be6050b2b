/* SPDX-License-Identifier: MIT */
/* Fills the store, or keeps it busy, as fast as one client can. */
#include <stdio.h>

#include "test/bench/wire.h"

static const char usage[] =
    "usage: load devices DOMID GUESTS DEVID DEVICES STATE [TYPE]   of each guest from DOMID on, in no "
    "transaction\n"
    "       load remove DOMID GUESTS   the disks of each, and the guest\n"
    "       load flood MILLISECONDS PATH VALUE...   writes the values in turn; prints how many writes\n";

static void put(struct wire *w, const char *directory, const char *key, const char *value)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", directory, key);
    wire_write(w, path, value);
}

static void put_number(struct wire *w, const char *directory, const char *key, unsigned value)
{
    char text[16];
    snprintf(text, sizeof text, "%u", value);
    put(w, directory, key, text);
}

/* As attach.c does it, but for permissions: everything belongs to domain 0. */
static void put_device(struct wire *w, const char *type, unsigned domid, unsigned devid, const char *state)
{
    char b[256], f[256], params[64];

    snprintf(params, sizeof params, "raw:/disk.%u.%u", domid, devid);
    snprintf(b, sizeof b, "/local/domain/0/backend/%s/%u/%u", type, domid, devid);
    snprintf(f, sizeof f, "/local/domain/%u/device/%s/%u", domid, strcmp(type, "qdisk") ? type : "vbd",
             devid);
    put(w, f, "backend", b);
    put(w, f, "backend-id", "0");
    put(w, f, "state", state);
    put(w, f, "ring-ref", "8");
    put(w, f, "event-channel", "9");
    put(w, b, "frontend", f);
    put_number(w, b, "frontend-id", domid);
    put(w, b, "params", params);
    put(w, b, "mode", "w");
    put(w, b, "online", "1");
    put(w, b, "state", "1");
}

static int devices(char **argv, const char *type)
{
    unsigned from = (unsigned)atoi(argv[0]), guests = (unsigned)atoi(argv[1]);
    unsigned first = (unsigned)atoi(argv[2]), n = (unsigned)atoi(argv[3]);
    struct wire *w = wire_open(WINDOW_MAX);

    for (unsigned domid = from; domid < from + guests; domid++)
        for (unsigned devid = first; devid < first + n; devid++)
            put_device(w, type, domid, devid, argv[4]);
    return wire_close(w);
}

static int remove_devices(char **argv)
{
    unsigned from = (unsigned)atoi(argv[0]), guests = (unsigned)atoi(argv[1]);
    struct wire *w = wire_open(1);
    char path[128];

    for (unsigned domid = from; domid < from + guests; domid++) {
        snprintf(path, sizeof path, "/local/domain/0/backend/qdisk/%u", domid);
        wire_ask_path(w, XS_RM, path);
        snprintf(path, sizeof path, "/local/domain/%u", domid);
        wire_ask_path(w, XS_RM, path);
    }
    return wire_close(w);
}

static int flood(int n, char **argv)
{
    struct wire *w = wire_open(8);
    uint64_t end = now_us() + strtoull(argv[0], NULL, 10) * 1000;

    for (int i = 0; now_us() < end; i = (i + 1) % (n - 2))
        wire_write(w, argv[1], argv[2 + i]);
    wire_settle(w);
    printf("%llu\n", (unsigned long long)w->replies);
    return wire_close(w);
}

int main(int argc, char **argv)
{
    if ((argc == 7 || argc == 8) && strcmp(argv[1], "devices") == 0)
        return devices(argv + 2, argc == 8 ? argv[7] : "qdisk");
    if (argc >= 5 && strcmp(argv[1], "flood") == 0)
        return flood(argc - 2, argv + 2);
    if (argc == 4 && strcmp(argv[1], "remove") == 0)
        return remove_devices(argv + 2);
    fputs(usage, stderr);
    return 64;
}
