/* SPDX-License-Identifier: MIT */
/* The JSON Schema of policies: made from the parser's table, and committed. */
#include <jansson.h>

#include "schemas/policy/fields.h"
#include "schemas/policy/policy.h"
#include "test/lib/unit.h"

static void assert_describes(const json_t *object, const struct field *fields)
{
    const json_t *properties = json_object_get(object, "properties");
    size_t n = 0;
    ck_assert(json_is_false(json_object_get(object, "additionalProperties")));
    for (const struct field *f = fields; f->name; f++, n++) {
        const json_t *property = json_object_get(properties, f->name);
        ck_assert_msg(property != NULL, "%s is not in the schema", f->name);
        ck_assert_str_eq(json_string_value(json_object_get(property, "description")), f->about);
        if (f->kind == FIELD_SECTION)
            assert_describes(property, f->fields);
        else if (f->kind == FIELD_KEYS)
            assert_describes(json_object_get(property, "additionalProperties"), f->fields);
        else
            ck_assert_uint_gt(json_object_size(property), 1);
    }
    ck_assert_uint_eq(json_object_size(properties), n);
}

START_TEST(schema_describes_the_table)
{
    char *text = policy_json_schema();
    json_error_t error;
    json_t *schema = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(schema != NULL, "%s", error.text);
    ck_assert_str_eq(json_string_value(json_object_get(schema, "$schema")),
                     "http://json-schema.org/draft-07/schema#");
    assert_describes(schema, policy_fields);
    ck_assert_uint_eq(json_array_size(json_object_get(schema, "required")), 3);
    json_decref(schema);
    free(text);
}
END_TEST

START_TEST(schema_is_the_committed_one)
{
    size_t len;
    char *text = policy_json_schema(), *committed = file_text("schemas/policy.schema.json", &len);
    ck_assert_msg(strcmp(text, committed) == 0,
                  "schemas/policy.schema.json is not what `xenrecon policy schema` prints");
    free(text);
    free(committed);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("policy schema");
    TCase *t = tcase_create("schema");
    tcase_add_test(t, schema_describes_the_table);
    tcase_add_test(t, schema_is_the_committed_one);
    suite_add_tcase(s, t);
    return run_suite(s);
}
