/* SPDX-License-Identifier: MIT */
#include "controller/engine/pass.h"

#include <stdlib.h>

#include "controller/engine/reconcile.h"
#include "schemas/mem.h"

static void on_view(void *arg, int status, struct view *view)
{
    struct look *l = arg;
    if (status) {
        look_lost(l);
    } else if (look_outdated(l, view)) {
        view_free(view);
        look_again(l);
    } else {
        look_decide(l, view);
        /* act only inside a transaction, where it counts, and after all that was announced until then */
        if (plan_acts(l->plan) && !l->e->cfg.dry_run)
            look_again(l);
        else
            look_done(l);
    }
    struct engine *e = l->e;
    free(l);
    e->dispatch(e);
}

void pass_start(struct engine *e, struct device *d)
{
    struct look *l = xcalloc(1, sizeof *l);
    look_begin(l, e, d);
    look_snapshot(l, 0, on_view, l);
}
