/* SPDX-License-Identifier: MIT */
/* What Xen does to domains, by hand. See rig.h for what is where. */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xen/grant_table.h>

#include "test/rig/client.h"
#include "test/rig/rig.h"

static const char usage[] =
    "usage: rigctl COMMAND\n"
    "  create DOMID [PAGES [grants]]  gives it memory (1024 pages); `ring DOMID` can be started then. "
    "`grants`: others\n"
    "                                 get at no page but that of the store, until it is granted\n"
    "  grant DOMID PAGE TO [ro]       lets domain TO map the page or copy, by the reference of the same "
    "number\n"
    "  revoke DOMID PAGE              what is mapped stays mapped\n"
    "  maps DOMID                     which of its pages others have mapped\n"
    "  state DOMID WORD               running, paused, shutdown, crashed or dying, and the store is told to "
    "look\n"
    "  destroy DOMID                  takes all away; returns when the store has let go of the domain, too. "
    "What\n"
    "                                 plays the domain should have been ended before\n"
    "  introduced DOMID               T or F, as the store says\n";

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

static void create(unsigned int domid, unsigned int pages, bool grants)
{
    struct rig_memory memory;

    if (rig_memory_create(domid, pages, !grants) != 0 || rig_memory_open(domid, &memory) != 0 ||
        rig_grant(&memory, GNTTAB_RESERVED_XENSTORE, 0, false) != 0)
        err(1, "domain %u: memory", domid);
    set_state(domid, "running");
}

static void grant(unsigned int domid, unsigned int page, const char *to, bool read_only)
{
    struct rig_memory memory;

    if (rig_memory_open(domid, &memory) != 0 ||
        (to ? rig_grant(&memory, page, parse_number("domain", to), read_only) : rig_revoke(&memory, page)) !=
            0)
        err(1, "domain %u: page %u", domid, page);
}

/* The kernel knows, whatever became of who mapped it. */
static void print_maps(const char *pid, const char *file)
{
    char name[300], line[PATH_SIZE], path[PATH_SIZE];
    unsigned long from, to, offset;
    FILE *maps;

    snprintf(name, sizeof(name), "/proc/%s/maps", pid);
    maps = fopen(name, "re");
    while (maps && fgets(line, sizeof(line), maps)) {
        if (sscanf(line, "%lx-%lx %*s %lx %*s %*s %3000[^\n]", &from, &to, &offset, path) != 4 ||
            strncmp(path, file, strlen(file)) != 0)
            continue;
        for (; from < to; from += RIG_PAGE, offset += RIG_PAGE)
            printf("page %lu pid %s\n", offset / RIG_PAGE, pid);
    }
    if (maps)
        fclose(maps);
}

static void list_maps(unsigned int domid)
{
    char given[RIG_PATH], file[PATH_SIZE], *dir = rig_path(given, ".") ? realpath(given, NULL) : NULL;
    DIR *processes = opendir("/proc");
    struct dirent *e;

    if (!dir || !processes)
        err(1, "%s", dir ? "/proc" : "RIG_DIR");
    format_path(file, "%s/dom%u.granted", dir, domid);
    while ((e = readdir(processes)))
        if (*e->d_name >= '1' && *e->d_name <= '9')
            print_maps(e->d_name, file);
    closedir(processes);
    free(dir);
}

static void destroy(unsigned int domid)
{
    long long deadline = now_ms() + 10000;

    set_state(domid, "gone"); /* first: nobody binds or maps any more */
    if (rig_close_ports(domid) != 0)
        err(1, "event channels");
    if (rig_memory_destroy(domid) != 0)
        err(1, "domain %u: memory", domid);
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
    if (strcmp(command, "create") == 0 && argc <= 5 && (argc < 5 || strcmp(argv[4], "grants") == 0)) {
        create(domid, argc > 3 ? parse_number("pages", argv[3]) : 1024, argc > 4);
    } else if (strcmp(command, "grant") == 0 && (argc == 5 || (argc == 6 && strcmp(argv[5], "ro") == 0))) {
        grant(domid, parse_number("page", argv[3]), argv[4], argc == 6);
    } else if (strcmp(command, "revoke") == 0 && argc == 4) {
        grant(domid, parse_number("page", argv[3]), NULL, false);
    } else if (strcmp(command, "maps") == 0 && argc == 3) {
        list_maps(domid);
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
