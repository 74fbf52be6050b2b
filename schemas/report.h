/* SPDX-License-Identifier: MIT */
/* The report of `xenrecon plan`: every device with what was decided for it, and what concerns no single
 * device. schemas/plan.schema.json describes its JSON form. It takes over the plans that it is given. */
#ifndef XENRECON_REPORT_H
#define XENRECON_REPORT_H

#include <stdio.h>

#include "schemas/device.h"
#include "schemas/plan.h"
#include "schemas/policy.h"

struct report_device {
    struct device_key key;
    uint16_t self;
    enum owner owner;
    int online; /* 1, 0, or -1: absent or not understood */
    enum xenbus_state backend_state, frontend_state;
    const char *frontend; /* path, or NULL; in the report's arena */
    struct plan *plan;
};

struct report {
    struct arena arena;
    uint16_t domid;
    struct report_device *devices;
    size_t n_devices, cap_devices;
    struct plan *host; /* its findings are those of no single device */
};

struct report *report_new(uint16_t domid);
void report_free(struct report *r);
void report_add(struct report *r, const struct report_device *device); /* copies `frontend`, takes `plan` */
void report_sort(struct report *r);                                    /* by domain, type, devid */

struct report_summary {
    size_t devices, actions, errors, warnings;
};
struct report_summary report_summarize(const struct report *r);

void report_print_text(const struct report *r, FILE *to);
void report_print_json(const struct report *r, FILE *to);

#endif
