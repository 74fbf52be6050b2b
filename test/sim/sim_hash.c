/* SPDX-License-Identifier: MIT */
/* A world as one number: two of the same number go on in the same way. Of the engine that is what it keeps of
 * each device, and all that it was told since it last had nothing under way: it has no chance and no clock of
 * its own. Times count from now. Since when a row decides is left out: only what is said depends on it. */
#include <string.h>

#include "controller/engine/state.h"
#include "test/sim/sim_world.h"

enum { LONG_AGO = 6000 }; /* milliseconds after which nothing depends on when something was */

static uint64_t mix(uint64_t h, uint64_t value)
{
    return hash_bytes(h, &value, sizeof value);
}

static uint64_t mix_text(uint64_t h, const char *text)
{
    return hash_bytes(h, text ? text : "-", text ? strlen(text) + 1 : 1);
}

static uint64_t from_now(const struct sim_world *w, uint64_t at)
{
    return !at ? 0 : at <= w->now ? 1 : at - w->now + 1;
}

static uint64_t ago(const struct sim_world *w, uint64_t since)
{
    return w->now - since < LONG_AGO ? w->now - since : LONG_AGO;
}

static uint64_t mix_store(uint64_t h, const struct sim_world *w)
{
    const struct sim_store *s = &w->store;
    const struct sim_request *r;
    const struct sim_tx *tx;
    uint64_t watches = 0;
    h = mix(mix(h, nodes_hash(&s->nodes)), s->heard);
    TAILQ_FOREACH (r, &s->requests, next)
        h = mix_text(mix(mix(h, (uint64_t)r->type), r->tx != 0), r->body);
    for (size_t i = 0; i < s->n_events; i++)
        h = mix_text(mix_text(h, s->events[i].path), s->events[i].token);
    for (size_t i = 0; i < s->n_watches; i++)
        watches += mix_text(mix_text(HASH_INIT, s->watches[i].path), s->watches[i].token);
    LIST_FOREACH (tx, &s->txs, next) {
        for (size_t i = 0; i < tx->n_accesses; i++)
            h = mix(mix_text(h, tx->accesses[i].path),
                    tx->accesses[i].generation == nodes_generation(&s->nodes, tx->accesses[i].path));
        for (size_t i = 0; i < tx->n_changes; i++)
            h = mix_text(mix_text(h, tx->changes[i].path), tx->changes[i].value);
    }
    return mix(h, watches);
}

/* Times since when a row decides are left out, as said above, unless something is removed when it is over. */
static uint64_t mix_memory(uint64_t h, const struct sim_world *w, const struct memory *m)
{
    const struct object *o = &m->object;
    const struct failure *f = &m->failure;
    h = mix(mix(mix(h, (uint64_t)o->phase), o->unpublished), o->front_connected);
    h = mix(mix(mix(mix(h, o->cycles), o->incarnation), o->command), o->published);
    h = mix(mix(h, ago(w, o->phase_since)), (uint64_t)m->row);
    if (w->setup.orphans)
        h = mix(h, ago(w, m->row_since));
    return mix(mix(mix(h, (uint64_t)f->error), f->attempt), from_now(w, f->until));
}

static uint64_t mix_script(uint64_t h, const struct sim_world *w, const struct script *s)
{
    h = mix(mix(mix(mix(h, (uint64_t)s->phase), s->removing), s->added), s->failures);
    return mix(mix(mix(h, (uint64_t)s->error), from_now(w, s->until)), s->said != NULL);
}

static uint64_t mix_known(uint64_t h, const struct sim_world *w, const struct device *d)
{
    if (!d)
        return mix(h, 0);
    h = mix(mix(mix(h, d->dirty), d->stage), d->own_transaction);
    h = mix(mix(mix(h, d->conflicts), d->due_acts), d->seen != SEEN_NEVER);
    h = mix(mix(mix(mix(h, d->last.marker), (uint64_t)d->last.b), (uint64_t)d->last.f),
            (uint64_t)d->last.online);
    h = mix(mix_text(h, d->watched), (uint64_t)d->unwatched);
    h = mix(mix(h, from_now(w, d->due)), from_now(w, d->held));
    h = mix(mix(mix(mix(h, d->script.ended), d->script.renewed), (uint64_t)d->script.error),
            d->retired_policy != NULL);
    return mix_script(mix_memory(h, w, &d->memory), w, &d->memory.object.script);
}

static uint64_t mix_crew(uint64_t h, const struct sim_world *w, const struct crew *c)
{
    h = mix(mix(mix(mix(h, (uint64_t)c->state), c->incarnation), c->ring), c->refused);
    h = mix(mix(mix(h, c->keys), from_now(w, c->until)), (uint64_t)c->mode);
    h = mix(mix(mix(mix(h, c->known), c->doomed), c->found), c->asked);
    h = mix(mix(mix(h, (uint64_t)c->size), (uint64_t)c->told), c->news);
    return mix(mix(mix(h, c->ending), c->ending_holds), c->ending_incarnation);
}

static uint64_t mix_device(uint64_t h, const struct sim_world *w, const struct sim_device *d)
{
    const struct engine *e = w->engine;
    h = mix(mix(mix(mix(h, d->front_step), d->deed), d->attached), d->ring);
    h = mix(mix(mix(h, d->wiped), d->unreadable), d->decided_in > d->touched);
    h = mix(mix(h, (uint64_t)d->looked.state), d->looked.ring);
    h = mix(mix(mix(h, d->claimed), d->variant), d->kept);
    h = hash_bytes(mix_crew(h, w, &d->crew), &d->script, sizeof d->script);
    return mix_known(h, w, device_table_find(&e->devices, &d->key));
}

uint64_t sim_world_hash(const struct sim_world *w)
{
    const struct engine *e = w->engine;
    uint64_t h = mix_store(HASH_INIT, w);
    h = mix(mix(h, e->phase), e->batching);
    h = mix(mix(mix(h, e->scan), e->passes), e->listings);
    h = mix(mix(h, e->refused_roots), from_now(w, e->rewatch_at));
    h = mix(mix(h, e->unlisted), from_now(w, e->relist_at));
    h = mix(mix(h, from_now(w, w->wake_at)), w->lost);
    h = mix(mix(mix(mix(h, w->variant), w->in_force), e->reload), e->scripts);
    h = mix(h, !w->idle_at ? 0 : w->idle_at > sim_last_touch(w) ? 2 : 1);
    h = hash_bytes(h, &w->left, sizeof w->left);
    for (unsigned i = 0; i < w->setup.devices; i++)
        h = mix(mix_device(h, w, &w->devices[i]), w->alive[i]);
    return h;
}
