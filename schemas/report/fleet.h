/* SPDX-License-Identifier: MIT */
/* One report of several hosts: which are sick, what was found on how many of them, and then each by itself.
 * It takes over the reports that it is given. Values. */
#ifndef XENRECON_REPORT_FLEET_H
#define XENRECON_REPORT_FLEET_H

#include "schemas/report/report.h"

struct fleet_host {
    const char *name;
    const char *error;     /* why there is no report; NULL: there is one */
    struct report *report; /* NULL: it could not be made */
    struct report_summary sum;
};

struct fleet {
    struct arena arena;
    struct fleet_host *hosts;
    size_t n, cap;
    size_t unread; /* hosts without a report */
};

/* Either an error or a report, which stays as it is from now on. */
void fleet_add(struct fleet *f, const char *name, const char *error, struct report *report);
void fleet_sort(struct fleet *f); /* those that could not be read first, then the sickest, then by name */
void fleet_clear(struct fleet *f);

/* The health of the worst device; OK where there is none. */
enum health fleet_health(const struct fleet_host *h);

/* A kind of finding, on how many hosts and how often. */
struct fleet_finding {
    enum severity severity;
    enum finding_code code;
    size_t n, n_hosts;
    size_t first;        /* the sickest host that has it ... */
    size_t first_device; /* ... and which of its devices; SIZE_MAX: it is of none */
};

enum { FLEET_FINDINGS_MAX = 3 * FINDING_COUNT };
/* Fills in the list, the worst first, and returns how many there are. */
size_t fleet_findings(const struct fleet *f, struct fleet_finding list[static FLEET_FINDINGS_MAX]);

struct report_summary fleet_summarize(const struct fleet *f);

void fleet_print_text(const struct fleet *f, FILE *to);
void fleet_print_json(const struct fleet *f, FILE *to);
void fleet_print_html(const struct fleet *f, FILE *to);
void fleet_print_csv(const struct fleet *f, FILE *to); /* a line for each device */

#endif
