/* SPDX-License-Identifier: MIT */
#include "controller/engine/pass.h"

#include <stdlib.h>

#include "controller/engine/reconcile.h"
#include "schemas/mem.h"

static void on_view(void *arg, int status, struct view *view)
{
    struct reconcile *r = arg;
    if (status) {
        reconcile_store_lost(r);
    } else if (reconcile_outdated(r, view)) {
        view_free(view);
        reconcile_again(r);
    } else {
        reconcile_decide(r, view);
        /* writes are made inside a transaction only, and after all events that came until then */
        if (plan_acts(r->plan) && !r->e->cfg.dry_run)
            reconcile_again(r);
        else
            reconcile_done(r);
    }
    struct engine *e = r->e;
    free(r);
    e->dispatch(e);
}

void pass_start(struct engine *e, struct device *d)
{
    struct reconcile *r = xcalloc(1, sizeof *r);
    reconcile_begin(r, e, d);
    reconcile_snapshot(r, 0, false, on_view, r);
}
