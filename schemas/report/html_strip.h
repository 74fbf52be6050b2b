/* SPDX-License-Identifier: MIT */
/* The HTML report's picture of a device: both ends on a strip of the states, as SVG. */
#ifndef XENRECON_REPORT_HTML_STRIP_H
#define XENRECON_REPORT_HTML_STRIP_H

#include <stdio.h>

#include "schemas/report/report.h"

void report_html_strip_define(FILE *to); /* once, before the first: what all of them share */
void report_html_strip(FILE *to, const struct report_device *device);

#endif
