/* SPDX-License-Identifier: MIT */
/* What one-shot commands do with the store, or with a dump of one: take a look at some or all devices, and
 * decide, without acting. Blocks. */
#ifndef XENRECON_INSPECT_H
#define XENRECON_INSPECT_H

#include "schemas/diagnostic.h"
#include "schemas/policy/policy.h"
#include "schemas/report/report.h"
#include "schemas/view.h"

struct inspection;

/* Whose backend trees. A dump is always looked at as a whole. */
enum inspection_scope { SCOPE_OWN, SCOPE_ONE, SCOPE_ALL };

/* What to look at, and what to decide it with. */
struct inspection_source {
    const char *dump;        /* a dump in this file, or in stdin for "-"; NULL: the store */
    const char *const *dirs; /* policies; none: the default places, or the running daemon's */
    size_t n_dirs;
    const char
        *run_dir; /* where to look for a running daemon, unless there is a dump or dirs; NULL: nowhere */
    enum inspection_scope scope;
    uint16_t domid; /* SCOPE_ONE: of this domain */
};

/* Opens the store or the dump, reads our own domain id, loads the policies; asks the daemon, and says on
 * stderr whether there was one. 0; or a negative errno, having said why. Shows its progress, as all of this
 * does, until inspection_end() or progress_end(). */
int inspection_begin(const struct inspection_source *from, struct inspection **ret_inspection);
void inspection_end(struct inspection *in); /* NULL is fine */

uint16_t inspection_self(const struct inspection *in); /* the domain whose report it is; 0 for a dump */
const struct policy *inspection_policy(const struct inspection *in, const char *type);

/* A device, and whose backend tree it is in. */
struct located {
    uint16_t self;
    struct device_key key;
};

/* Every device of a type that has a policy, of the domains in scope. The report's host findings say
 * what else is there. For free(). */
int inspection_list(struct inspection *in, struct located **ret_devices, size_t *ret_n,
                    struct report *report);

/* The devices of that name, of whatever type: where only one domain is in scope that one, there or not; else
 * those that are there. 0 and a list for free(); or a negative errno, having said why. */
int inspection_find(struct inspection *in, const struct device_key *key, struct located **ret_devices,
                    size_t *ret_n);

/* Findings about what belongs to no device. */
int inspection_leaks(struct inspection *in, struct report *report);

/* 0 and a sealed view for view_free(); or a negative errno, having said why. */
int inspection_view(struct inspection *in, const struct located *device, bool everything,
                    struct view **ret_view);

/* What would be decided for this view now, by the daemon that was asked, or by somebody who knows only the
 * store (`in` NULL: in any case); for plan_free(). */
struct plan *inspection_decide(const struct inspection *in, const struct policy *policy,
                               const struct view *view);

/* The view's device, decided, into the report. */
void inspection_report(const struct inspection *in, const struct policy *policy, const struct view *view,
                       struct report *report);

/* What is to be said of the dump itself, once all its devices were looked at. */
void inspection_report_dump(const struct inspection *in, struct report *report);

/* A DEVICE argument: 0, or -EINVAL having said so. */
int inspection_parse_device(const char *text, struct device_key *ret_key);

/* What is said of one that somebody named. */
void inspection_say_no_policy(const char *name, const char *type);
void inspection_say_no_device(const char *name, const struct view *view);

#endif
