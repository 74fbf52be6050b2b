/* SPDX-License-Identifier: MIT */
#include "schemas/report/report.h"

#include <stdlib.h>

#include "schemas/age.h"
#include "schemas/mem.h"

struct report *report_new(uint16_t domid)
{
    struct report *r = xcalloc(1, sizeof *r);
    r->domid = domid;
    r->host = plan_new();
    r->terminal = terminal_none;
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
    if (device->frontend_name)
        d->frontend_name = arena_strdup(&r->arena, device->frontend_name);
}

static void keep_side(struct report *r, const struct policy *policy, const struct view *view, enum side side)
{
    struct report_device *d = &r->devices[r->n_devices - 1];
    size_t n = view->n_keys[side];
    struct report_value *kept = arena_alloc(&r->arena, (n + 1) * sizeof *kept);
    for (size_t i = 0; i < n; i++) {
        const struct view_key *k = &view->keys[side][i];
        const struct key_spec *spec = policy_find_key(policy, side, k->name);
        kept[i].name = arena_strdup(&r->arena, k->name);
        kept[i].secret = spec && spec->secret;
        kept[i].value = (struct value){k->value.presence, "", 0};
        if (k->value.presence == PRESENT && !kept[i].secret) {
            kept[i].value.text = arena_strndup(&r->arena, k->value.text, k->value.len);
            kept[i].value.len = k->value.len;
        }
    }
    d->values[side] = kept;
    d->n_values[side] = n;
}

void report_keep_values(struct report *r, const struct policy *policy, const struct view *view)
{
    keep_side(r, policy, view, BACKEND);
    keep_side(r, policy, view, FRONTEND);
}

static int by_health(const void *a, const void *b)
{
    const struct report_device *x = a, *y = b;
    int by = (int)health_of(x->plan) - (int)health_of(y->plan);
    by = by ? by : device_key_compare(&x->key, &y->key);
    return by ? by : (x->backend_domid > y->backend_domid) - (x->backend_domid < y->backend_domid);
}

void report_sort(struct report *r)
{
    if (r->n_devices)
        qsort(r->devices, r->n_devices, sizeof *r->devices, by_health);
}

size_t report_domains(const struct report *r, uint16_t *ret_domids, size_t max)
{
    bool *there = xcalloc(DOMID_MAX + 1, sizeof *there);
    size_t n = 0;
    if (r->n_devices == 0)
        there[r->domid] = true;
    for (size_t i = 0; i < r->n_devices; i++)
        there[r->devices[i].backend_domid] = true;
    for (unsigned domid = 0; domid <= DOMID_MAX; domid++) {
        if (there[domid] && n < max)
            ret_domids[n] = (uint16_t)domid;
        n += there[domid];
    }
    free(there);
    return n;
}

static void count_findings(const struct plan *p, struct report_summary *s)
{
    for (size_t i = 0; i < p->n_findings; i++) {
        s->errors += p->findings[i].severity == SEVERITY_ERROR;
        s->warnings += p->findings[i].severity == SEVERITY_WARNING;
    }
}

void report_keep_problems(struct report *r)
{
    size_t kept = 0;
    r->whole = report_summarize(r);
    r->partly = true;
    for (size_t i = 0; i < r->n_devices; i++)
        if (health_of(r->devices[i].plan) == HEALTH_OK)
            plan_free(r->devices[i].plan);
        else
            r->devices[kept++] = r->devices[i];
    r->n_devices = kept;
}

struct report_summary report_summarize(const struct report *r)
{
    struct report_summary s = {.devices = r->n_devices};
    if (r->partly)
        return r->whole;
    for (size_t i = 0; i < r->n_devices; i++) {
        s.actions += r->devices[i].plan->n_actions;
        s.health[health_of(r->devices[i].plan)]++;
        count_findings(r->devices[i].plan, &s);
    }
    count_findings(r->host, &s);
    return s;
}

bool report_lasts_unknown(const struct report *r)
{
    for (size_t i = 0; i < r->n_devices && !r->epoch; i++)
        for (size_t j = 0; j < r->devices[i].plan->n_findings; j++)
            if (r->devices[i].plan->findings[j].limit)
                return true;
    return false;
}

bool report_since(const struct report *r, uint64_t since, char buf[static REPORT_SINCE_SIZE])
{
    char moment[MOMENT_SIZE], age[AGE_SIZE];
    buf[0] = '\0';
    if (!r->epoch || !since)
        return false;
    snprintf(buf, REPORT_SINCE_SIZE, "since %s, for %s", moment_format(r->epoch + since, moment),
             age_format((double)(r->now - since) / 1000, age));
    return true;
}
