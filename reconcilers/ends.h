/* SPDX-License-Identifier: MIT */
/* The two ends of a device as the decision table sees them, from the keys that every device has. Values only;
 * what `keys` point to is the view's. */
#ifndef XENRECON_ENDS_H
#define XENRECON_ENDS_H

#include "schemas/marker.h"
#include "schemas/view.h"

/* The keys that every device has, whatever its policy says. */
enum common_key {
    KEY_STATE,
    KEY_ONLINE,
    KEY_FRONTEND,
    KEY_FRONTEND_ID,
    KEY_MARKER,
    COMMON_BACKEND_KEYS,
    KEY_FRONT_STATE = COMMON_BACKEND_KEYS,
    COMMON_KEYS,
};
extern const char *const common_key_names[COMMON_KEYS];

/* STATE_IN(state, ONE, OTHER): is it one of these? Up to six, which are known when this is compiled. */
enum { NO_STATE = -2 };
#define STATE_BIT(state) (1u << ((int)(state)-NO_STATE))
#define STATE_BITS(a, b, c, d, e, f, ...) \
    (STATE_BIT(a) | STATE_BIT(b) | STATE_BIT(c) | STATE_BIT(d) | STATE_BIT(e) | STATE_BIT(f))
#define STATE_IN(state, ...) \
    ((STATE_BIT(state) &     \
      STATE_BITS(__VA_ARGS__, NO_STATE, NO_STATE, NO_STATE, NO_STATE, NO_STATE, NO_STATE)) != 0)

struct ends {
    int online; /* 1, 0, or -1: absent or not understood */
    enum xenbus_state backend;
    enum xenbus_state frontend; /* XENBUS_ABSENT where its domain is gone */
};

void ends_keys(const struct view *view, struct value ret_keys[static COMMON_KEYS]);
/* *ret_bad_frontend: F's state is there and cannot be understood. */
struct ends ends_of_keys(const struct view *view, const struct value keys[static COMMON_KEYS],
                         bool *ret_bad_frontend);
struct ends ends_of(const struct view *view);

#endif
