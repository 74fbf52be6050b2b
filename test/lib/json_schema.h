/* SPDX-License-Identifier: MIT */
/* As much of JSON Schema draft-07 as our own schemas use. A keyword that it does not know fails the test, so
 * that nothing is taken for checked that is not. */
#ifndef XENRECON_TEST_JSON_SCHEMA_H
#define XENRECON_TEST_JSON_SCHEMA_H

#include <check.h>
#include <jansson.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline bool schema_has_type(json_t *value, const char *type)
{
    static const struct {
        const char *name;
        json_type type;
    } types[] = {{"object", JSON_OBJECT},   {"array", JSON_ARRAY}, {"string", JSON_STRING},
                 {"integer", JSON_INTEGER}, {"null", JSON_NULL},   {"boolean", JSON_TRUE},
                 {"boolean", JSON_FALSE}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, type) == 0 && types[i].type == json_typeof(value))
            return true;
    return false;
}

/* `rule` is a type's name or a list of them. */
static inline bool schema_has_types(json_t *value, json_t *rule)
{
    if (json_is_string(rule))
        return schema_has_type(value, json_string_value(rule));
    for (size_t i = 0; i < json_array_size(rule); i++)
        if (schema_has_type(value, json_string_value(json_array_get(rule, i))))
            return true;
    return false;
}

static inline bool schema_is_one_of(json_t *value, json_t *rule)
{
    for (size_t i = 0; i < json_array_size(rule); i++)
        if (json_equal(value, json_array_get(rule, i)))
            return true;
    return false;
}

static inline bool schema_matches(json_t *value, json_t *rule)
{
    if (!json_is_string(value))
        return true; /* a pattern is about texts only */
    regex_t re;
    ck_assert_int_eq(regcomp(&re, json_string_value(rule), REG_EXTENDED | REG_NOSUB), 0);
    bool matches = json_is_string(value) && regexec(&re, json_string_value(value), 0, NULL, 0) == 0;
    regfree(&re);
    return matches;
}

static inline bool schema_has_all(json_t *value, json_t *rule)
{
    for (size_t i = 0; i < json_array_size(rule); i++)
        if (!json_object_get(value, json_string_value(json_array_get(rule, i))))
            return false;
    return true;
}

static inline bool schema_has_no_other(json_t *value, json_t *properties)
{
    for (void *i = json_object_iter(value); i; i = json_object_iter_next(value, i))
        if (!json_object_get(properties, json_object_iter_key(i)))
            return false;
    return true;
}

static inline bool schema_valid(json_t *root, json_t *schema, json_t *value);

static inline bool schema_children_valid(json_t *root, json_t *properties, json_t *value)
{
    for (void *i = json_object_iter(properties); i; i = json_object_iter_next(properties, i)) {
        json_t *child = json_object_get(value, json_object_iter_key(i));
        if (child && !schema_valid(root, json_object_iter_value(i), child))
            return false;
    }
    return true;
}

static inline bool schema_items_valid(json_t *root, json_t *items, json_t *value)
{
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!schema_valid(root, items, json_array_get(value, i)))
            return false;
    return true;
}

static inline bool schema_rule_holds(json_t *root, json_t *schema, const char *name, json_t *rule,
                                     json_t *value)
{
    static const char reference[] = "#/definitions/";
    static const char *const notes[] = {"$schema", "title", "description", "definitions"};
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
        if (strcmp(name, notes[i]) == 0)
            return true;
    if (strcmp(name, "type") == 0)
        return schema_has_types(value, rule);
    if (strcmp(name, "const") == 0)
        return json_equal(value, rule);
    if (strcmp(name, "enum") == 0)
        return schema_is_one_of(value, rule);
    if (strcmp(name, "minimum") == 0)
        return json_integer_value(value) >= json_integer_value(rule);
    if (strcmp(name, "maximum") == 0)
        return json_integer_value(value) <= json_integer_value(rule);
    if (strcmp(name, "pattern") == 0)
        return schema_matches(value, rule);
    if (strcmp(name, "required") == 0)
        return schema_has_all(value, rule);
    if (strcmp(name, "properties") == 0)
        return schema_children_valid(root, rule, value);
    if (strcmp(name, "additionalProperties") == 0 && json_is_false(rule))
        return schema_has_no_other(value, json_object_get(schema, "properties"));
    if (strcmp(name, "items") == 0)
        return schema_items_valid(root, rule, value);
    if (strcmp(name, "$ref") == 0) {
        const char *to = json_string_value(rule);
        ck_assert(strncmp(to, reference, sizeof reference - 1) == 0);
        json_t *target = json_object_get(json_object_get(root, "definitions"), to + sizeof reference - 1);
        ck_assert_ptr_nonnull(target);
        return schema_valid(root, target, value);
    }
    ck_abort_msg("JSON Schema keyword `%s` is not known here", name);
    return false;
}

/* Does the value fit `schema`, which is `root` or a part of it? Prints the rule that it breaks. */
static inline bool schema_valid(json_t *root, json_t *schema, json_t *value)
{
    for (void *i = json_object_iter(schema); i; i = json_object_iter_next(schema, i)) {
        const char *name = json_object_iter_key(i);
        if (!schema_rule_holds(root, schema, name, json_object_iter_value(i), value)) {
            char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
            fprintf(stderr, "breaks `%s`: %s\n", name, text);
            free(text);
            return false;
        }
    }
    return true;
}

#endif
