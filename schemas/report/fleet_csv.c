/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "schemas/printable.h"
#include "schemas/report/fleet.h"

/* In quotes, each quote doubled. A spreadsheet takes what begins with one of these for a formula. */
static void put_cell(FILE *to, struct arena *a, const char *text, const char *behind)
{
    const char *safe = printable(a, text ? text : "");
    fputc('"', to);
    if (*safe && strchr("=+-@", *safe))
        fputc('\'', to);
    for (; *safe; safe++) {
        if (*safe == '"')
            fputc('"', to);
        fputc(*safe, to);
    }
    fprintf(to, "\"%s", behind);
}

static const char *findings(struct arena *a, const struct plan *p, const char *also)
{
    const char *text = also;
    for (size_t i = 0; i < p->n_findings; i++)
        text = arena_printf(a, "%s%s%s", text, *text ? " " : "", finding_code_name(p->findings[i].code));
    return text;
}

static void put_device(FILE *to, const struct fleet_host *h, const struct report_device *d)
{
    static const char *const online[] = {"?", "", "no", "yes"};
    struct arena a = {0};
    char key[DEVICE_KEY_SIZE];
    device_key_format(&d->key, key);
    put_cell(to, &a, h->name, ",");
    put_cell(to, &a, h->report->source, ",");
    put_cell(to, &a, health_name(health_of(d->plan)), ",");
    put_cell(to, &a, key, ",");
    put_cell(to, &a, d->frontend_name, ",");
    fprintf(to, "%" PRIu16 ",%" PRIu16 ",", d->key.domid, d->backend_domid);
    put_cell(to, &a, owner_name(d->owner), ",");
    put_cell(to, &a, online[d->online + 2], ",");
    put_cell(to, &a, xenbus_state_name(d->backend_state), ",");
    put_cell(to, &a, xenbus_state_name(d->frontend_state), ",");
    put_cell(to, &a, row_name(d->plan->row), ",");
    put_cell(to, &a, findings(&a, d->plan, ""), "\r\n");
    arena_free(&a);
}

/* What is of no single device stands in a line without one. */
static void put_host(FILE *to, const struct fleet_host *h)
{
    struct arena a = {0};
    if (!h->report || h->report->host->n_findings) {
        put_cell(to, &a, h->name, ",");
        put_cell(to, &a, h->report ? h->report->source : h->name,
                 h->report ? ",,,,,,,,,,," : ",unknown,,,,,,,,,,");
        put_cell(to, &a, h->report ? findings(&a, h->report->host, "") : h->error, "\r\n");
    }
    arena_free(&a);
}

void fleet_print_csv(const struct fleet *f, FILE *to)
{
    fputs(
        "host,source,health,device,domain,domid,backend_domid,owner,online,backend,frontend,row,findings\r\n",
        to);
    for (size_t i = 0; i < f->n; i++) {
        const struct fleet_host *h = &f->hosts[i];
        put_host(to, h);
        for (size_t j = 0; h->report && j < h->report->n_devices; j++)
            put_device(to, h, &h->report->devices[j]);
    }
}
