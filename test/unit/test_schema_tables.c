/* SPDX-License-Identifier: MIT */
/* The JSON Schemas list the words that the tables have, in their order: no more and no less. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reconcilers/object.h"
#include "reconcilers/worker.h"
#include "schemas/finding.h"
#include "schemas/plan.h"
#include "schemas/policy/policy.h"
#include "schemas/row.h"
#include "schemas/xenbus.h"
#include "test/lib/unit.h"

static const char *nth_code(int n)
{
    return n < FINDING_COUNT ? finding_code_name((enum finding_code)n) : NULL;
}
static const char *nth_severity(int n)
{
    return n <= SEVERITY_ERROR ? severity_name((enum severity)n) : NULL;
}
static const char *nth_action(int n)
{
    return n < ACTION_COUNT ? action_name((enum action_kind)n) : NULL;
}
static const char *nth_row(int n)
{
    return n < ROW_COUNT ? row_name((enum row)n) : NULL;
}
static const char *nth_state(int n)
{
    return n < XENBUS_STATE_COUNT ? xenbus_state_name((enum xenbus_state)n) : NULL;
}

static const char *nth_shown_state(int n)
{
    return n == XENBUS_STATE_COUNT ? xenbus_state_name(XENBUS_UNREADABLE) : nth_state(n);
}
static const char *nth_owner(int n)
{
    return n <= OWNER_EXTERNAL ? owner_name((enum owner)n) : NULL;
}
static const char *nth_phase(int n)
{
#define X(name, text) OBJECT_##name,
    static const enum object_phase phases[] = {OBJECT_PHASES(X)};
#undef X
    return (size_t)n < sizeof phases / sizeof *phases ? object_phase_name(phases[n]) : NULL;
}

static const struct {
    const char *schema, *place;
    const char *(*nth)(int n);
    bool or_null;
} tables[] = {
    {"plan", "definitions/finding/properties/code", nth_code, false},
    {"plan", "definitions/finding/properties/severity", nth_severity, false},
    {"plan", "definitions/action/properties/action", nth_action, false},
    {"plan", "definitions/device/properties/row", nth_row, false},
    {"plan", "definitions/device/properties/owner", nth_owner, false},
    {"plan", "definitions/state", nth_shown_state, true},
    {"status", "definitions/state", nth_state, true},
    {"status", "definitions/device/properties/owner", nth_owner, true},
    {"status", "definitions/device/properties/phase", nth_phase, false},
    {"status", "definitions/device/properties/row", nth_row, true},
    {"status", "definitions/device/properties/findings/items", nth_code, false},
    {"history", "properties/decisions/items/properties/row", nth_row, false},
    {"history", "properties/decisions/items/properties/phase", nth_phase, false},
    {"history", "properties/decisions/items/properties/actions/items/properties/action", nth_action, false},
    {"history", "properties/decisions/items/properties/findings/items/properties/code", nth_code, false},
    {"history", "properties/decisions/items/properties/findings/items/properties/severity", nth_severity,
     false},
};

START_TEST(schema_has_the_table)
{
    char path[64], place[128];
    json_error_t error;
    snprintf(path, sizeof path, "schemas/%s.schema.json", tables[_i].schema);
    json_t *schema = json_load_file(path, JSON_REJECT_DUPLICATES, &error), *at = schema;
    ck_assert_msg(schema != NULL, "%s:%d: %s", path, error.line, error.text);
    snprintf(place, sizeof place, "%s", tables[_i].place);
    for (char *rest = place, *step; (step = strsep(&rest, "/"));)
        at = json_object_get(at, step);
    json_t *list = json_object_get(at, "enum");
    ck_assert_msg(json_is_array(list), "%s: no list at %s", path, tables[_i].place);
    int n = 0;
    for (const char *want; (want = tables[_i].nth(n)); n++)
        ck_assert_pstr_eq(json_string_value(json_array_get(list, (size_t)n)), want);
    if (tables[_i].or_null) {
        const json_t *last = json_array_get(list, (size_t)n++);
        ck_assert(last && json_is_null(last));
    }
    ck_assert_uint_eq(json_array_size(list), (size_t)n);
    json_decref(schema);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("schema tables");
    TCase *tc = tcase_create("schema tables");

    tcase_add_loop_test(tc, schema_has_the_table, 0, sizeof tables / sizeof *tables);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
