/* SPDX-License-Identifier: MIT */
/* What a plan asks for beside writes, given out once these are there: scripts and workers. What came of it is
 * looked at, not remembered here. */
#include "controller/engine/state.h"

bool engine_look_at_worker(struct engine *e, const struct device *d, struct worker *ret_worker)
{
    *ret_worker = (struct worker){0};
    if (!e->cfg.worker_look || engine_policy(e, d)->owner != OWNER_XENRECON)
        return false;
    e->cfg.worker_look(e->cfg.arg, &d->key, ret_worker);
    return engine_policy(e, d)->worker.command || ret_worker->state != WORKER_NONE;
}

void engine_start_tasks(struct engine *e, struct device *d, const struct plan *plan)
{
    for (size_t i = 0; i < plan->n_actions; i++) {
        const struct action *a = &plan->actions[i];
        e->scripts += a->task == TASK_SCRIPT;
        if (a->task != TASK_NONE)
            e->cfg.execute(e->cfg.arg, &d->key, engine_policy(e, d), a);
    }
}

void engine_worker_changed(struct engine *e, const struct device_key *key)
{
    struct device *d = devices_find(&e->devices, key);
    if (!d)
        return;
    engine_mark(e, d, DIRTY_ALL | DIRTY_LIKELY);
    if (e->running)
        engine_soon(e);
}
