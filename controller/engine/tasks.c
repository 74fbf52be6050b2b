/* SPDX-License-Identifier: MIT */
#include "controller/engine/tasks.h"

#include <stdlib.h>
#include <string.h>

#include "controller/base/log.h"
#include "controller/engine/workqueue.h"
#include "schemas/mem.h"

void tasks_start(struct engine *e, struct device *d, const struct plan *plan)
{
    for (size_t i = 0; i < plan->n_actions; i++) {
        const struct action *a = &plan->actions[i];
        e->scripts += a->task == TASK_SCRIPT;
        if (a->task != TASK_NONE)
            e->cfg.execute(e->cfg.arg, &d->key, engine_policy(e, d), a);
    }
}

/* ---- workers ---- */

bool tasks_ask_worker(struct engine *e, const struct device *d, struct worker *ret_worker)
{
    *ret_worker = (struct worker){0};
    if (!e->cfg.ask_worker || engine_policy(e, d)->owner != OWNER_XENRECON)
        return false;
    e->cfg.ask_worker(e->cfg.arg, &d->key, ret_worker);
    return engine_policy(e, d)->worker.command || ret_worker->state != WORKER_NONE;
}

void tasks_worker_changed(struct engine *e, const struct device_key *key)
{
    struct device *d = device_table_find(&e->devices, key);
    if (!d)
        return;
    workqueue_add(e, d, DIRTY_ALL | DIRTY_LIKELY);
    if (engine_running(e))
        engine_wake_soon(e);
}

/* ---- hotplug scripts ---- */

void tasks_script_done(struct engine *e, const char *text, int error, const char *said)
{
    struct device_key key;
    struct device *d =
        device_key_parse(text, strlen(text), &key) ? NULL : device_table_find(&e->devices, &key);
    e->scripts--;
    if (error)
        log_error("%s: %s", text, said);
    if (d) {
        d->script.ended = true;
        d->script.error = error;
        free(d->script.said);
        d->script.said = error ? xstrdup(said) : NULL;
        workqueue_add(e, d, DIRTY_ALL | DIRTY_LIKELY);
    }
    if (engine_running(e))
        engine_wake_soon(e);
}

static void end_script(struct engine *e, struct device *d, struct script *s)
{
    s->phase = SCRIPT_ENDED;
    s->error = d->script.error;
    if (s->error) {
        if (s->failures < UINT8_MAX)
            s->failures++;
        s->until = engine_now(e) + workqueue_backoff(e, engine_policy(e, d), s->failures);
    }
    free(d->script_said);
    s->said = d->script_said = d->script.said;
    d->script.said = NULL;
}

void tasks_update_script(struct engine *e, struct device *d)
{
    struct script *s = &d->memory.object.script;
    if (s->phase == SCRIPT_RUNNING && !d->script.ended)
        return;
    if (d->script.renewed)
        *s = (struct script){0};
    else if (s->phase == SCRIPT_RUNNING)
        end_script(e, d, s);
    d->script.ended = d->script.renewed = false;
}
