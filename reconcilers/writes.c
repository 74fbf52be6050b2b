/* SPDX-License-Identifier: MIT */
#include "reconcilers/writes.h"

#include <string.h>

#include "reconcilers/phase.h"

static void put_value(struct situation *s, struct action *a, const char *key, const struct value *old,
                      const char *value)
{
    if (old->presence != PRESENT || old->len != strlen(value) || memcmp(old->text, value, old->len) != 0)
        action_write(s->plan, a, view_key_path(s->view, BACKEND, key, &s->plan->arena), value);
}

void put_key(struct situation *s, struct action *a, const char *key, const char *value)
{
    struct value old = view_get(s->view, BACKEND, key);
    put_value(s, a, key, &old, value);
}

void put_marker(struct situation *s, struct action *a, struct marker m)
{
    char text[MARKER_SIZE];
    marker_format(&m, text);
    put_value(s, a, MARKER_KEY, &s->keys[KEY_MARKER],
              m.incarnation ? text : arena_printf(&s->plan->arena, "<new>%s", text + 16));
}

void put_state(struct situation *s, struct action *a, enum xenbus_state state, const struct marker *ring)
{
    struct marker m = {.incarnation = phase_held(s) ? s->object.incarnation : s->in->fresh_incarnation,
                       .wrote = state};
    if (ring && ring->connected) {
        m.connected = true;
        m.ring = ring->ring;
    }
    put_marker(s, a, m);
    put_value(s, a, "state", &s->keys[KEY_STATE], xenbus_state_text(state));
}

void put_state_again(struct situation *s, struct action *a)
{
    action_write(s->plan, a, view_key_path(s->view, BACKEND, "state", &s->plan->arena),
                 xenbus_state_text(s->b));
}

void remove_parents(struct situation *s, struct action *a)
{
    const struct view *v = s->view;
    struct arena *m = &s->plan->arena;
    if (!s->policy->destroy.parents || v->backend_domid != 0)
        return;
    const char *type = arena_printf(m, "/local/domain/%u/backend/%s", v->backend_domid, v->device.type);
    action_remove(s->plan, a, arena_printf(m, "%s/%u", type, v->device.domid), true);
    action_remove(s->plan, a, type, true);
}
