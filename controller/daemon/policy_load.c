/* SPDX-License-Identifier: MIT */
#include "controller/daemon/policy_load.h"

#include <errno.h>

#include "controller/base/log.h"
#include "controller/base/policy_dirs.h"

int policy_load(const char *const *dirs, size_t n_dirs, struct policy_set *ret_set)
{
    struct diagnostic why;
    struct policy_set set = {0};
    int error = policy_dirs_load(dirs, n_dirs, true, &set, &why);
    if (error) {
        log_diagnostic(&why);
        return error;
    }
    if (set.n == 0)
        log_warning("there are no policies: nothing will be looked after");
    *ret_set = set;
    return 0;
}

int policy_load_check_hotplug(const struct policy_set *set, uint16_t backend_domid)
{
    int error = 0;
    for (size_t i = 0; i < set->n; i++) {
        const struct policy *p = set->list[i];
        if (!p->hotplug.run || policy_hotplug(p, backend_domid))
            continue;
        log_error(
            "%s: `hotplug`: this is dom0, where libxl runs hotplug scripts; `in-dom0: true` says that it "
            "does not (run_hotplug_scripts=0)",
            p->source);
        error = -EINVAL;
    }
    return error;
}
