/* SPDX-License-Identifier: MIT */
#include "reconcilers/transitions.h"

#include <string.h>

#include "reconcilers/data_plane.h"

/* How often connect keys that are missing are looked for, before their deadline and after it; milliseconds.
 */
enum { LOOK_SOON = 500, LOOK_SLOWLY = 5000 };

bool object_held(const struct situation *s)
{
    return s->object.phase != OBJECT_NONE;
}

void object_enter(struct situation *s, enum object_phase phase)
{
    s->object.phase = phase;
    s->object.phase_since = s->in->now;
    s->object.front_connected = false;
}

void object_release(struct situation *s, const char *why)
{
    bool runs = s->worker.state != WORKER_NONE;
    if (object_held(s) || runs)
        plan_act(s->plan, ACTION_RELEASE, why)->task = runs ? TASK_STOP : TASK_NONE;
    s->object = (struct object){0};
    s->worker = (struct worker){0};
}

void effect_remove_parents(struct situation *s, struct action *a)
{
    const struct view *v = s->view;
    struct arena *m = &s->plan->arena;
    if (!s->policy->destroy.parents || v->self != 0)
        return;
    const char *type = arena_printf(m, "/local/domain/%u/backend/%s", v->self, v->device.type);
    action_remove(s->plan, a, arena_printf(m, "%s/%u", type, v->device.domid), true);
    action_remove(s->plan, a, type, true);
}

enum outcome effect_release(struct situation *s, const char *why)
{
    object_release(s, why);
    return AGAIN;
}

static void put(struct situation *s, struct action *a, const char *key, const struct value *old,
                const char *value)
{
    if (old->presence != PRESENT || old->len != strlen(value) || memcmp(old->text, value, old->len) != 0)
        action_write(s->plan, a, view_key_path(s->view, BACKEND, key, &s->plan->arena), value);
}

void effect_put(struct situation *s, struct action *a, const char *key, const char *value)
{
    struct value old = view_get(s->view, BACKEND, key);
    put(s, a, key, &old, value);
}

void effect_put_marker(struct situation *s, struct action *a, struct marker m)
{
    char text[MARKER_SIZE];
    marker_format(&m, text);
    put(s, a, MARKER_KEY, &s->keys[KEY_MARKER],
        m.incarnation ? text : arena_printf(&s->plan->arena, "<new>%s", text + 16));
}

void effect_put_state(struct situation *s, struct action *a, enum xenbus_state state,
                      const struct marker *ring)
{
    struct marker m = {.incarnation = object_held(s) ? s->object.incarnation : s->in->fresh_incarnation,
                       .wrote = state};
    if (ring && ring->connected) {
        m.connected = true;
        m.ring = ring->ring;
    }
    effect_put_marker(s, a, m);
    put(s, a, "state", &s->keys[KEY_STATE], xenbus_state_text(state));
}

void effect_touch_state(struct situation *s, struct action *a)
{
    action_write(s->plan, a, view_key_path(s->view, BACKEND, "state", &s->plan->arena),
                 xenbus_state_text(s->b));
}

bool object_connected(const struct situation *s)
{
    return s->object.phase == OBJECT_CONNECTED || s->object.phase == OBJECT_CONNECTING || s->marker.connected;
}

enum outcome effect_close(struct situation *s, enum xenbus_state state, const char *why)
{
    if (worker_employed(s)) {
        if (!worker_disconnect(s, why) && state == XENBUS_CLOSED)
            return DECIDED;
    } else {
        if (object_connected(s))
            plan_act(s->plan, ACTION_DISCONNECT, why);
        object_enter(s, OBJECT_READY);
    }
    effect_put_state(s, plan_act(s->plan, ACTION_CLOSE, why), state, NULL);
    return DECIDED;
}

/* A worker is told of every declared key, so every one may make another ring. */
static bool ring_key(const struct policy *p, const struct key_spec *spec)
{
    return spec->required == REQUIRED_CONNECT || (p->worker.command && spec->required != REQUIRED_CREATE);
}

uint64_t view_ring(const struct policy *p, const struct view *v)
{
    uint64_t h = HASH_INIT;
    for (size_t i = 0; i < v->n_keys[FRONTEND]; i++) {
        const struct view_key *k = &v->keys[FRONTEND][i];
        const struct key_spec *spec = policy_find_key(p, FRONTEND, k->name);
        if (!spec || !ring_key(p, spec) || k->value.presence != PRESENT)
            continue;
        h = hash_bytes(h, k->name, strlen(k->name) + 1);
        h = hash_bytes(h, k->value.text, k->value.len);
        h = hash_bytes(h, "", 1);
    }
    return h;
}

enum severity effect_patience(struct situation *s, uint32_t deadline)
{
    uint64_t since = situation_since(s);
    if (!s->in->now)
        return SEVERITY_WARNING;
    if (s->in->now - since >= deadline)
        return SEVERITY_ERROR;
    plan_wake(s->plan, since + deadline, false);
    return SEVERITY_WARNING;
}

bool effect_connect_keys(struct situation *s)
{
    if (situation_keys_complete(s, FRONTEND, REQUIRED_CONNECT))
        return true;
    enum severity severity = effect_patience(s, s->policy->deadlines.connect);
    situation_say_keys(s, FRONTEND, REQUIRED_CONNECT, severity);
    /* only F's state is watched, and this guest may write its ring after it */
    if (s->in->now)
        plan_wake(s->plan, s->in->now + (severity == SEVERITY_ERROR ? LOOK_SLOWLY : LOOK_SOON), false);
    return false;
}

void effect_connect(struct situation *s, bool anew, const char *why)
{
    if (worker_connect(s, anew, why) == CONNECTION_WAITS)
        return;
    struct marker ring = {.connected = true, .ring = view_ring(s->policy, s->view)};
    effect_put_state(s,
                     plan_act(s->plan, ACTION_CONNECT, worker_employed(s) ? "the worker has connected" : why),
                     XENBUS_CONNECTED, &ring);
    object_enter(s, OBJECT_CONNECTED);
    s->object.front_connected = s->f == XENBUS_CONNECTED;
}
