/* SPDX-License-Identifier: MIT */
#include "controller/engine/domain_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/resync.h"
#include "controller/engine/workqueue.h"
#include "schemas/mem.h"

struct scan {
    struct engine *e;
    unsigned pending;
};
struct scanned {
    struct scan *s;
    uint16_t domid;
};

static void scan_end(struct scan *s)
{
    struct engine *e = s->e;
    if (--s->pending)
        return;
    free(s);
    bool again = e->scan == SCAN_AGAIN && engine_running(e);
    e->scan = SCAN_NONE;
    if (again)
        domain_scan_start(e);
    engine_wake_soon(e);
}

static void mark_of_domain(struct engine *e, uint16_t domid, unsigned dirty)
{
    struct device *d;
    LIST_FOREACH (d, &e->guests[domid].devices, of_guest)
        workqueue_add(e, d, d->seen ? dirty : DIRTY_ALL | DIRTY_LIKELY);
}

static void told(struct scanned *q)
{
    struct scan *s = q->s;
    free(q);
    scan_end(s);
}

/* What the domain's directory says less than IS_DOMAIN_INTRODUCED does: it stays until the toolstack removes
 * it, and a driver domain may not read it. F is gone by then. */
static void on_directory(void *arg, int status, const char *data, size_t len)
{
    struct scanned *q = arg;
    struct engine *e = q->s->e;
    bool told_nothing = status == 0 || (status == -EACCES && e->cfg.backend_domid != 0);
    (void)data;
    (void)len;
    mark_of_domain(e, q->domid, told_nothing ? DIRTY_F_STATE : DIRTY_ALL | DIRTY_LIKELY);
    told(q);
}

static void read_directory(struct scanned *q)
{
    char path[32];
    snprintf(path, sizeof path, "/local/domain/%u", q->domid);
    store_read(q->s->e->cfg.store, 0, path, on_directory, q);
}

static void on_introduced(void *arg, int status, const char *data, size_t len)
{
    struct scanned *q = arg;
    struct engine *e = q->s->e;
    store_judge(&e->cfg.store->abilities, ABILITY_INTRODUCED, status);
    if (status && !store_gone(status)) {
        read_directory(q);
        return;
    }
    if (status || len < 1 || data[0] != 'T')
        mark_of_domain(e, q->domid, DIRTY_ALL | DIRTY_LIKELY);
    told(q);
}

/* When a domain is released, xenstored removes the nodes that the domain owns, without an event for each. So
 * any F may be gone. */
void domain_scan_start(struct engine *e)
{
    if (e->scan != SCAN_NONE) {
        e->scan = SCAN_AGAIN;
        return;
    }
    struct scan *s = xcalloc(1, sizeof *s);
    *s = (struct scan){e, 1};
    e->scan = SCAN_RUNNING;
    for (unsigned domid = 1; domid <= DOMID_MAX; domid++) {
        if (LIST_EMPTY(&e->guests[domid].devices))
            continue;
        struct scanned *q = xcalloc(1, sizeof *q);
        *q = (struct scanned){s, (uint16_t)domid};
        s->pending++;
        if (store_lacks(&e->cfg.store->abilities, ABILITY_INTRODUCED))
            read_directory(q);
        else
            store_is_introduced(e->cfg.store, q->domid, on_introduced, q);
    }
    scan_end(s);
}

/* A device model came or went. What it claims is not for us, and what it claimed may be now. Of all that it
 * writes there, only `state` says which. */
void domain_scan_model_event(struct engine *e, const char *path)
{
    static const struct device_key everywhere;
    char root[BACKEND_PATH_SIZE];
    uint64_t domid;
    size_t n = (size_t)snprintf(root, sizeof root, "/local/domain/%u/device-model", e->cfg.backend_domid);
    if (strncmp(path, root, n) != 0)
        return;
    if (!path[n]) {
        resync_mark(e, BACKEND_ROOT, &everywhere);
        return;
    }
    size_t digits = strcspn(path + n + 1, "/");
    const char *rest = path + n + 1 + digits;
    if ((!*rest || strcmp(rest, "/state") == 0) && !parse_decimal(path + n + 1, digits, DOMID_MAX, &domid) &&
        !LIST_EMPTY(&e->guests[domid].devices))
        mark_of_domain(e, (uint16_t)domid, DIRTY_ALL | DIRTY_LIKELY);
}
