/* SPDX-License-Identifier: MIT */
#include "schemas/report/fleet.h"

#include <stdint.h>

#include "schemas/report/html_parts.h"
#include "schemas/report/html_strip.h"

/* A table of the hosts, what was found on how many, and each host folded. Its links lead to hosts, and those
 * of a host's findings to devices. */

static void put_counts(FILE *to, const struct fleet *f)
{
    struct report_summary s = fleet_summarize(f);
    fputs("<h1>Devices of several hosts</h1>\n<ul class=\"sum\">\n", to);
    report_html_count(to, f->n, "rest", "host", "s");
    if (f->unread)
        report_html_count(to, f->unread, "error", "not read", "");
    for (enum health h = 0; h < HEALTH_COUNT; h++)
        if (s.health[h])
            report_html_count(to, s.health[h], health_name(h), health_name(h), "");
    report_html_count(to, s.devices, "rest", "device", "s");
    fputs("</ul>\n", to);
}

static void put_hosts(FILE *to, const struct fleet *f)
{
    fputs("<h2>Hosts</h2>\n<ul>\n", to);
    for (size_t i = 0; i < f->n; i++) {
        const struct fleet_host *h = &f->hosts[i];
        fputs("<li>", to);
        report_html_health(to, fleet_health(h));
        fprintf(to, " <a href=\"#h%zu\">", i + 1);
        report_html_text(to, h->name);
        fputs("</a> <span class=\"dim\">", to);
        if (h->report) {
            const char *before = "";
            for (enum health health = 0; health < HEALTH_COUNT; health++)
                if (h->sum.health[health]) {
                    fprintf(to, "%s%zu %s", before, h->sum.health[health], health_name(health));
                    before = ", ";
                }
        } else {
            report_html_text(to, h->error);
        }
        fputs("</span></li>\n", to);
    }
    fputs("</ul>\n", to);
}

static void put_found(FILE *to, const struct fleet *f)
{
    struct fleet_finding list[FLEET_FINDINGS_MAX];
    size_t n = fleet_findings(f, list);
    fprintf(to, "<h2>Found on hosts</h2>\n%s", n ? "<ul>\n" : "<p>Nothing.</p>\n");
    for (size_t i = 0; i < n; i++) {
        const struct fleet_finding *one = &list[i];
        const char *severity = severity_name(one->severity);
        fprintf(to, "<li class=\"%s\"><b>%s %s</b> %zu on %zu host%s, <a href=\"#h%zu", severity, severity,
                finding_code_name(one->code), one->n, one->n_hosts, one->n_hosts == 1 ? "" : "s",
                one->first + 1);
        if (one->first_device != SIZE_MAX)
            fprintf(to, "d%zu", one->first_device);
        fputs("\">the first</a></li>\n", to);
    }
    fputs(n ? "</ul>\n" : "", to);
}

static void put_host(FILE *to, const struct fleet_host *h, size_t number)
{
    const char *tag =
        h->report && h->report->n_devices ? "section" : "div"; /* the filter hides empty sections */
    fprintf(to, "<%s><details class=\"group\"><summary>", tag);
    report_html_health(to, fleet_health(h));
    fputc(' ', to);
    report_html_text(to, h->name);
    fprintf(to, "</summary>\n<p class=\"dim\" id=\"h%zu\">", number); /* a link to it unfolds the host */
    report_html_text(to, h->report && h->report->origin ? h->report->origin : h->error ? h->error : "");
    fputs("</p>\n", to);
    if (h->report) {
        report_html_findings(to, h->report);
        report_html_devices(to, h->report);
    }
    fprintf(to, "</details></%s>\n", tag);
}

void fleet_print_html(const struct fleet *f, FILE *to)
{
    report_html_begin(to);
    fputs("evices of several hosts", to);
    report_html_body(to);
    put_counts(to, f);
    put_hosts(to, f);
    put_found(to, f);
    report_html_strip_define(to);
    report_html_bar(to);
    for (size_t i = 0; i < f->n; i++) {
        if (f->hosts[i].report)
            f->hosts[i].report->number = i + 1;
        put_host(to, &f->hosts[i], i + 1);
    }
    report_html_end(to, true);
}
