/* SPDX-License-Identifier: MIT */
/* What one-shot commands do with the store, or with a dump of it: read some or all devices, and decide,
 * without acting.
 *
 * The caller owns what is returned. Blocks. One thread. Errors are negative errno, and were logged. */
#ifndef XENRECON_INSPECT_H
#define XENRECON_INSPECT_H

#include "controller/cli/naming.h"
#include "schemas/diagnostic.h"
#include "schemas/dump/dump.h"
#include "schemas/policy/policy.h"
#include "schemas/report/report.h"
#include "schemas/view.h"

struct inspection;

/* Whose backend trees are read. A dump is always read as a whole. */
enum inspection_scope { SCOPE_OWN, SCOPE_ONE, SCOPE_ALL };

/* What to read, and what to decide with. */
struct inspection_source {
    const char *dump;    /* a dump in this file, or in stdin for "-"; NULL: the store */
    struct dump *parsed; /* one that was read before, which lives longer; NULL: it is read from the file */
    const struct inspection *like; /* its policies are taken, and it lives longer; NULL: they are loaded */
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

/* Lists every device, in the domains in scope, of a type that has a policy. What else is there goes into the
 * report's host findings (NULL: nowhere). The caller frees the list. */
int inspection_list(struct inspection *in, struct located **ret_devices, size_t *ret_n,
                    struct report *report);

/* What is looked at, in a word of plan.schema.json. */
const char *inspection_source_name(const struct inspection *in, const char *dump);

/* Finds the devices that DEVICE arguments mean, as naming_select() does, among all that are in scope. What is
 * named exactly need not be listed: it is looked for where it would be. The caller frees the list. */
int inspection_select(struct inspection *in, char *const *texts, size_t n_texts, struct located **ret_devices,
                      size_t *ret_n);

/* Those of one argument. It is not logged when there is none: -ENODEV, or one that is named exactly and is
 * not there. */
int inspection_select_quietly(struct inspection *in, char *text, struct located **ret_devices, size_t *ret_n);

/* The one that an argument means. -EINVAL: there are several, which is logged. */
int inspection_select_one(struct inspection *in, char *text, struct located *ret_device);

/* What domains are called in the store that is inspected, or in the dump. */
struct naming *inspection_naming(struct inspection *in);

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
void inspection_report(struct inspection *in, const struct policy *policy, const struct view *view,
                       struct report *report);

/* Adds findings about the dump itself; after all its devices were read. */
void inspection_report_dump(const struct inspection *in, struct report *report);

/* Logs that there is none, where somebody has named it. */
void inspection_say_no_policy(const char *name, const char *type);
void inspection_say_no_device(const char *name, const struct view *view);

#endif
