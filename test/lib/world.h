/* SPDX-License-Identifier: MIT */
/* The decision table in motion: what the real decide() is explored against. A world is what the store holds
 * of one device, what the daemon remembers, its worker, and how far the programs of the frontend and the
 * toolstack have come. Header only. */
#ifndef XENRECON_TEST_WORLD_H
#define XENRECON_TEST_WORLD_H

#include <stdint.h>
#include <stdio.h>

#include "test/lib/crew.h"
#include "test/lib/programs.h"

/* ---- worlds ---- */

struct world {
    bool b_gone, marked, connected, created; /* created: what is published with InitWait is there */
    int b, online, f;
    int wrote, marker_ring, marker_is; /* the marker's */
    int ring;                          /* F's connect keys: 0 none */
    bool readonly;                     /* the mode that the toolstack asks for */
    int published;                     /* what B has of the worker's; 0: nothing */
    struct object object;
    struct crew crew;
    int step, deed, crashes;
};

static const struct world world_start = {
    .b = XENBUS_INITIALISING, .online = 1, .f = XENBUS_INITIALISING, .crashes = 2, .crew = {.size = 1}};

/* The world without B. */
static inline void world_remove(struct world *w)
{
    *w = (struct world){.b_gone = true,
                        .f = w->f,
                        .ring = w->ring,
                        .object = w->object,
                        .crew = w->crew,
                        .step = w->step,
                        .deed = w->deed,
                        .crashes = w->crashes};
}

/* What the world is, as one number; 0 is none. */
struct world_key {
    uint64_t word[2];
};

static inline int published_number(uint64_t hash)
{
    for (int i = 1; hash && i <= 2; i++) {
        struct worker w = {.published = &crew_publishes[i - 1], .n_published = 1};
        if (worker_published(&w) == hash)
            return i;
    }
    return hash ? 3 : 0; /* of nothing */
}

static inline struct world_key world_pack(const struct world *w)
{
    const struct crew *c = &w->crew;
    struct world_key k = {{1, 1}};
#define PACK(at, value, bits) (k.word[at] = k.word[at] << (bits) | (uint64_t)(unsigned)(value))
    PACK(0, w->b_gone, 1);
    PACK(0, w->marked, 1);
    PACK(0, w->connected, 1);
    PACK(0, w->created, 1);
    PACK(0, w->b, 4);
    PACK(0, w->online, 1);
    PACK(0, w->f + 1, 4);
    PACK(0, w->wrote, 4);
    PACK(0, w->marker_ring, 2);
    PACK(0, w->marker_is, 3);
    PACK(0, w->ring, 2);
    PACK(0, w->readonly, 1);
    PACK(0, w->published, 2);
    PACK(0, w->step, 4);
    PACK(0, w->deed, 2);
    PACK(0, w->crashes, 2);
    PACK(0, w->object.phase, 3);
    PACK(0, w->object.front_connected, 1);
    PACK(0, w->object.unpublished, 1);
    PACK(0, incarnation_number(w->object.incarnation), 3);
    PACK(0, published_number(w->object.published), 2);
    PACK(1, w->object.command, 32);
    PACK(1, c->state, 3);
    PACK(1, c->incarnation, 3);
    PACK(1, c->ring, 2);
    PACK(1, c->refused, 2);
    PACK(1, c->readonly, 1);
    PACK(1, c->known, 1);
    PACK(1, c->doomed, 1);
    PACK(1, c->told, 2);
    PACK(1, c->size, 2);
    PACK(1, c->found, 1);
    PACK(1, c->ending, 1);
    PACK(1, c->ending_holds, 1);
    PACK(1, c->ending_incarnation, 3);
    PACK(1, c->mishaps, 2);
#undef PACK
    return k;
}

static inline bool world_same(const struct world *a, const struct world *b)
{
    struct world_key x = world_pack(a), y = world_pack(b);
    return x.word[0] == y.word[0] && x.word[1] == y.word[1];
}

/* ---- the controller in the world ---- */

/* `asked`: also what the worker publishes was read. */
static inline struct view *world_view(const struct world *w, bool asked, uint16_t self)
{
    struct scene s = {.gone = w->b_gone, .self = self};
    char b[128], f[128], text[MARKER_SIZE];
    snprintf(b, sizeof b, "online=%d state=%d%s%s", w->online, w->b, w->readonly ? " mode=r" : "",
             w->created ? " feature-flush-cache=1 hotplug-status=connected" : "");
    snprintf(f, sizeof f, "state=%d %s", w->f, w->ring ? rings[w->ring] : "");
    s.b = b;
    s.f = w->f == XENBUS_ABSENT ? NULL : f;
    struct view *v = scene_view(&s);
    if (w->b_gone)
        return v;
    if (w->marked) {
        struct marker m = {incarnation_value(w->marker_is), (enum xenbus_state)w->wrote, w->connected,
                           ring_hashes[w->marker_ring]};
        marker_format(&m, text);
        view_add(v, BACKEND, MARKER_KEY, PRESENT, text, strlen(text));
    }
    if (asked && w->published)
        view_add(v, BACKEND, "sectors", PRESENT, crew_publishes[w->published - 1].value, 3);
    else if (asked)
        view_add(v, BACKEND, "sectors", ABSENT, NULL, 0);
    view_seal(v);
    return v;
}

/* The least that nobody has. */
static inline int world_fresh(const struct world *w)
{
    int object = incarnation_number(w->object.incarnation);
    for (int i = 1;; i++)
        if (i != object && i != w->crew.incarnation && i != w->crew.ending_incarnation &&
            !(w->marked && i == w->marker_is))
            return i;
}

static inline void world_apply_marker(struct world *w, const char *text)
{
    struct marker m;
    require(!marker_parse(text, strlen(text), &m), "marker %s", text);
    w->marked = true;
    w->marker_is = incarnation_number(m.incarnation);
    w->wrote = (int)m.wrote;
    w->connected = m.connected;
    w->marker_ring = m.connected ? ring_number(m.ring) : 0;
    require(!m.connected || w->marker_ring, "a ring that is none: %s", text);
}

/* The plan's writes and removals. */
static inline void world_apply(struct world *w, const struct plan *plan, const struct view *v)
{
    const char *state = scene_written(plan, v, "state"), *marker = scene_written(plan, v, MARKER_KEY);
    const char *sectors = scene_written(plan, v, "sectors");
    if (state)
        w->b = state[0] - '0';
    if (marker)
        world_apply_marker(w, marker);
    if (scene_written(plan, v, "hotplug-status"))
        w->created = true;
    if (sectors)
        w->published = sectors[0] - '0';
    for (size_t i = 0; i < plan->n_actions; i++)
        for (size_t j = 0; j < plan->actions[i].n_removals; j++)
            if (!strcmp(plan->actions[i].removals[j].path, v->path[BACKEND]))
                world_remove(w);
}

/* What the daemon remembers. Time passes between two moves: no window, no hold goes on. */
static inline void world_remember(struct world *w, const struct object *o)
{
    w->object = *o;
    w->object.cycles = 0;
    w->object.cycles_since = w->object.phase_since = 0;
    if (w->object.phase == OBJECT_NONE)
        w->object = (struct object){0};
}

/* ---- the others ---- */

static inline bool frontend_moves(struct world *w, const struct frontend *f, const struct toolstack *t)
{
    const struct step *step = &f->steps[w->step];
    if (step->verb == END || w->f == XENBUS_ABSENT)
        return false;
    if (t->deeds[0] == WRITE_CLOSED && w->deed) /* a paused guest's: that is why libxl does so */
        return false;
    if (step->verb == WAIT && (w->b_gone || !(step->arg & 1u << w->b)))
        return false;
    if (step->verb == SET)
        w->f = (int)step->arg;
    if (step->verb == RING)
        w->ring = (int)step->arg;
    w->step++;
    return true;
}

static inline bool toolstack_moves(struct world *w, const struct toolstack *t)
{
    struct world anew = world_start;
    enum deed deed = t->deeds[w->deed];
    if (deed == DONE || (w->b_gone && (deed == DETACH || deed == WRITE_CLOSED)))
        return false;
    switch (deed) {
    case DONE:
        break;
    case DETACH:
        w->online = 0;
        if (w->b != XENBUS_CLOSED)
            w->b = XENBUS_CLOSING;
        break;
    case WRITE_CLOSED:
        w->b = XENBUS_CLOSED;
        break;
    case REMOVE:
        world_remove(w);
        break;
    case REMOVE_FRONTEND:
        w->f = XENBUS_ABSENT;
        w->ring = 0;
        break;
    case REPLACE:
        anew.object = w->object;
        anew.crew = w->crew;
        anew.deed = w->deed;
        anew.crashes = w->crashes;
        *w = anew;
        break;
    case CORRECT:
        w->readonly = w->b == XENBUS_INITIALISING;
        break;
    }
    w->deed++;
    return true;
}

/* The store, when nothing moves any more. */
static inline bool at_rest_as_wanted(const struct world *w, const struct frontend *f,
                                     const struct toolstack *t)
{
    bool active = w->f >= XENBUS_INIT_WAIT && w->f <= XENBUS_CLOSING;
    if (!toolstack_keeps(t))
        return w->b_gone || (w->online == 0 && active);
    return f->steps[w->step].verb == END && !w->b_gone && w->b == XENBUS_CONNECTED && w->connected &&
           w->marker_ring == w->ring;
}

/* It wrote Closed, is about to delete, and must not be answered. */
static inline bool toolstack_wrote_closed(const struct world *w, const struct toolstack *t)
{
    return t->deeds[0] == WRITE_CLOSED && w->deed == 1 && w->b == XENBUS_CLOSED && w->marked &&
           w->wrote != XENBUS_CLOSED;
}

static inline void world_print(const char *what, const struct world *w)
{
    const struct crew *c = &w->crew;
    printf("  %-24s B %d online %d, F %d ring %d, marker %d of %d ring %d, phase %d of %d%s, step %d; ", what,
           w->b_gone ? -1 : w->b, w->online, w->f, w->ring, w->marked ? w->wrote : -1, w->marker_is,
           w->marker_ring, w->object.phase, incarnation_number(w->object.incarnation),
           w->object.unpublished ? " unpublished" : "", w->step);
    printf("worker %d of %d ring %d%s%s%s, publishes %d, said %d, B has %d; crashes left %d, mishaps %d\n",
           c->state, c->incarnation, c->ring, c->known ? "" : " unknown", c->doomed ? " doomed" : "",
           c->ending ? " (another ends)" : "", c->size, c->told, w->published, w->crashes, c->mishaps);
}

#endif
