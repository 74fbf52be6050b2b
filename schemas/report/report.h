/* SPDX-License-Identifier: MIT */
/* The report of `xenrecon plan`: every device with what was decided for it, and what concerns no single
 * device. schemas/plan.schema.json describes its JSON form. It takes over the plans that it is given. */
#ifndef XENRECON_REPORT_H
#define XENRECON_REPORT_H

#include <stdio.h>

#include "schemas/device.h"
#include "schemas/health.h"
#include "schemas/plan.h"
#include "schemas/policy/policy.h"
#include "schemas/terminal.h"
#include "schemas/view.h"

/* One of the values that were read of a device. */
struct report_value {
    const char *name;
    struct value value; /* of a secret, only that it is there */
    bool secret;
};

struct report_device {
    struct device_key key;
    uint16_t backend_domid;
    enum owner owner;
    int online; /* 1, 0, or -1: absent or not understood; -2: unreadable */
    enum xenbus_state backend_state, frontend_state;
    const char *frontend;      /* path, or NULL; in the report's arena */
    const char *frontend_name; /* of the domain, or NULL: not known; likewise */
    struct plan *plan;
    const struct report_value *values[2]; /* by side; in the report's arena, where the report keeps them */
    size_t n_values[2];
};

struct report_summary {
    size_t devices, actions, errors, warnings;
    size_t health[HEALTH_COUNT]; /* how many devices are like this */
};

struct report {
    struct arena arena;
    uint16_t domid;
    struct report_device *devices;
    size_t n_devices, cap_devices;
    struct plan *host; /* its findings are those of no single device */
    uint64_t epoch;    /* decide()'s clock, 0: milliseconds since 1970; 0: times are not known */
    uint64_t now;      /* when it was decided, on that clock */
    bool keeps_values; /* for a format that shows them: what was read of each device */
    bool partly;       /* report_keep_problems() was called, and `whole` says what there was */
    struct report_summary whole;
    const char *origin;   /* what was looked at, when and by what, for a report that is sent away; or NULL */
    const char *hostname; /* where it was made; or NULL */
    const char *source;   /* what was looked at: `store`, `daemon`, or a dump's name; or NULL */
    size_t number;        /* of those in one HTML file, from 1; 0: it is the only one */
    struct terminal terminal; /* where the text goes; terminal_none, unless somebody says better */
    bool wide;                /* the text has the rows of the decision table, too */
    uint64_t generated;       /* when it was made, milliseconds since 1970; 0: that is not said */
};

struct report *report_new(uint16_t domid);
void report_free(struct report *r);
void report_add(struct report *r, const struct report_device *device); /* copies texts, takes `plan` */
/* Keeps the view's values with the device that was added last; what the policy calls secret is left out. */
void report_keep_values(struct report *r, const struct policy *policy, const struct view *view);
void report_sort(struct report *r); /* the sickest first, then by domain, type, devid */

/* Drops the devices of which there is nothing to be said; the summary still counts them. */
void report_keep_problems(struct report *r);
struct report_summary report_summarize(const struct report *r);

/* Is anything found that lasts, and nobody remembers how long? */
bool report_lasts_unknown(const struct report *r);
/* `since 2026-11-30 09:15:02 UTC, for 3m12s`, of decide()'s clock; false and "" where that is not known. */
enum { REPORT_SINCE_SIZE = 72 };
bool report_since(const struct report *r, uint64_t since, char buf[static REPORT_SINCE_SIZE]);

/* Whose backend trees the devices are in: fills in up to `max` of them, ascending, and returns how many there
 * are. Without a device it is the report's own. */
size_t report_domains(const struct report *r, uint16_t *ret_domids, size_t max);

void report_print_text(const struct report *r, FILE *to);
void report_print_json(const struct report *r, FILE *to);
void report_print_html(const struct report *r, FILE *to); /* one file that needs no other */

#endif
