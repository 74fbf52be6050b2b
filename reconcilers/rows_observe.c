/* SPDX-License-Identifier: MIT */
/* The rows for `owner: kernel` and `owner: external`: somebody else drives the backend's state. We look, say
 * what is wrong, and where the policy wants it remove what nobody uses any more. */
#include "reconcilers/rows_observe.h"

#include "reconcilers/rows_common.h"
#include "reconcilers/rows_hotplug.h"
#include "reconcilers/rows_orphan.h"
#include "reconcilers/rows_steady.h"

const struct rule observe_rules[ROW_COUNT] = {
    [ROW_VANISHED] = {vanished, on_vanished},
    [ROW_UNREADABLE] = {unreadable, on_unreadable},
    [ROW_BAD_VALUE] = {bad_value, on_nothing},
    [ROW_INCOMPLETE_DIR] = {incomplete_dir, on_incomplete_dir},
    [ROW_MISMATCHED] = {mismatched, on_mismatched},
    [ROW_HOTPLUG_ADD] = {hotplug_add, on_hotplug_add},
    [ROW_HOTPLUG_REMOVE] = {hotplug_remove, on_hotplug_remove},
    [ROW_COLLECT] = {collect, on_collect},
    [ROW_ORPHAN] = {orphan, on_orphan},
    [ROW_STEADY] = {always, on_steady},
};
