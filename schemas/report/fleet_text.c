/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "schemas/health_text.h"
#include "schemas/json.h"
#include "schemas/printable.h"
#include "schemas/report/fleet.h"
#include "schemas/report/report_json.h"
#include "schemas/table.h"

/*   3 hosts, 1 of them not read, 12 devices: 1 failed, 11 ok
 *
 *   HEALTH  HOST    DEVICES  FAILED  DEGRADED  UNKNOWN  PENDING  OK
 *   failed  host-b  6        1       0         0        0        5
 *   ok      host-a  6        0       0         0        0        6
 *
 *   Found:
 *       error stuck-detach: 1 on 1 host
 *
 *   host-b: ...
 *
 * Behind that the report of each host that is not well. */

enum column { HEALTH, HOST, DEVICES, COUNTS, COLUMNS = COUNTS + HEALTH_COUNT };

static const struct table_column columns[COLUMNS] = {
    [HEALTH] = {"HEALTH", 0},
    [HOST] = {"HOST", 0},
    [DEVICES] = {"DEVICES", 1},
    [COUNTS + HEALTH_FAILED] = {"FAILED", 2},
    [COUNTS + HEALTH_DEGRADED] = {"DEGRADED", 2},
    [COUNTS + HEALTH_UNKNOWN] = {"UNKNOWN", 3},
    [COUNTS + HEALTH_PENDING] = {"PENDING", 4},
    [COUNTS + HEALTH_OK] = {"OK", 5},
};

static const struct terminal *terminal_of(const struct fleet *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->hosts[i].report)
            return &f->hosts[i].report->terminal;
    return &terminal_none;
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void add_host(struct table *t, const struct fleet_host *h, struct arena *a)
{
    const char *cells[COLUMNS] = {0};
    enum colour colours[COLUMNS] = {[HEALTH] = health_text_colour(fleet_health(h))};
    cells[HEALTH] = h->report ? health_name(fleet_health(h)) : "not read";
    cells[HOST] = printable(a, h->name);
    if (h->report) {
        cells[DEVICES] = arena_printf(a, "%zu", h->sum.devices);
        for (enum health health = 0; health < HEALTH_COUNT; health++)
            cells[COUNTS + health] = arena_printf(a, "%zu", h->sum.health[health]);
    }
    table_add(t, cells, colours);
}

static void print_hosts(const struct fleet *f, FILE *to)
{
    const struct terminal *term = terminal_of(f);
    struct arena a = {0};
    struct table *t = table_new(columns, COLUMNS);
    for (size_t i = 0; i < f->n; i++)
        add_host(t, &f->hosts[i], &a);
    table_fit(t, term->width);
    table_print_titles(t, term, to);
    for (size_t i = 0; i < f->n; i++) {
        table_print_row(t, i, "", term, to);
        if (f->hosts[i].error)
            fprintf(to, "    ! %s\n", printable(&a, f->hosts[i].error));
    }
    table_free(t);
    arena_free(&a);
}

static void print_found(const struct fleet *f, FILE *to)
{
    struct fleet_finding list[FLEET_FINDINGS_MAX];
    size_t n = fleet_findings(f, list);
    fputs(n ? "\nFound:\n" : "", to);
    for (size_t i = 0; i < n; i++)
        fprintf(to, "    ! %s %s: %zu on %zu host%s\n", severity_name(list[i].severity),
                finding_code_name(list[i].code), list[i].n, list[i].n_hosts, plural(list[i].n_hosts));
}

/* What is there beside devices that are well? */
static bool worth_telling(const struct fleet_host *h)
{
    bool found = false;
    for (size_t i = 0; h->report && i < h->report->host->n_findings; i++)
        found = found || h->report->host->findings[i].severity != SEVERITY_INFO;
    return h->report && (fleet_health(h) != HEALTH_OK || found);
}

void fleet_print_text(const struct fleet *f, FILE *to)
{
    struct report_summary s = fleet_summarize(f);
    struct arena a = {0};
    fprintf(to, "%zu host%s, ", f->n, plural(f->n));
    if (f->unread)
        fprintf(to, "%zu of them not read, ", f->unread);
    fprintf(to, "%zu device%s", s.devices, plural(s.devices));
    health_text_counts(s.health, terminal_of(f), to);
    fputs("\n\n", to);
    print_hosts(f, to);
    print_found(f, to);
    for (size_t i = 0; i < f->n; i++) {
        if (!worth_telling(&f->hosts[i]))
            continue;
        fprintf(to, "\n%s: ", printable(&a, f->hosts[i].name));
        report_print_text(f->hosts[i].report, to);
    }
    arena_free(&a);
}

void fleet_print_json(const struct fleet *f, FILE *to)
{
    json_t *root = jobject(), *hosts = jarray();
    for (size_t i = 0; i < f->n; i++) {
        json_t *o = f->hosts[i].report ? report_json(f->hosts[i].report) : jobject();
        if (f->hosts[i].error) {
            jput(o, "source", jtext(f->hosts[i].name));
            jput(o, "error", jtext(f->hosts[i].error));
        }
        jappend(hosts, o);
    }
    jput(root, "version", jcount(1));
    jput(root, "hosts", hosts);
    json_dumpf(root, to, JSON_INDENT(2));
    fputc('\n', to);
    json_decref(root);
}
