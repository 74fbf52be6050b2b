/* SPDX-License-Identifier: MIT */
/* Hotplug scripts between the plans that ask for them and whoever runs them. A look may be under way when a
 * script ends, and what it remembers at its end is of its beginning: so the news waits for the next look. */
#include <stdlib.h>
#include <string.h>

#include "controller/base/log.h"
#include "controller/engine/state.h"
#include "schemas/mem.h"

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
