/* SPDX-License-Identifier: MIT */
/* The policies that are shipped, as the fuzz targets use them: in pairs, as they are, and driven by us or
 * with what they do not turn on. */
#ifndef XENRECON_TEST_FUZZ_POLICIES_H
#define XENRECON_TEST_FUZZ_POLICIES_H

#include "controller/base/policy_dirs.h"
#include "schemas/mem.h"
#include "test/fuzz/fuzz.h"

struct shipped {
    struct policy_set as_is, bold;
};

static inline void make_bold(struct policy *p, size_t i)
{
    p->orphan.action = ORPHAN_REMOVE;
    p->hotplug.run = p->hotplug.in_dom0 = p->owner == OWNER_KERNEL;
    if (p->owner == OWNER_KERNEL && i % 2)
        return;
    p->owner = OWNER_XENRECON;
    p->cycle = i % 3 ? CYCLE_ON_INITIALISING : CYCLE_ON_CLOSED;
    p->destroy.frontend = true;
    p->hold.init_wait = i % 4 ? 0 : 100;
    p->publish = xcalloc(1, sizeof *p->publish);
    p->publish[0] = (struct publish){xstrdup("feature-flush-cache"), xstrdup("1")};
    p->n_publish = 1;
}

static inline void load_shipped(struct shipped *s)
{
    static const char *const dir[] = {"deploy/policies"};
    struct diagnostic why;
    for (int i = 0; i < 2; i++) {
        struct policy_set *set = i ? &s->bold : &s->as_is;
        holds(!policy_dirs_load(dir, 1, false, set, &why), "%s: %s (this wants to be run where deploy/ is)",
              why.file, why.message);
        for (size_t j = 0; i && j < set->n; j++)
            make_bold(set->list[j], j);
    }
}

#endif
