/* SPDX-License-Identifier: MIT */
/* Parts of an HTML report, for one of several hosts. Texts are escaped. */
#ifndef XENRECON_REPORT_HTML_PARTS_H
#define XENRECON_REPORT_HTML_PARTS_H

#include "schemas/report/report.h"

void report_html_begin(FILE *to); /* up to the title, of which it has the first letter */
void report_html_body(FILE *to);  /* behind the title */
void report_html_end(FILE *to, bool devices);

void report_html_text(FILE *to, const char *text);
void report_html_health(FILE *to, enum health health);
void report_html_count(FILE *to, size_t n, const char *look, const char *what, const char *plural);
void report_html_findings(FILE *to, const struct report *r);
void report_html_bar(FILE *to); /* the filter; once */
void report_html_devices(FILE *to, const struct report *r);

#endif
