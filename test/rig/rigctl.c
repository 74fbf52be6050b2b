/* SPDX-License-Identifier: MIT */
/* What Xen does to domains, by hand. See rig.h for what is where. */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xen/xen.h>

#include "test/rig/client.h"
#include "test/rig/rig.h"

static const char usage[] =
    "usage: rigctl COMMAND\n"
    "  create DOMID       gives it memory; `ring DOMID` can be started then\n"
    "  state DOMID WORD   running, paused, shutdown, crashed or dying, and the store is told to look\n"
    "  destroy DOMID      takes all away; returns when the store has let go of the domain, too. What plays\n"
    "                     the domain should have been ended before\n"
    "  introduced DOMID   T or F, as the store says\n";

enum { PAGES = 1024 };

static int open_file(unsigned int domid, const char *what, int flags)
{
    char path[RIG_PATH];
    int fd = rig_path(path, "dom%u.%s", domid, what) ? open(path, flags | O_CLOEXEC, 0600) : -1;

    if (fd < 0)
        err(1, "domain %u: %s", domid, what);
    return fd;
}

static void remove_file(unsigned int domid, const char *what)
{
    char path[RIG_PATH];

    if (!rig_path(path, "dom%u.%s", domid, what) || (unlink(path) != 0 && errno != ENOENT))
        err(1, "domain %u: %s", domid, what);
}

static void set_state(unsigned int domid, const char *word)
{
    int fd = open_file(domid, "state", O_WRONLY | O_CREAT | O_TRUNC);

    if (dprintf(fd, "%s\n", word) < 0)
        err(1, "domain %u: state", domid);
    close(fd);
}

static void tell_store(void)
{
    if (rig_raise_virq(0, VIRQ_DOM_EXC) != 0)
        err(1, "VIRQ_DOM_EXC");
}

static void create(unsigned int domid)
{
    int fd;

    remove_file(domid, "mem"); /* of an earlier one, which somebody may still have mapped */
    fd = open_file(domid, "mem", O_RDWR | O_CREAT | O_EXCL);
    if (ftruncate(fd, (off_t)PAGES * RIG_PAGE) != 0)
        err(1, "domain %u: memory", domid);
    close(fd);
    set_state(domid, "running");
}

static void destroy(unsigned int domid)
{
    long long deadline = now_ms() + 10000;

    set_state(domid, "gone"); /* first: nobody binds or maps any more */
    if (rig_close_ports(domid) != 0)
        err(1, "event channels");
    remove_file(domid, "mem");
    remove_file(domid, "socket");
    tell_store();
    client_open();
    while (xs_is_domain_introduced(xs, domid)) {
        if (now_ms() > deadline)
            errx(1, "the store does not let go of domain %u", domid);
        usleep(1000);
    }
}

int main(int argc, char **argv)
{
    const char *command = argc > 2 ? argv[1] : "";
    unsigned int domid = argc > 2 ? parse_number("domain", argv[2]) : 0;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (strcmp(command, "create") == 0 && argc == 3) {
        create(domid);
    } else if (strcmp(command, "destroy") == 0 && argc == 3) {
        destroy(domid);
    } else if (strcmp(command, "state") == 0 && argc == 4) {
        set_state(domid, argv[3]);
        tell_store();
    } else if (strcmp(command, "introduced") == 0 && argc == 3) {
        client_open();
        puts(xs_is_domain_introduced(xs, domid) ? "T" : "F");
    } else {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    return 0;
}
