/* SPDX-License-Identifier: MIT */
#include "reconcilers/ends.h"

static bool value_is(const struct value *v, char c)
{
    return v->presence == PRESENT && v->len == 1 && v->text[0] == c;
}

const char *const common_key_names[COMMON_KEYS] = {
    [KEY_STATE] = "state",       [KEY_ONLINE] = "online",
    [KEY_FRONTEND] = "frontend", [KEY_FRONTEND_ID] = "frontend-id",
    [KEY_MARKER] = MARKER_KEY,   [KEY_FRONT_STATE] = "state",
};

void ends_keys(const struct view *view, struct value ret_keys[static COMMON_KEYS])
{
    for (int i = 0; i < COMMON_KEYS; i++)
        ret_keys[i] = view_get(view, i < COMMON_BACKEND_KEYS ? BACKEND : FRONTEND, common_key_names[i]);
}

struct ends ends_of_keys(const struct view *view, const struct value keys[static COMMON_KEYS],
                         bool *ret_bad_frontend)
{
    struct ends ends = {-1, XENBUS_ABSENT, XENBUS_ABSENT};
    const struct value *b = &keys[KEY_STATE], *f = &keys[KEY_FRONT_STATE], *online = &keys[KEY_ONLINE];
    if (value_is(online, '0') || value_is(online, '1'))
        ends.online = online->text[0] == '1';
    if (b->presence == PRESENT && xenbus_state_parse(b->text, b->len, &ends.backend))
        ends.backend = XENBUS_INVALID;
    *ret_bad_frontend = false;
    if (f->presence == PRESENT && view->domain != ABSENT &&
        xenbus_state_parse(f->text, f->len, &ends.frontend)) {
        ends.frontend = XENBUS_UNKNOWN;
        *ret_bad_frontend = true;
    }
    return ends;
}

struct ends ends_of(const struct view *view)
{
    struct value keys[COMMON_KEYS];
    bool bad;
    ends_keys(view, keys);
    return ends_of_keys(view, keys, &bad);
}
