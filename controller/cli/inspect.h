/* SPDX-License-Identifier: MIT */
/* What one-shot commands do with the store, or with a dump of it: read some or all devices, and decide,
 * without acting.
 *
 * The caller owns what is returned. Blocks. One thread. Errors are negative errno, and were logged. */
#ifndef XENRECON_INSPECT_H
#define XENRECON_INSPECT_H

#include "schemas/diagnostic.h"
#include "schemas/policy/policy.h"
#include "schemas/report/report.h"
#include "schemas/view.h"

struct inspection;

/* Whose backend trees are read. A dump is always read as a whole. */
enum inspection_scope { SCOPE_OWN, SCOPE_ONE, SCOPE_ALL };

/* What to read, and what to decide with. */
struct inspection_source {
    const char *dump; /* a dump in this file, or in stdin for "-"; NULL: the store */
    const char *const
        *dirs; /* where policies are; none: the default places, or the running daemon's policies */
    size_t n_dirs;
    const char
        *run_dir; /* where a running daemon would be asked, unless there is a dump or dirs; NULL: nowhere */
    enum inspection_scope scope;
    uint16_t domid; /* SCOPE_ONE: whose */
};

/* Opens the store or the dump, reads our own domain id and loads the policies. Asks the daemon, and logs
 * whether there was one. Progress is shown from here until inspection_end() or progress_end(). */
int inspection_begin(const struct inspection_source *from, struct inspection **ret_inspection);
void inspection_end(struct inspection *in); /* NULL is fine */

uint16_t inspection_backend_domid(
    const struct inspection *in); /* the domain whose tree is read; 0 for a dump of several, or of none */
const struct policy *inspection_policy(const struct inspection *in, const char *type);

/* A device, and whose backend tree it is in. */
struct located {
    uint16_t backend_domid;
    struct device_key key;
};

/* Lists every device, in the domains in scope, of a type that has a policy. What else is there goes into the
 * report's host findings. The caller frees the list. */
int inspection_list(struct inspection *in, struct located **ret_devices, size_t *ret_n,
                    struct report *report);

/* Finds the devices of that name, of any type. Where only one domain is in scope it is that domain's, there
 * or not; otherwise those that are there. The caller frees the list. */
int inspection_find(struct inspection *in, const struct device_key *key, struct located **ret_devices,
                    size_t *ret_n);

/* Adds findings about what belongs to no device. */
int inspection_leaks(struct inspection *in, struct report *report);

/* Reads a device into a sealed view, which the caller frees with view_free(). */
int inspection_view(struct inspection *in, const struct located *device, bool everything,
                    struct view **ret_view);

/* Decides for this view as the daemon that was asked would now, or as one that knows only the store; `in`
 * NULL: the latter. The caller frees the plan with plan_free(). */
struct plan *inspection_decide(const struct inspection *in, const struct policy *policy,
                               const struct view *view);

/* Decides, and adds the device to the report. */
void inspection_report(const struct inspection *in, const struct policy *policy, const struct view *view,
                       struct report *report);

/* Adds findings about the dump itself; after all its devices were read. */
void inspection_report_dump(const struct inspection *in, struct report *report);

/* Parses a DEVICE argument. 0, or -EINVAL. */
int inspection_parse_device(const char *text, struct device_key *ret_key);

/* Logs that there is none, where somebody has named it. */
void inspection_say_no_policy(const char *name, const char *type);
void inspection_say_no_device(const char *name, const struct view *view);

#endif
