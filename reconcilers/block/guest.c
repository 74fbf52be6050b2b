/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/guest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xenevtchn.h>
#include <xengnttab.h>

#include "schemas/mem.h"

enum { COPIES_MAX = 512 /* in one hypercall's worth; two requests of the greatest size */ };

struct guest {
    xengnttab_handle *grants;
    xenevtchn_handle *events;
    uint16_t domid;
    void *pages;
    unsigned n_pages;
    xenevtchn_port_or_error_t port; /* -1: none */
    unsigned n_copies;
    xengnttab_grant_copy_segment_t copies[COPIES_MAX];
    bool *failed[COPIES_MAX];
};

int guest_open(uint16_t domid, struct guest **ret_guest, char ret_why[256])
{
    struct guest *g = xcalloc(1, sizeof *g);
    const char *what = "grants (/dev/xen/gntdev)";
    g->domid = domid;
    g->port = -1;
    g->grants = xengnttab_open(NULL, 0);
    if (g->grants) {
        what = "event channels (/dev/xen/evtchn)";
        g->events = xenevtchn_open(NULL, 0);
    }
    if (g->events) {
        what = "restricting event channels to the guest";
        if (xenevtchn_restrict(g->events, domid) == 0) {
            *ret_guest = g;
            return 0;
        }
    }
    int error = errno ? errno : EIO;
    snprintf(ret_why, 256, "%s: %s", what, strerror(error));
    guest_close(g);
    return -error;
}

void guest_close(struct guest *g)
{
    if (!g)
        return;
    if (g->grants && g->events)
        guest_release(g);
    if (g->events)
        xenevtchn_close(g->events);
    if (g->grants)
        xengnttab_close(g->grants);
    free(g);
}

int guest_map(struct guest *g, const uint32_t *refs, unsigned n, void **ret_pages)
{
    uint32_t copy[8];
    if (g->pages || n > sizeof copy / sizeof *copy)
        return -EINVAL;
    memcpy(copy, refs, n * sizeof *copy);
    void *pages = n == 1
                      ? xengnttab_map_grant_ref(g->grants, g->domid, refs[0], PROT_READ | PROT_WRITE)
                      : xengnttab_map_domain_grant_refs(g->grants, n, g->domid, copy, PROT_READ | PROT_WRITE);
    if (!pages)
        return errno ? -errno : -EIO;
    g->pages = *ret_pages = pages;
    g->n_pages = n;
    return 0;
}

int guest_bind(struct guest *g, uint32_t remote_port)
{
    if (g->port >= 0)
        return -EINVAL;
    g->port = xenevtchn_bind_interdomain(g->events, g->domid, remote_port);
    return g->port >= 0 ? 0 : -errno;
}

void guest_release(struct guest *g)
{
    if (g->port >= 0)
        xenevtchn_unbind(g->events, (evtchn_port_t)g->port);
    if (g->pages)
        xengnttab_unmap(g->grants, g->pages, g->n_pages);
    g->port = -1;
    g->pages = NULL;
}

void guest_copy(struct guest *g, enum guest_copy direction, uint32_t ref, uint16_t offset, uint16_t len,
                void *local, bool *failed)
{
    xengnttab_grant_copy_segment_t *c = &g->copies[g->n_copies];
    union xengnttab_copy_ptr theirs = {.foreign = {.ref = ref, .offset = offset, .domid = g->domid}};
    union xengnttab_copy_ptr ours = {.virt = local};
    *c = (xengnttab_grant_copy_segment_t){.len = len, .status = GNTST_general_error};
    c->flags = direction == GUEST_COPY_IN ? GNTCOPY_source_gref : GNTCOPY_dest_gref;
    c->source = direction == GUEST_COPY_IN ? theirs : ours;
    c->dest = direction == GUEST_COPY_IN ? ours : theirs;
    g->failed[g->n_copies++] = failed;
    if (g->n_copies == COPIES_MAX)
        guest_copy_all(g);
}

void guest_copy_all(struct guest *g)
{
    if (g->n_copies == 0)
        return;
    bool none = xengnttab_grant_copy(g->grants, g->n_copies, g->copies) != 0;
    for (unsigned i = 0; i < g->n_copies; i++)
        if (none || g->copies[i].status != GNTST_okay)
            *g->failed[i] = true;
    g->n_copies = 0;
}

int guest_fd(const struct guest *g)
{
    return xenevtchn_fd(g->events);
}

bool guest_pending(struct guest *g)
{
    xenevtchn_port_or_error_t port = xenevtchn_pending(g->events);
    return port >= 0 && port == g->port;
}

void guest_unmask(struct guest *g)
{
    if (g->port >= 0)
        xenevtchn_unmask(g->events, (evtchn_port_t)g->port);
}

void guest_notify(struct guest *g)
{
    if (g->port >= 0)
        xenevtchn_notify(g->events, (evtchn_port_t)g->port);
}
