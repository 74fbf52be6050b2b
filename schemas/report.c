/* SPDX-License-Identifier: MIT */
#include "schemas/report.h"

#include <stdlib.h>

#include "schemas/mem.h"

struct report *report_new(uint16_t domid)
{
    struct report *r = xcalloc(1, sizeof *r);
    r->domid = domid;
    r->host = plan_new();
    return r;
}

void report_free(struct report *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->n_devices; i++)
        plan_free(r->devices[i].plan);
    plan_free(r->host);
    free(r->devices);
    arena_free(&r->arena);
    free(r);
}

void report_add(struct report *r, const struct report_device *device)
{
    xgrow(&r->devices, &r->cap_devices, r->n_devices + 1, sizeof *r->devices);
    struct report_device *d = &r->devices[r->n_devices++];
    *d = *device;
    if (device->frontend)
        d->frontend = arena_strdup(&r->arena, device->frontend);
}

static int by_key(const void *a, const void *b)
{
    const struct report_device *x = a, *y = b;
    int by = device_key_compare(&x->key, &y->key);
    return by ? by : (x->self > y->self) - (x->self < y->self);
}

void report_sort(struct report *r)
{
    if (r->n_devices)
        qsort(r->devices, r->n_devices, sizeof *r->devices, by_key);
}

static void count_findings(const struct plan *p, struct report_summary *s)
{
    for (size_t i = 0; i < p->n_findings; i++) {
        s->errors += p->findings[i].severity == SEVERITY_ERROR;
        s->warnings += p->findings[i].severity == SEVERITY_WARNING;
    }
}

struct report_summary report_summarize(const struct report *r)
{
    struct report_summary s = {.devices = r->n_devices};
    for (size_t i = 0; i < r->n_devices; i++) {
        s.actions += r->devices[i].plan->n_actions;
        count_findings(r->devices[i].plan, &s);
    }
    count_findings(r->host, &s);
    return s;
}
