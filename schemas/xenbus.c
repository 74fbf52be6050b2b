/* SPDX-License-Identifier: MIT */
#include "schemas/xenbus.h"

#include <assert.h>
#include <errno.h>

static const char *const names[] = {
#define X(number, name, text) [number] = (text),
    XENBUS_STATES(X)
#undef X
};
_Static_assert(sizeof names / sizeof *names == XENBUS_STATE_COUNT, "every state has a name");

const char *xenbus_state_name(enum xenbus_state state)
{
    if (state == XENBUS_ABSENT)
        return "absent";
    if (state == XENBUS_UNREADABLE)
        return "?";
    return state >= 0 && state < XENBUS_STATE_COUNT ? names[state] : "invalid";
}

const char *xenbus_state_text(enum xenbus_state state)
{
    static const char texts[][2] = {
#define X(number, name, text) [number] = #number,
        XENBUS_STATES(X)
#undef X
    };
    assert(state >= 0 && state < XENBUS_STATE_COUNT);
    return texts[state];
}

int xenbus_state_parse(const char *text, size_t len, enum xenbus_state *ret_state)
{
    if (len != 1 || text[0] < '0' || text[0] >= '0' + XENBUS_STATE_COUNT)
        return -EINVAL;
    *ret_state = (enum xenbus_state)(text[0] - '0');
    return 0;
}
