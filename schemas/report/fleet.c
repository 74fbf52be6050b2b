/* SPDX-License-Identifier: MIT */
#include "schemas/report/fleet.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"

void fleet_add(struct fleet *f, const char *name, const char *error, struct report *report)
{
    xgrow(&f->hosts, &f->cap, f->n + 1, sizeof *f->hosts);
    f->hosts[f->n++] =
        (struct fleet_host){.name = arena_strdup(&f->arena, name),
                            .error = error ? arena_strdup(&f->arena, error) : NULL,
                            .report = report,
                            .sum = report ? report_summarize(report) : (struct report_summary){0}};
    f->unread += !report;
}

void fleet_clear(struct fleet *f)
{
    for (size_t i = 0; i < f->n; i++)
        report_free(f->hosts[i].report);
    free(f->hosts);
    arena_free(&f->arena);
    *f = (struct fleet){0};
}

enum health fleet_health(const struct fleet_host *h)
{
    if (!h->report)
        return HEALTH_UNKNOWN;
    for (enum health health = 0; health < HEALTH_COUNT; health++)
        if (h->sum.health[health])
            return health;
    return HEALTH_OK;
}

/* More of the worst is worse. */
static int by_sickness(const void *a, const void *b)
{
    const struct fleet_host *x = a, *y = b;
    if (!x->report != !y->report)
        return x->report ? 1 : -1;
    for (enum health h = 0; h < HEALTH_OK; h++)
        if (x->sum.health[h] != y->sum.health[h])
            return x->sum.health[h] > y->sum.health[h] ? -1 : 1;
    return strcmp(x->name, y->name);
}

void fleet_sort(struct fleet *f)
{
    if (f->n)
        qsort(f->hosts, f->n, sizeof *f->hosts, by_sickness);
}

struct report_summary fleet_summarize(const struct fleet *f)
{
    struct report_summary sum = {0};
    for (size_t i = 0; i < f->n; i++) {
        const struct report_summary *s = &f->hosts[i].sum;
        sum.devices += s->devices;
        sum.actions += s->actions;
        sum.errors += s->errors;
        sum.warnings += s->warnings;
        for (enum health h = 0; h < HEALTH_COUNT; h++)
            sum.health[h] += s->health[h];
    }
    return sum;
}

/* ---- findings over hosts ---- */

struct count {
    size_t n, n_hosts, first, first_device, last; /* last: the host that was counted last, from 1 */
};
struct counts {
    struct count of[SEVERITY_ERROR + 1][FINDING_COUNT];
};

static void count_plan(struct counts *c, const struct plan *p, size_t host, size_t device)
{
    for (size_t i = 0; i < p->n_findings; i++) {
        struct count *one = &c->of[p->findings[i].severity][p->findings[i].code];
        if (one->n++ == 0) {
            one->first = host;
            one->first_device = device;
        }
        one->n_hosts += one->last != host + 1;
        one->last = host + 1;
    }
}

size_t fleet_findings(const struct fleet *f, struct fleet_finding list[static FLEET_FINDINGS_MAX])
{
    struct counts c = {0};
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++) {
        const struct report *r = f->hosts[i].report;
        if (!r)
            continue;
        count_plan(&c, r->host, i, SIZE_MAX);
        for (size_t j = 0; j < r->n_devices; j++)
            count_plan(&c, r->devices[j].plan, i, j);
    }
    for (int severity = SEVERITY_ERROR; severity >= SEVERITY_INFO; severity--)
        for (int code = 0; code < FINDING_COUNT; code++) {
            const struct count *one = &c.of[severity][code];
            if (!one->n)
                continue;
            list[n] = (struct fleet_finding){.severity = (enum severity)severity,
                                             .code = (enum finding_code)code,
                                             .n = one->n,
                                             .n_hosts = one->n_hosts,
                                             .first = one->first,
                                             .first_device = one->first_device};
            n++;
        }
    return n;
}
