/* SPDX-License-Identifier: MIT */
/* Grants and event channels between processes, with no store: domains 21 and 22 are this program's own.
 * Prints PASS and FAIL lines, and exits with 1 after one that failed. */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xen/grant_table.h>
#include <xenevtchn.h>
#include <xengnttab.h>

#include "test/rig/client.h"
#include "test/rig/rig.h"

enum { PAGES = 64, READ = PROT_READ, BOTH = PROT_READ | PROT_WRITE };

static int failures;

static void check(const char *what, bool ok)
{
    printf("%s %s\n", ok ? "PASS" : "FAIL", what);
    fflush(stdout);
    failures += !ok;
}

static void become(const char *domid)
{
    setenv("RIG_DOMID", domid, 1);
}

static bool failed(const void *result, int error)
{
    return !result && errno == error;
}

/* ---- grants ---- */

static struct rig_memory memory;
static xengnttab_handle *xgt;

static char *page_of(uint32_t page)
{
    return memory.base + (size_t)page * RIG_PAGE;
}

static void check_maps(void)
{
    uint32_t refs[] = {5, 6, 3}, domids[] = {21, 21, 21};
    char *p;

    rig_grant(&memory, 3, 0, false);
    rig_grant(&memory, 5, 0, true);
    rig_grant(&memory, 6, 0, true);
    rig_grant(&memory, 7, 22, false);
    for (int i = 3; i < 8; i++)
        snprintf(page_of((uint32_t)i), 8, "page %d", i);

    p = xengnttab_map_grant_ref(xgt, 21, 3, BOTH);
    check("map: the page", p && strcmp(p, "page 3") == 0);
    if (p)
        memcpy(p, "new 3", 6);
    check("map: both sides see it", strcmp(page_of(3), "new 3") == 0);
    rig_revoke(&memory, 3);
    check("map: outlives the grant",
          p && strcmp(p, "new 3") == 0 && failed(xengnttab_map_grant_ref(xgt, 21, 3, BOTH), EINVAL));
    check("unmap: not more than was mapped", xengnttab_unmap(xgt, p, 2) == -1 && errno == EINVAL);
    check("unmap", xengnttab_unmap(xgt, p, 1) == 0 && xengnttab_unmap(xgt, p, 1) == -1);

    rig_grant(&memory, 3, 0, false);
    p = xengnttab_map_domain_grant_refs(xgt, 3, 21, refs, READ);
    check("map of several: in the order asked for", p && strcmp(p, "page 5") == 0 &&
                                                        strcmp(p + RIG_PAGE, "page 6") == 0 &&
                                                        strcmp(p + (size_t)2 * RIG_PAGE, "new 3") == 0);
    check("unmap of several: not a part",
          xengnttab_unmap(xgt, p, 2) == -1 && xengnttab_unmap(xgt, p, 3) == 0);
    p = xengnttab_map_grant_refs(xgt, 3, domids, refs, READ);
    check("map of several of any domain",
          p && strcmp(p + (size_t)2 * RIG_PAGE, "new 3") == 0 && xengnttab_unmap(xgt, p, 3) == 0);
    check("map of several: one is not to be written",
          failed(xengnttab_map_domain_grant_refs(xgt, 3, 21, refs, BOTH), EINVAL));
    check("map: read only is enough to read",
          (p = xengnttab_map_grant_ref(xgt, 21, 5, READ)) && xengnttab_unmap(xgt, p, 1) == 0);
    check("map: granted to another", failed(xengnttab_map_grant_ref(xgt, 21, 7, READ), EINVAL));
    check("map: never granted", failed(xengnttab_map_grant_ref(xgt, 21, 8, READ), EINVAL));
    check("map: beyond the memory", failed(xengnttab_map_grant_ref(xgt, 21, PAGES, READ), EINVAL));
    check("map: of no such domain", failed(xengnttab_map_grant_ref(xgt, 29, 3, READ), EINVAL));
}

enum { IN = GNTCOPY_source_gref, OUT = GNTCOPY_dest_gref };

static int copy(xengnttab_grant_copy_segment_t s, int flags)
{
    s.flags = (uint16_t)flags;
    s.status = 1;
    return xengnttab_grant_copy(xgt, 1, &s) == 0 ? s.status : -1000 - errno;
}

#define GRANTED(page, at) .foreign = {page, at, 21}

static void check_copies(void)
{
    char local[2 * RIG_PAGE] = "", text[] = "copied";
    xengnttab_grant_copy_segment_t two[] = {
        {.source = {GRANTED(8, 0)}, .dest.virt = local, .len = 5, .flags = IN},
        {.source = {GRANTED(6, 0)}, .dest.virt = local + RIG_PAGE - 3, .len = 7, .flags = IN}};

    check("copy: in",
          copy((xengnttab_grant_copy_segment_t){.source = {GRANTED(5, 5)}, .dest.virt = local, .len = 2},
               IN) == 0 &&
              strcmp(local, "5") == 0);
    check("copy: out", copy((xengnttab_grant_copy_segment_t){.source.virt = text,
                                                             .dest = {GRANTED(3, RIG_PAGE - 7)},
                                                             .len = 7},
                            OUT) == 0 &&
                           strcmp(page_of(3) + RIG_PAGE - 7, "copied") == 0);
    check("copy: from grant to grant",
          copy((xengnttab_grant_copy_segment_t){.source = {GRANTED(5, 0)}, .dest = {GRANTED(3, 8)}, .len = 7},
               IN | OUT) == 0 &&
              strcmp(page_of(3) + 8, "page 5") == 0);
    check("copy: a status for each segment", xengnttab_grant_copy(xgt, 2, two) == 0 &&
                                                 two[0].status == GNTST_general_error && two[1].status == 0 &&
                                                 strcmp(local + RIG_PAGE - 3, "page 6") == 0);
    check("copy: not to a page that is to be read only",
          copy((xengnttab_grant_copy_segment_t){.source.virt = text, .dest = {GRANTED(5, 0)}, .len = 7},
               OUT) == GNTST_general_error &&
              strcmp(page_of(5), "page 5") == 0);
    check("copy: granted to another",
          copy((xengnttab_grant_copy_segment_t){.source = {GRANTED(7, 0)}, .dest.virt = local, .len = 1},
               IN) == GNTST_general_error);
    check("copy: beyond the memory",
          copy((xengnttab_grant_copy_segment_t){.source = {GRANTED(PAGES, 0)}, .dest.virt = local, .len = 1},
               IN) == GNTST_bad_gntref);
    check("copy: of no such domain",
          copy((xengnttab_grant_copy_segment_t){.source.foreign = {3, 0, 29}, .dest.virt = local, .len = 1},
               IN) == GNTST_bad_domain);
    check(
        "copy: a whole page",
        copy((xengnttab_grant_copy_segment_t){.source = {GRANTED(5, 0)}, .dest.virt = local, .len = RIG_PAGE},
             IN) == 0);
    check(
        "copy: out of the page",
        copy((xengnttab_grant_copy_segment_t){.source = {GRANTED(5, 1)}, .dest.virt = local, .len = RIG_PAGE},
             IN) == -1000 - EINVAL);
    check("copy: with no grant",
          copy((xengnttab_grant_copy_segment_t){.source.virt = text, .dest.virt = local, .len = 1}, 0) ==
              -1000 - EINVAL);
}

static void check_grants(void)
{
    char *p;

    if (rig_memory_create(21, PAGES, false) != 0 || rig_memory_open(21, &memory) != 0)
        err(1, "memory");
    xgt = xengnttab_open(NULL, 0);
    check_maps();
    check_copies();

    p = xengnttab_map_grant_ref(xgt, 21, 3, READ);
    rig_memory_destroy(21);
    check("a dead domain: what is mapped stays", p && strcmp(p, "new 3") == 0);
    check("a dead domain: no more",
          failed(xengnttab_map_grant_ref(xgt, 21, 3, READ), EINVAL) &&
              copy((xengnttab_grant_copy_segment_t){.source = {GRANTED(3, 0)}, .dest.virt = p, .len = 1},
                   IN) == GNTST_bad_domain);
    rig_memory_create(21, PAGES, true);
    rig_memory_open(21, &memory);
    memcpy(page_of(9), "another life", 13);
    p = xengnttab_map_grant_ref(xgt, 21, 9, BOTH);
    check("a domain of the same number: other memory, all of it granted",
          p && strcmp(p, "another life") == 0);
    xengnttab_close(xgt);
}

/* ---- event channels ---- */

/* The port of an event within so many milliseconds, unmasked again; or 0. */
static evtchn_port_t event(xenevtchn_handle *xce, int ms)
{
    struct pollfd p = {.fd = xenevtchn_fd(xce), .events = POLLIN};
    int port;

    if (poll(&p, 1, ms) != 1)
        return 0;
    port = xenevtchn_pending(xce);
    xenevtchn_unmask(xce, (evtchn_port_t)port);
    return (evtchn_port_t)port;
}

/* Domain 22 in another process: binds the port of domain 21, and answers each event with one. */
static pid_t start_echo(evtchn_port_t remote)
{
    pid_t pid = fork();
    xenevtchn_handle *xce;
    int port;

    if (pid != 0)
        return pid;
    become("22");
    xce = xenevtchn_open(NULL, 0);
    if (!xce || xenevtchn_restrict(xce, 21) != 0)
        _exit(1);
    port = xenevtchn_bind_interdomain(xce, 21, remote);
    if (port < 0)
        _exit(2);
    while (event(xce, 10000))
        xenevtchn_notify(xce, (evtchn_port_t)port);
    _exit(0);
}

static void kill_process(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void check_restrict(evtchn_port_t ours)
{
    xenevtchn_handle *xce;
    int port;

    become("22");
    xce = xenevtchn_open(NULL, 0);
    check("restrict: not to domain 0", xenevtchn_restrict(xce, 0) == -1 && errno == EINVAL);
    check("restrict: once",
          xenevtchn_restrict(xce, 21) == 0 && xenevtchn_restrict(xce, 23) == -1 && errno == EACCES);
    check("restrict: no other domain", xenevtchn_bind_interdomain(xce, 23, ours) == -1 && errno == EACCES);
    check("restrict: nothing but interdomain channels",
          xenevtchn_bind_unbound_port(xce, 21) == -1 && errno == EACCES &&
              xenevtchn_bind_virq(xce, 3) == -1 && errno == EACCES);
    port = xenevtchn_bind_interdomain(xce, 21, ours);
    check("restrict: that domain, as often as it comes",
          port > 0 && xenevtchn_unbind(xce, (evtchn_port_t)port) == 0 &&
              xenevtchn_bind_interdomain(xce, 21, ours) > 0);
    xenevtchn_close(xce);
    become("21");
}

static void check_masks(xenevtchn_handle *ours, evtchn_port_t port)
{
    struct pollfd p = {.fd = xenevtchn_fd(ours), .events = POLLIN};
    xenevtchn_handle *xce;
    evtchn_port_t bound, again;

    become("22");
    xce = xenevtchn_open(NULL, 0);
    become("21");
    bound = (evtchn_port_t)xenevtchn_bind_interdomain(xce, 21, port);
    check("bind: a first event", event(xce, 50) == bound);
    for (int i = 0; i < 5; i++)
        xenevtchn_notify(xce, bound);
    check("masked: five are one", xenevtchn_pending(ours) == (int)port && poll(&p, 1, 20) == 0);
    xenevtchn_unmask(ours, port);
    check("unmask: one more", event(ours, 50) == port && event(ours, 20) == 0);
    check("unmask: not another's port, and no error", xenevtchn_unmask(ours, bound) == 0);
    check("notify: not another's port", xenevtchn_notify(ours, bound) == -1 && errno == ENOTCONN);

    check("unbind: the far end is unbound",
          xenevtchn_unbind(ours, port) == 0 && xenevtchn_notify(xce, bound) == 0 && event(ours, 20) == 0);
    check("unbind: and can be bound again",
          (again = (evtchn_port_t)xenevtchn_bind_interdomain(ours, 22, bound)) > 0 &&
              event(ours, 50) == again);
    check("unbind: and works", xenevtchn_notify(ours, again) == 0 && event(xce, 50) == bound);
    xenevtchn_close(xce);
}

static void check_events(void)
{
    xenevtchn_handle *xce;
    evtchn_port_t port;
    pid_t echo;
    int n = 0;

    rig_memory_create(22, 2, true);
    become("21");
    xce = xenevtchn_open(NULL, 0);
    port = (evtchn_port_t)xenevtchn_bind_unbound_port(xce, 22);
    check("unbound: notify is no error", xenevtchn_notify(xce, port) == 0 && event(xce, 20) == 0);
    check("bind: not by another domain", xenevtchn_bind_interdomain(xce, 21, port) == -1 && errno == EINVAL);
    check("bind: no such port", xenevtchn_bind_interdomain(xce, 22, port + 1) == -1 && errno == EINVAL);

    echo = start_echo(port);
    check("two processes: an event", event(xce, 5000) == port);
    for (; n < 2000 && xenevtchn_notify(xce, port) == 0 && event(xce, 5000) == port; n++)
        continue;
    check("two processes: 2000 more, none lost", n == 2000);
    kill_process(echo);
    check("a killed peer: notify is no error", xenevtchn_notify(xce, port) == 0 && event(xce, 20) == 0);
    echo = start_echo(port);
    check("a killed peer: another process binds the same port", event(xce, 5000) == port);
    check("and gets events", xenevtchn_notify(xce, port) == 0 && event(xce, 5000) == port);
    kill_process(echo);

    check_restrict(port);
    event(xce, 0);
    check_masks(xce, port);
    rig_close_ports(21);
    check("a dead domain has no ports", xenevtchn_notify(xce, port) == -1 && errno == ENOTCONN);
    xenevtchn_close(xce);
}

int main(void)
{
    check_grants();
    check_events();
    return rig_memory_destroy(21) | rig_memory_destroy(22) || failures;
}
