/* SPDX-License-Identifier: MIT */
/* The rows for `owner: kernel` and `owner: external`: somebody else drives the backend's state. We look, and
 * say what is wrong. */
#include "reconcilers/situation.h"

static enum outcome on_steady(struct situation *s)
{
    situation_observe(s);
    return DECIDED;
}

const struct rule observe_rules[ROW_COUNT] = {
    [ROW_VANISHED] = {vanished, on_vanished},
    [ROW_UNREADABLE] = {unreadable, on_nothing},
    [ROW_BAD_VALUE] = {bad_value, on_nothing},
    [ROW_INCOMPLETE_DIR] = {incomplete_dir, on_incomplete_dir},
    [ROW_MISMATCHED] = {mismatched, on_mismatched},
    [ROW_STEADY] = {always, on_steady},
};
