/* SPDX-License-Identifier: MIT */
/* Attaches disks as libxl does, each in one transaction with all its keys, and takes the time. */
#include "test/rig/client.h"

static const char usage[] =
    "usage: attach burst DOMID GUESTS FIRST DISKS PARAMS [--await]   of each guest from DOMID on; prints "
    "the\n"
    "           microseconds that writing took and, with --await, those to the last InitWait\n"
    "       attach each DOMID FIRST DISKS PARAMS   one after the other, each awaited; prints each one's\n";

enum { PATIENCE = 120000 }; /* milliseconds */

static long long now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The number that libxl gives the n-th disk, xvda and so on: QEMU takes no other. */
static unsigned int number_of(unsigned int n)
{
    return n < 16 ? 202U << 8 | n << 4 : 1U << 28 | n << 8;
}

static void b_of(char path[PATH_SIZE], unsigned int domid, unsigned int disk)
{
    format_path(path, "/local/domain/0/backend/qdisk/%u/%u", domid, number_of(disk));
}

static void make_dir(xs_transaction_t t, const char *path, unsigned int owner, unsigned int reader)
{
    struct xs_permissions perms[] = {{.id = owner, .perms = XS_PERM_NONE},
                                     {.id = reader, .perms = XS_PERM_READ}};

    if (!xs_mkdir(xs, t, path) || !xs_set_permissions(xs, t, path, perms, 2))
        err(1, "mkdir %s", path);
}

/* xvda, xvdb, ... xvdaa */
static void disk_name(char name[PATH_SIZE], unsigned int disk)
{
    if (disk < 26)
        format_path(name, "xvd%c", 'a' + (int)disk);
    else
        format_path(name, "xvd%c%c", 'a' + (int)(disk / 26 - 1) % 26, 'a' + (int)(disk % 26));
}

static void put_device(xs_transaction_t t, unsigned int domid, unsigned int disk, const char *image)
{
    static const char *const constant[][2] = {
        {"online", "1"},         {"removable", "0"},       {"bootable", "1"},
        {"state", "1"},          {"type", "qdisk"},        {"mode", "w"},
        {"device-type", "disk"}, {"specification", "xen"}, {"discard-enable", "0"}};
    char b[PATH_SIZE], f[PATH_SIZE], params[PATH_SIZE], dev[PATH_SIZE];

    b_of(b, domid, disk);
    format_path(f, "/local/domain/%u/device/vbd/%u", domid, number_of(disk));
    make_dir(t, f, domid, 0);
    put_key(t, f, "backend", b);
    put_number(t, f, "backend-id", 0);
    put_number(t, f, "state", 1);
    put_number(t, f, "virtual-device", number_of(disk));
    put_key(t, f, "device-type", "disk");
    make_dir(t, b, 0, domid);
    put_key(t, b, "frontend", f);
    put_number(t, b, "frontend-id", domid);
    format_path(params, "%s%u.%u", image, domid, disk);
    put_key(t, b, "params", params);
    disk_name(dev, disk);
    put_key(t, b, "dev", dev);
    for (size_t i = 0; i < sizeof(constant) / sizeof(*constant); i++)
        put_key(t, b, constant[i][0], constant[i][1]);
}

static void attach(unsigned int domid, unsigned int disk, const char *image)
{
    xs_transaction_t t;

    do {
        t = begin();
        put_device(t, domid, disk, image);
    } while (!commit(t));
}

static bool init_wait(unsigned int domid, unsigned int disk)
{
    char path[PATH_SIZE];
    char *state;
    bool is;

    b_of(path, domid, disk);
    strncat(path, "/state", sizeof path - strlen(path) - 1);
    state = get(XBT_NULL, path);
    is = state && strcmp(state, "2") == 0;
    free(state);
    return is;
}

/* Returns when it is InitWait. Watches no more than this one's state. */
static void await(unsigned int domid, unsigned int disk)
{
    char path[PATH_SIZE];
    long long deadline = now_ms() + PATIENCE;
    char **event;

    b_of(path, domid, disk);
    strncat(path, "/state", sizeof path - strlen(path) - 1);
    watch(path, path);
    while (!init_wait(domid, disk)) {
        if (!(event = next_event(deadline)))
            errx(1, "%s is not InitWait after %d s", path, PATIENCE / 1000);
        free(event);
    }
    if (!xs_unwatch(xs, path, path))
        err(1, "unwatch");
}

/* They are served about in order: most often only the last one is waited for, and then it was the last. */
static long long await_all(unsigned int from, unsigned int guests, unsigned int first, unsigned int disks)
{
    long long at = 0;

    for (unsigned int g = guests; g--;)
        for (unsigned int d = disks; d--;)
            if (at == 0 || !init_wait(from + g, first + d)) {
                await(from + g, first + d);
                at = now_us();
            }
    return at;
}

static void run_burst(char **argv, bool awaiting)
{
    unsigned int from = parse_number("domain", argv[0]), guests = parse_number("guests", argv[1]);
    unsigned int first = parse_number("disk", argv[2]), disks = parse_number("disks", argv[3]);
    long long begun = now_us(), written;

    for (unsigned int domid = from; domid < from + guests; domid++)
        for (unsigned int disk = first; disk < first + disks; disk++)
            attach(domid, disk, argv[4]);
    written = now_us() - begun;
    if (awaiting)
        printf("%lld %lld\n", written, await_all(from, guests, first, disks) - begun);
    else
        printf("%lld\n", written);
}

static void run_each(char **argv)
{
    unsigned int domid = parse_number("domain", argv[0]), first = parse_number("disk", argv[1]);
    unsigned int n = parse_number("disks", argv[2]);

    for (unsigned int disk = first; disk < first + n; disk++) {
        long long begun = now_us();

        attach(domid, disk, argv[3]);
        await(domid, disk);
        printf("%lld\n", now_us() - begun);
    }
}

int main(int argc, char **argv)
{
    bool awaiting = argc == 8 && strcmp(argv[7], "--await") == 0;

    client_open();
    if ((argc == 7 || awaiting) && strcmp(argv[1], "burst") == 0)
        run_burst(argv + 2, awaiting);
    else if (argc == 6 && strcmp(argv[1], "each") == 0)
        run_each(argv + 2);
    else
        return fputs(usage, stderr), EXIT_USAGE;
    return 0;
}
