/* SPDX-License-Identifier: MIT */
#include "reconcilers/ages.h"

#include <stdio.h>
#include <string.h>

/* ---- which device it is ---- */

/* What makes a device without a marker what it is. All are read with each decision, if they are read at all.
 */
static const char *const identifying[] = {"frontend", "frontend-id", "script", "vifname", "gatewaydev"};

static bool identify(const struct view *v, struct ages *a)
{
    struct value marker = view_get(v, BACKEND, MARKER_KEY);
    struct marker m;
    a->key = v->device;
    a->ends = ends_of(v);
    a->identity = 0;
    a->marked = marker.presence == PRESENT && !marker_parse(marker.text, marker.len, &m);
    if (v->directory != PRESENT || marker.presence == UNREADABLE)
        return false;
    if (a->marked) {
        a->identity = m.incarnation;
        return a->identity != 0;
    }
    uint64_t hash = HASH_INIT;
    for (size_t i = 0; i < sizeof identifying / sizeof *identifying; i++) {
        struct value value = view_get(v, BACKEND, identifying[i]);
        if (value.presence == UNREADABLE)
            return false;
        hash = hash_bytes(hash, &value.presence, sizeof value.presence);
        if (value.presence == PRESENT)
            hash = hash_bytes(hash, value.text, value.len);
    }
    a->identity = hash | 1;
    return true;
}

bool ages_known(const struct view *v)
{
    struct ages a;
    return identify(v, &a);
}

static bool same_ends(const struct ages *a, const struct ages *b)
{
    return a->ends.backend == b->ends.backend && a->ends.frontend == b->ends.frontend &&
           a->ends.online == b->ends.online;
}

/* ---- what is kept ---- */

/* A worker was started, and the device has no marker yet that would say so. */
static bool unmarked(const struct object *o)
{
    return o->phase != OBJECT_NONE && o->unpublished;
}

static bool of_script(const struct script *s)
{
    return s->added || s->failures;
}

bool ages_of(const struct view *v, const struct memory *m, struct ages *ret)
{
    const struct object *o = &m->object;
    bool any = m->condition.wanted_since || m->condition.who_since || m->n_said || m->contended_since ||
               m->failure.error || o->cycles || unmarked(o) || of_script(&o->script);
    if (!any || !identify(v, ret))
        return false;
    ret->memory = *m;
    ret->memory.object.script.said = NULL;
    snprintf(ret->said, sizeof ret->said, "%s", o->script.said ? o->script.said : "");
    return true;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* A toolstack that makes a device leaves hotplug-status empty or writes none; a kernel that has taken the
 * device up removes it. */
static bool may_be_new(const struct view *v)
{
    struct value status = view_get(v, BACKEND, "hotplug-status");
    return status.presence == PRESENT && !status.len;
}

static void apply_object(const struct ages *a, const struct decision_input *in, struct object *o)
{
    const struct object *was = &a->memory.object;
    o->cycles = was->cycles;
    o->cycles_since = was->cycles_since;
    if (!unmarked(was) || a->marked || o->phase != OBJECT_NONE || !in->worker || !in->policy->worker.command)
        return;
    o->phase = OBJECT_DEAD; /* what it is, its worker says */
    o->phase_since = in->now;
    o->incarnation = was->incarnation;
    o->command = was->command;
    o->unpublished = true;
}

/* A backoff is not longer than the policy of today has it. */
static uint64_t until(uint64_t at, const struct decision_input *in)
{
    return earlier(at, in->now + in->policy->retry.max + in->policy->retry.max / 4);
}

static void apply_all(const struct ages *a, const struct decision_input *in, bool as_it_was, struct memory *m)
{
    const struct script *script = &a->memory.object.script;
    struct script was = m->object.script;
    m->condition = a->memory.condition;
    m->n_said = a->memory.n_said;
    memcpy(m->said, a->memory.said, sizeof m->said);
    m->contended_since = a->memory.contended_since;
    m->failure = a->memory.failure;
    m->failure.until = until(m->failure.until, in);
    m->row = a->memory.row;
    m->row_since = m->row == ROW_STEADY && !as_it_was ? 0 : a->memory.row_since;
    apply_object(a, in, &m->object);
    m->object.script = (struct script){.phase = was.phase,
                                       .removing = script->removing,
                                       .failures = script->failures,
                                       .error = script->error,
                                       .until = until(script->until, in)};
}

bool ages_apply(const struct ages *a, const struct decision_input *in, struct memory *m)
{
    struct ages now;
    if (!identify(in->view, &now) || now.marked != a->marked || now.identity != a->identity)
        return false;
    bool as_it_was = same_ends(a, &now), same = a->marked || as_it_was;
    if (same)
        apply_all(a, in, as_it_was, m);
    bool added = a->memory.object.script.added && !may_be_new(in->view);
    m->object.script.added |= added;
    return same || added;
}
