/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"
#include "schemas/policy/duration.h"
#include "schemas/policy/fields.h"
#include "schemas/policy/policy.h"
#include "schemas/policy/yaml.h"

#define COMPONENT "[A-Za-z0-9_@-]+"

static json_t *object_of(const struct field *fields);

/* YAML reads some words as something else; the parser takes them as they are written. */
static json_t *words_as_written(void)
{
    return json_pack("{s:[s,s,s], s:i}", "type", "string", "number", "boolean", "maxLength",
                     DOCUMENT_TEXT_MAX);
}

static json_t *json_choice(const char *text)
{
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return json_boolean(*text == 't');
    return json_string(text);
}

static json_t *choices_of(const struct field *f)
{
    json_t *list = json_array();
    for (size_t i = 0; f->choices[i]; i++)
        json_array_append_new(list, json_choice(f->choices[i]));
    return json_pack("{s:o}", "enum", list);
}

static json_t *keys_of(const struct field *f)
{
    json_t *key = object_of(f->fields);
    json_object_set_new(key, "type", json_pack("[s,s]", "object", "null"));
    return json_pack("{s:s, s:i, s:{s:i, s:s}, s:o}", "type", "object", "maxProperties", DOCUMENT_ENTRIES_MAX,
                     "propertyNames", "maxLength", DOCUMENT_KEY_MAX, "pattern",
                     "^(\\*|" COMPONENT ")(/(\\*|" COMPONENT "))*$", "additionalProperties", key);
}

static json_t *publish_schema(void)
{
    char reserved[256];
    int used = 0;
    for (size_t i = 0; reserved_keys[i]; i++)
        used += snprintf(reserved + used, sizeof reserved - (size_t)used, "%s%s", i ? "|" : "^(",
                         reserved_keys[i]);
    snprintf(reserved + used, sizeof reserved - (size_t)used, ")(/|$)");
    return json_pack("{s:s, s:i, s:{s:i, s:s, s:{s:s}}, s:o}", "type", "object", "maxProperties",
                     DOCUMENT_ENTRIES_MAX, "propertyNames", "maxLength", DOCUMENT_KEY_MAX, "pattern",
                     "^" COMPONENT "(/" COMPONENT ")*$", "not", "pattern", reserved, "additionalProperties",
                     words_as_written());
}

static json_t *default_of(const struct field *f)
{
    char buf[DURATION_SIZE];
    if (f->preset == PRESET_NONE)
        return NULL;
    switch (f->kind) {
    case FIELD_BOOLEAN:
        return json_boolean(f->preset);
    case FIELD_CHOICE:
        return json_choice(f->choices[f->preset]);
    case FIELD_NUMBER:
        return json_integer(f->preset);
    case FIELD_DURATION:
        return f->preset ? json_string(duration_format(f->preset, buf)) : json_integer(0);
    case FIELD_VERSION:
    case FIELD_NAME:
    case FIELD_USER:
    case FIELD_PATH:
    case FIELD_REGEX:
    case FIELD_WORDS:
    case FIELD_SECTION:
    case FIELD_KEYS:
    case FIELD_KEY:
    case FIELD_PUBLISH:
    case FIELD_VARIABLES:
        break;
    }
    return NULL;
}

static json_t *value_of(const struct field *f)
{
    switch (f->kind) {
    case FIELD_VERSION:
    case FIELD_NUMBER:
        return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum", (json_int_t)f->min, "maximum",
                         (json_int_t)f->max);
    case FIELD_NAME:
    case FIELD_USER:
        return json_pack("{s:s, s:s}", "type", "string", "pattern", "^[A-Za-z0-9_-]{1,31}$");
    case FIELD_PATH:
        return json_pack("{s:s, s:s, s:i}", "type", "string", "pattern",
                         "^(/[A-Za-z0-9_+-][A-Za-z0-9._+-]*)+$", "maxLength", FIELD_PATH_MAX);
    case FIELD_REGEX:
        return json_pack("{s:s, s:i, s:i}", "type", "string", "minLength", 1, "maxLength", DOCUMENT_TEXT_MAX);
    case FIELD_BOOLEAN:
        return json_pack("{s:s}", "type", "boolean");
    case FIELD_CHOICE:
        return choices_of(f);
    case FIELD_DURATION:
        if (f->min > 0)
            return json_pack("{s:s, s:s}", "type", "string", "pattern", "^[1-9][0-9]*(ms|s|m|h)$");
        return json_pack("{s:[{s:i}, {s:s, s:s}]}", "anyOf", "const", 0, "type", "string", "pattern",
                         "^(0|(0|[1-9][0-9]*)(ms|s|m|h))$");
    case FIELD_WORDS:
        return json_pack("{s:s, s:i, s:i, s:o}", "type", "array", "minItems", 1, "maxItems",
                         DOCUMENT_ENTRIES_MAX, "items", words_as_written());
    case FIELD_SECTION:
        return object_of(f->fields);
    case FIELD_KEYS:
        return keys_of(f);
    case FIELD_KEY:
        return json_pack("{s:s, s:s, s:i}", "type", "string", "pattern", "^" COMPONENT "(/" COMPONENT ")*$",
                         "maxLength", DOCUMENT_KEY_MAX);
    case FIELD_PUBLISH:
        return publish_schema();
    case FIELD_VARIABLES:
        return json_pack("{s:s, s:i, s:{s:i, s:s, s:{s:s}}, s:o}", "type", "object", "maxProperties",
                         DOCUMENT_ENTRIES_MAX, "propertyNames", "maxLength", DOCUMENT_KEY_MAX, "pattern",
                         "^[A-Za-z_][A-Za-z0-9_]*$", "not", "pattern", "^XENRECON_", "additionalProperties",
                         words_as_written());
    }
    return NULL; /* GCOVR_EXCL_LINE: there is no other kind */
}

static json_t *object_of(const struct field *fields)
{
    json_t *properties = json_object(), *required = json_array();
    for (const struct field *f = fields; f->name; f++) {
        json_t *value = json_pack("{s:s}", "description", f->about);
        json_object_update_new(value, value_of(f));
        json_t *preset = default_of(f);
        if (preset)
            json_object_set_new(value, "default", preset);
        json_object_set_new(properties, f->name, value);
        if (f->required)
            json_array_append_new(required, json_string(f->name));
    }
    json_t *object =
        json_pack("{s:s, s:b, s:o}", "type", "object", "additionalProperties", 0, "properties", properties);
    if (json_array_size(required) > 0)
        json_object_set(object, "required", required);
    json_decref(required);
    return object;
}

char *policy_json_schema(void)
{
    json_t *schema =
        json_pack("{s:s, s:s, s:s}", "$schema", "http://json-schema.org/draft-07/schema#", "title",
                  "xenrecon policy", "description", "What xenrecon does about one device type.");
    json_object_update_new(schema, object_of(policy_fields));
    json_t *ours = json_pack("{s:{s:{s:{s:[s,s]}}}, s:{s:{s:b, s:b}}}", "if", "properties", "owner", "enum",
                             owner_choices[OWNER_KERNEL], owner_choices[OWNER_EXTERNAL], "then", "properties",
                             "worker", 0, "publish", 0);
    json_t *kernel = json_pack("{s:{s:{s:{s:s}}}, s:{s:{s:b}}}", "if", "properties", "owner", "const",
                               owner_choices[OWNER_KERNEL], "else", "properties", "hotplug", 0);
    json_object_set_new(schema, "allOf", json_pack("[o, o]", ours, kernel));
    char *text = json_dumps(schema, JSON_INDENT(2));
    json_decref(schema);
    size_t len = strlen(text);
    text = xrealloc(text, len + 2);
    memcpy(text + len, "\n", 2);
    return text;
}
