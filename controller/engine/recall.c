/* SPDX-License-Identifier: MIT */
#include "controller/engine/recall.h"

#include <stdlib.h>
#include <string.h>

#include "controller/base/log.h"
#include "reconcilers/ages_line.h"
#include "schemas/mem.h"

static void take(struct device *d, const struct ages *a)
{
    struct script *s = &d->memory.object.script;
    for (size_t i = 0; i < d->memory.n_said; i++) /* so that their end is said */
        d->findings |= UINT64_C(1) << d->memory.said[i].code;
    if (!s->failures || !*a->said)
        return;
    free(d->script_said);
    s->said = d->script_said = xstrdup(a->said);
}

void recall_device(struct engine *e, struct device *d, const struct decision_input *in)
{
    char key[DEVICE_KEY_SIZE];
    struct ages a;
    if (d->recalled || !ages_known(in->view))
        return;
    d->recalled = true;
    if (!e->cfg.recall || !e->cfg.recall(e->cfg.arg, &d->key, &a))
        return;
    device_key_format(&d->key, key);
    if (ages_apply(&a, in, &d->memory))
        take(d, &a);
    else
        log_info("%s: it is not as it was before: its ages begin now", key);
}

static void keep(struct engine *e, struct device *d, const char *line)
{
    bool same = line ? d->ages && strcmp(d->ages, line) == 0 : !d->ages;
    if (same)
        return;
    free(d->ages);
    d->ages = line ? xstrdup(line) : NULL;
    e->cfg.aged(e->cfg.arg);
}

void recall_note(struct engine *e, struct device *d, const struct view *v)
{
    char line[AGES_LINE_SIZE];
    struct ages a;
    if (!e->cfg.aged || !v || !d->recalled)
        return;
    bool any = ages_of(v, &d->memory, &a);
    if (any)
        ages_line_format(&a, line);
    if (any || (d->ages && ages_known(v))) /* of what cannot be told now, what was known is kept */
        keep(e, d, any ? line : NULL);
}

void recall_forget(struct engine *e, struct device *d)
{
    if (e->cfg.aged)
        keep(e, d, NULL);
}
