/* SPDX-License-Identifier: MIT */
/* What one-shot commands do with the store, or with a dump of one: take a look at some or all devices, and
 * decide, without acting. Blocks. */
#ifndef XENRECON_INSPECT_H
#define XENRECON_INSPECT_H

#include "schemas/diagnostic.h"
#include "schemas/policy.h"
#include "schemas/report.h"
#include "schemas/view.h"

struct inspection;

/* Opens the store, reads our own domain id, loads the policies. 0; or a negative errno, having said on stderr
 * why. */
int inspection_begin(const char *const *policy_dirs, size_t n_dirs, struct inspection **ret_inspection);
/* The same of a dump: of the file, or of what stdin has for "-". */
int inspection_begin_dump(const char *file, const char *const *policy_dirs, size_t n_dirs,
                          struct inspection **ret_inspection);
void inspection_end(struct inspection *in); /* NULL is fine */

uint16_t inspection_self(const struct inspection *in); /* the domain whose report it is; 0 for a dump */
const struct policy *inspection_policy(const struct inspection *in, const char *type);

/* A device, and whose backend tree it is in. */
struct located {
    uint16_t self;
    struct device_key key;
};

/* Every device of a type that has a policy; of a dump those of all domains. The report's host findings say
 * what else is there. For free(). */
int inspection_list(struct inspection *in, struct located **ret_devices, size_t *ret_n,
                    struct report *report);

/* The devices of that name, of whatever type: one in our own domain, there or not; those that are there in a
 * dump. For free(). */
void inspection_find(struct inspection *in, const struct device_key *key, struct located **ret_devices,
                     size_t *ret_n);

/* Findings about what belongs to no device. */
int inspection_leaks(struct inspection *in, struct report *report);

/* 0 and a sealed view for view_free(); or a negative errno, having said why. */
int inspection_view(struct inspection *in, const struct located *device, bool everything,
                    struct view **ret_view);

/* What would be decided for this view now, by somebody who knows only the store; for plan_free(). */
struct plan *inspection_decide(const struct policy *policy, const struct view *view);

/* The view's device, decided, into the report. */
void inspection_report(const struct policy *policy, const struct view *view, struct report *report);

/* What is to be said of the dump itself, once all its devices were looked at. */
void inspection_report_dump(const struct inspection *in, struct report *report);

/* A DEVICE argument: 0, or -EINVAL having said so. */
int inspection_parse_device(const char *text, struct device_key *ret_key);

#endif
