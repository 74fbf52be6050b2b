/* SPDX-License-Identifier: MIT */
#include "reconcilers/writes.h"

#include <string.h>

#include "reconcilers/phase.h"

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
