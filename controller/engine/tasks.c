/* SPDX-License-Identifier: MIT */
#include "controller/engine/tasks.h"

#include <stdlib.h>
#include <string.h>

#include "controller/base/log.h"
#include "controller/engine/engine.h"
#include "controller/engine/workqueue.h"
#include "schemas/mem.h"

void engine_start_tasks(struct engine *e, struct device *d, const struct plan *plan)
{
    for (size_t i = 0; i < plan->n_actions; i++) {
        const struct action *a = &plan->actions[i];
        e->scripts += a->task == TASK_SCRIPT;
        if (a->task != TASK_NONE)
            e->cfg.execute(e->cfg.arg, &d->key, engine_policy(e, d), a);
    }
}

/* ---- workers ---- */

bool engine_look_at_worker(struct engine *e, const struct device *d, struct worker *ret_worker)
{
    *ret_worker = (struct worker){0};
    if (!e->cfg.worker_look || engine_policy(e, d)->owner != OWNER_XENRECON)
        return false;
    e->cfg.worker_look(e->cfg.arg, &d->key, ret_worker);
    return engine_policy(e, d)->worker.command || ret_worker->state != WORKER_NONE;
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

/* ---- hotplug scripts ---- */

void engine_script_done(struct engine *e, const char *text, int error, const char *said)
{
    struct device_key key;
    struct device *d = device_key_parse(text, strlen(text), &key) ? NULL : devices_find(&e->devices, &key);
    e->scripts--;
    if (error)
        log_error("%s: %s", text, said);
    if (d) {
        d->script.ended = true;
        d->script.error = error;
        free(d->script.said);
        d->script.said = error ? xstrdup(said) : NULL;
        engine_mark(e, d, DIRTY_ALL | DIRTY_LIKELY);
    }
    if (e->running)
        engine_soon(e);
}

static void end_script(struct engine *e, struct device *d, struct script *s)
{
    s->phase = SCRIPT_ENDED;
    s->error = d->script.error;
    if (s->error) {
        if (s->failures < UINT8_MAX)
            s->failures++;
        s->until = engine_now(e) + engine_backoff(e, engine_policy(e, d), s->failures);
    }
    free(d->script_said);
    s->said = d->script_said = d->script.said;
    d->script.said = NULL;
}

void engine_fold_script(struct engine *e, struct device *d)
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
