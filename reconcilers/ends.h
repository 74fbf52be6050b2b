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

struct ends {
    int online; /* 1, 0, or -1: absent or not understood */
    enum xenbus_state backend;
    enum xenbus_state frontend; /* XENBUS_ABSENT where its domain is gone */
};

void situation_keys(const struct view *view, struct value ret_keys[static COMMON_KEYS]);
/* *ret_bad_frontend: F's state is there and cannot be understood. */
struct ends situation_ends(const struct view *view, const struct value keys[static COMMON_KEYS],
                           bool *ret_bad_frontend);
struct ends view_ends(const struct view *view);

#endif
