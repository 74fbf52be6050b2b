/* SPDX-License-Identifier: MIT */
/* The states of a xenbus device end, as in Xen's public header io/xenbus.h, and how they are written in the
 * store: one decimal digit. */
#ifndef XENRECON_XENBUS_H
#define XENRECON_XENBUS_H

#include <stddef.h>

#define XENBUS_STATES(X)                 \
    X(0, UNKNOWN, "Unknown")             \
    X(1, INITIALISING, "Initialising")   \
    X(2, INIT_WAIT, "InitWait")          \
    X(3, INITIALISED, "Initialised")     \
    X(4, CONNECTED, "Connected")         \
    X(5, CLOSING, "Closing")             \
    X(6, CLOSED, "Closed")               \
    X(7, RECONFIGURING, "Reconfiguring") \
    X(8, RECONFIGURED, "Reconfigured")

enum xenbus_state {
#define X(number, name, text) XENBUS_##name = (number),
    XENBUS_STATES(X)
#undef X
        XENBUS_STATE_COUNT,
    XENBUS_INVALID = XENBUS_STATE_COUNT, /* there is one, and it is none of these */
    XENBUS_ABSENT = -1,     /* there is no `state` key; prints as null in JSON and "absent" in text */
    XENBUS_UNREADABLE = -3, /* for reports: nobody knows; prints as "?" */
};

/* Never NULL; "absent" for XENBUS_ABSENT, "?" for XENBUS_UNREADABLE. */
const char *xenbus_state_name(enum xenbus_state state);

/* As it is in the store, of one that can be there. */
const char *xenbus_state_text(enum xenbus_state state);

/* 0 and *ret_state, or -EINVAL for anything but one digit from 0 to 8. */
int xenbus_state_parse(const char *text, size_t len, enum xenbus_state *ret_state);

#endif
