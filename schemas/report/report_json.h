/* SPDX-License-Identifier: MIT */
/* A report as JSON, to be a part of something larger. */
#ifndef XENRECON_REPORT_JSON_H
#define XENRECON_REPORT_JSON_H

#include <jansson.h>

#include "schemas/report/report.h"

json_t *report_json(const struct report *r); /* the caller's */

#endif
