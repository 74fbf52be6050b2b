/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"
#include "schemas/nearest.h"
#include "schemas/policy/check.h"
#include "schemas/policy/duration.h"
#include "schemas/policy/fields.h"
#include "schemas/policy/policy.h"
#include "schemas/policy/regex.h"
#include "schemas/policy/yaml.h"

static int read_fields(const struct document *d, const struct node *mapping, const struct field *fields,
                       void *into);

static int expected(const struct document *d, const struct node *n, const char *what, const char *hint)
{
    char found[NODE_DESCRIPTION_SIZE];
    return document_fail(d, n, "expected %s, found %s%s", what, node_describe(n, found), hint ? hint : "");
}

static int expect_kind(const struct document *d, const struct node *n, enum node_kind kind)
{
    static const char *const names[] = {
        [NODE_SCALAR] = "text", [NODE_LIST] = "a list", [NODE_MAPPING] = "a mapping"};
    return n->kind == kind && !node_is_null(n) ? 0 : expected(d, n, names[kind], NULL);
}

/* The members of struct policy and struct key_spec are reached by their offsets in the table. */
static void *member(void *into, size_t offset)
{
    return (char *)into + offset;
}

static void store(void *into, size_t offset, const void *value, size_t size)
{
    memcpy(member(into, offset), value, size);
}

static void store_list(void *into, const struct field *f, void *list, size_t n)
{
    store(into, f->offset, &list, sizeof list);
    store(into, f->offset_n, &n, sizeof n);
}

static void store_u32(void *into, const struct field *f, uint32_t value)
{
    _Static_assert(sizeof(enum owner) == sizeof value, "enums are stored as 32-bit numbers");
    bool truth = value != 0;
    if (f->kind == FIELD_BOOLEAN)
        store(into, f->offset, &truth, sizeof truth);
    else
        store(into, f->offset, &value, sizeof value);
}

static void apply_presets(const struct field *fields, void *into)
{
    for (const struct field *f = fields; f->name; f++)
        switch (f->kind) {
        case FIELD_SECTION:
            apply_presets(f->fields, into);
            break;
        case FIELD_BOOLEAN:
        case FIELD_CHOICE:
        case FIELD_NUMBER:
        case FIELD_DURATION:
            store_u32(into, f, f->preset == PRESET_NONE && f->kind != FIELD_DURATION ? 0 : f->preset);
            break;
        case FIELD_VERSION:
        case FIELD_NAME:
        case FIELD_USER:
        case FIELD_PATH:
        case FIELD_REGEX:
        case FIELD_WORDS:
        case FIELD_KEYS:
        case FIELD_KEY:
        case FIELD_PUBLISH:
        case FIELD_VARIABLES:
            break;
        }
}

static int read_version(const struct document *d, const struct node *n, const struct field *f)
{
    uint64_t version;
    if (n->kind != NODE_SCALAR || parse_decimal(n->text, n->len, UINT32_MAX, &version))
        return expected(d, n, "a version number", NULL);
    if (version < f->min || version > f->max)
        return document_fail(d, n, "version %s is not supported, only %" PRIu32, n->text, f->max);
    return 0;
}

static int expect_name(const struct document *d, const struct node *n)
{
    int error = expect_kind(d, n, NODE_SCALAR);
    if (error || device_name_valid(n->text, n->len))
        return error;
    return expected(d, n, "a name, 1 to 31 of A-Z a-z 0-9 - _", NULL);
}

/* No component may be empty or begin with a dot. */
static int read_path(const struct document *d, const struct node *n, const struct field *f, void *into)
{
    int error = expect_kind(d, n, NODE_SCALAR);
    if (error)
        return error;
    bool good =
        n->text[0] == '/' && n->len <= FIELD_PATH_MAX && n->text[n->len - 1] != '/' &&
        !strstr(n->text, "//") && !strstr(n->text, "/.") &&
        strspn(n->text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-/") == n->len;
    if (!good)
        return expected(d, n, "an absolute path, of A-Z a-z 0-9 . _ + - and no hidden or odd components",
                        NULL);
    char *path = xstrdup(n->text);
    store(into, f->offset, &path, sizeof path);
    return 0;
}

static int read_boolean(const struct document *d, const struct node *n, const struct field *f, void *into)
{
    bool is_true = n->kind == NODE_SCALAR && n->plain && strcmp(n->text, "true") == 0;
    bool is_false = n->kind == NODE_SCALAR && n->plain && strcmp(n->text, "false") == 0;
    if (!is_true && !is_false)
        return expected(d, n, "true or false", NULL);
    store_u32(into, f, is_true);
    return 0;
}

static int read_choice(const struct document *d, const struct node *n, const struct field *f, void *into)
{
    char list[128];
    size_t used = 0;
    for (uint32_t i = 0; f->choices[i]; i++) {
        if (n->kind == NODE_SCALAR && strcmp(n->text, f->choices[i]) == 0) {
            store_u32(into, f, i);
            return 0;
        }
        const char *glue = i == 0 ? "" : f->choices[i + 1] ? ", " : " or ";
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", glue, f->choices[i]);
    }
    return expected(d, n, list, f->hint);
}

static int read_number(const struct document *d, const struct node *n, const struct field *f, void *into)
{
    char range[64];
    uint64_t number;
    if (n->kind == NODE_SCALAR && !parse_decimal(n->text, n->len, f->max, &number) && number >= f->min) {
        store_u32(into, f, (uint32_t)number);
        return 0;
    }
    snprintf(range, sizeof range, "a number from %" PRIu32 " to %" PRIu32, f->min, f->max);
    return expected(d, n, range, NULL);
}

static int read_duration(const struct document *d, const struct node *n, const struct field *f, void *into)
{
    uint32_t duration;
    int error = expect_kind(d, n, NODE_SCALAR);
    if (error)
        return error;
    error = duration_parse(n->text, n->len, &duration);
    if (error == -ENOTSUP)
        return document_fail(d, n, "`%.20s` needs a unit: ms, s, m or h", n->text);
    if (error == -ERANGE)
        return document_fail(d, n, "longer than 7 days");
    if (error)
        return expected(d, n, "a duration such as 0, 250ms, 10s, 5m or 1h", NULL);
    if (duration < f->min)
        return document_fail(d, n, "must be at least %" PRIu32 "ms", f->min);
    store_u32(into, f, duration);
    return 0;
}

static int read_regex(const struct document *d, const struct node *n, struct key_spec *spec)
{
    char why[EXPRESSION_WHY_SIZE];
    regex_t regex;
    int error = expect_kind(d, n, NODE_SCALAR);
    if (error)
        return error;
    if (n->len == 0)
        return expected(d, n, "a regular expression", NULL);
    if (expression_compile(n->text, &regex, why))
        return document_fail(d, n, "bad regular expression: %s", why);
    spec->regex = xcalloc(1, sizeof regex);
    *spec->regex = regex;
    spec->match = xstrdup(n->text);
    return 0;
}

/* The list ends in NULL, too. */
static int read_words(const struct document *d, const struct node *list, const struct field *f, void *into)
{
    int error = expect_kind(d, list, NODE_LIST);
    if (error)
        return error;
    if (list->n == 0)
        return document_fail(d, list, "the list is empty");
    for (const struct node *n = list->first; n; n = n->next) {
        error = expect_kind(d, n, NODE_SCALAR);
        if (error)
            return error;
    }
    char **words = xcalloc(list->n + 1, sizeof *words);
    size_t i = 0;
    for (const struct node *n = list->first; n; n = n->next)
        words[i++] = xstrdup(n->text);
    store_list(into, f, words, i);
    return 0;
}

/* A key's name, as the store allows it; a component `*` makes it a pattern. */
static int check_key_name(const struct document *d, const struct node *key, bool patterns, bool *ret_pattern)
{
    const char *name = key->text;
    *ret_pattern = false;
    for (;;) {
        size_t n = strcspn(name, "/");
        if (n == 0)
            return document_fail(d, key, "bad key name: a component is empty");
        if (n == 1 && *name == '*') {
            *ret_pattern = true;
        } else if (memchr(name, '*', n)) {
            return document_fail(d, key, "bad pattern: `*` must be a whole component, as in `port/*`");
        } else if (strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_@") < n) {
            return document_fail(d, key, "bad key name: only A-Z a-z 0-9 - _ @ and `/` between them");
        }
        if (name[n] == '\0')
            break;
        name += n + 1;
    }
    if (*ret_pattern && !patterns)
        return document_fail(d, key, "a pattern cannot be published");
    return 0;
}

static int read_keys(const struct document *d, const struct node *mapping, const struct field *f, void *into)
{
    int error = expect_kind(d, mapping, NODE_MAPPING);
    if (error)
        return error;
    struct key_spec *keys = xcalloc(mapping->n, sizeof *keys);
    /* stored first, so that whoever frees the policy frees what was read until an error */
    store_list(into, f, keys, mapping->n);
    for (const struct node *n = mapping->first; n; n = n->next, keys++) {
        error |= check_key_name(d, n->key, true, &keys->pattern);
        keys->name = xstrdup(n->key->text);
        apply_presets(f->fields, keys);
        if (!node_is_null(n))
            error |= read_fields(d, n, f->fields, keys);
    }
    return error;
}

static int check_not_reserved(const struct document *d, const struct node *key)
{
    const char *reserved = reserved_key(key->text);
    return reserved ? document_fail(d, key, "`%s` cannot be published: it has a meaning of its own", reserved)
                    : 0;
}

static int read_publish(const struct document *d, const struct node *mapping, const struct field *f,
                        void *into)
{
    bool pattern;
    int error = expect_kind(d, mapping, NODE_MAPPING);
    if (error)
        return error;
    struct publish *publish = xcalloc(mapping->n, sizeof *publish);
    store_list(into, f, publish, mapping->n);
    for (const struct node *n = mapping->first; n; n = n->next, publish++) {
        error |= check_key_name(d, n->key, false, &pattern);
        error |= check_not_reserved(d, n->key);
        error |= expect_kind(d, n, NODE_SCALAR);
        if (error)
            continue;
        publish->key = xstrdup(n->key->text);
        publish->value = xstrdup(n->text);
    }
    return error;
}

static int read_key_name(const struct document *d, const struct node *n, const struct field *f, void *into)
{
    bool pattern;
    int error = expect_kind(d, n, NODE_SCALAR);
    if (!error)
        error = check_key_name(d, n, true, &pattern);
    if (error)
        return error;
    char *name = xstrdup(n->text);
    store(into, f->offset, &name, sizeof name);
    return 0;
}

static int check_variable(const struct document *d, const struct node *key)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    if (strspn(key->text, letters) != key->len || key->text[0] <= '9')
        return document_fail(d, key, "bad name of a variable: only A-Z a-z 0-9 _, and no digit first");
    if (strncmp(key->text, "XENRECON_", 9) == 0)
        return document_fail(d, key, "`%s` cannot be set: names with XENRECON_ have a meaning of their own",
                             key->text);
    return 0;
}

static int read_variables(const struct document *d, const struct node *mapping, const struct field *f,
                          void *into)
{
    int error = expect_kind(d, mapping, NODE_MAPPING);
    if (error)
        return error;
    struct variable *variable = xcalloc(mapping->n, sizeof *variable);
    store_list(into, f, variable, mapping->n);
    for (const struct node *n = mapping->first; n; n = n->next, variable++) {
        error |= check_variable(d, n->key);
        error |= expect_kind(d, n, NODE_SCALAR);
        if (error)
            continue;
        variable->name = xstrdup(n->key->text);
        variable->value = xstrdup(n->text);
    }
    return error;
}

static int read_field(const struct document *d, const struct node *n, const struct field *f, void *into)
{
    char *user;
    int error;
    switch (f->kind) {
    case FIELD_VERSION:
        return read_version(d, n, f);
    case FIELD_NAME:
        error = expect_name(d, n);
        if (!error)
            store(into, f->offset, n->text, n->len + 1);
        return error;
    case FIELD_USER:
        error = expect_name(d, n);
        if (error)
            return error;
        user = xstrdup(n->text);
        store(into, f->offset, &user, sizeof user);
        return 0;
    case FIELD_PATH:
        return read_path(d, n, f, into);
    case FIELD_REGEX:
        return read_regex(d, n, into);
    case FIELD_BOOLEAN:
        return read_boolean(d, n, f, into);
    case FIELD_CHOICE:
        return read_choice(d, n, f, into);
    case FIELD_NUMBER:
        return read_number(d, n, f, into);
    case FIELD_DURATION:
        return read_duration(d, n, f, into);
    case FIELD_WORDS:
        return read_words(d, n, f, into);
    case FIELD_SECTION:
        return read_fields(d, n, f->fields, into);
    case FIELD_KEYS:
        return read_keys(d, n, f, into);
    case FIELD_KEY:
        return read_key_name(d, n, f, into);
    case FIELD_PUBLISH:
        return read_publish(d, n, f, into);
    case FIELD_VARIABLES:
        return read_variables(d, n, f, into);
    }
    return -EINVAL; /* GCOVR_EXCL_LINE: there is no other kind */
}

static int unknown_key(const struct document *d, const struct node *key, const struct field *fields)
{
    struct nearest near = {.written = key->text};
    for (const struct field *f = fields; f->name; f++)
        nearest_try(&near, f->name);
    if (near.words[0])
        return document_fail(d, key, "unknown key `%s`, did you mean `%s`?", key->text, near.words[0]);
    return document_fail(d, key, "unknown key `%s`", key->text);
}

static const struct field *find_field(const struct field *fields, const char *name)
{
    for (; fields->name; fields++)
        if (strcmp(fields->name, name) == 0)
            return fields;
    return NULL;
}

static int read_fields(const struct document *d, const struct node *mapping, const struct field *fields,
                       void *into)
{
    int error = expect_kind(d, mapping, NODE_MAPPING);
    if (error)
        return error;
    /* Another version's keys are not unknown, they are another version's: so that is said first */
    const struct node *version = fields->kind == FIELD_VERSION ? node_find(mapping, fields->name) : NULL;
    if (version)
        error = read_version(d, version, fields);
    if (error)
        return error;
    for (const struct node *n = mapping->first; n; n = n->next) {
        const struct field *f = find_field(fields, n->key->text);
        if (f && f->kind != FIELD_VERSION)
            error |= read_field(d, n, f, into);
        else if (!f)
            error |= unknown_key(d, n->key, fields);
    }
    for (const struct field *f = fields; f->name; f++)
        if (f->required && !node_find(mapping, f->name))
            error |= document_fail(d, mapping, "`%s` is missing", f->name);
    return error;
}

/* Defaults that depend on the type. */
static void derive(struct policy *p, const struct node *root)
{
    static const char *const served_by_qemu[] = {"qdisk", "9pfs", "vkbd", "vfb", "qusb", "qnic"};
    if (p->frontend[0] == '\0')
        memcpy(p->frontend, p->type, sizeof p->frontend);
    if (p->owner == OWNER_KERNEL && !p->hotplug.directory)
        p->hotplug.directory = xstrdup("/etc/xen/scripts");
    if (node_find(root, "qemu"))
        return;
    for (size_t i = 0; i < sizeof served_by_qemu / sizeof served_by_qemu[0]; i++)
        p->qemu |= strcmp(p->type, served_by_qemu[i]) == 0;
}

int policy_parse_all(const char *file, const char *text, size_t len, struct policy **ret_policy,
                     struct mistakes *mistakes)
{
    size_t mark = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* a byte order mark */
    struct document d = {.file = file, .text = text + mark, .len = len - mark, .mistakes = mistakes};
    struct arena arena = {0};
    struct node *root;
    struct policy *p = NULL;
    int error = document_parse(&d, &arena, &root);
    if (error)
        goto out;
    p = xcalloc(1, sizeof *p);
    apply_presets(policy_fields, p);
    error = read_fields(&d, root, policy_fields, p);
    if (!error)
        error = policy_check(&d, root, p);
    if (error)
        goto out;
    derive(p, root);
    p->source = xstrdup(file);
    p->text = xcalloc(1, len + 1);
    memcpy(p->text, text, len);
    p->text_len = len;
    *ret_policy = p;
    p = NULL;
out:
    policy_free(p);
    arena_free(&arena);
    return error;
}

int policy_parse(const char *file, const char *text, size_t len, struct policy **ret_policy,
                 struct diagnostic *ret_why)
{
    struct mistakes mistakes = {0};
    int error = policy_parse_all(file, text, len, ret_policy, &mistakes);
    if (error)
        *ret_why = mistakes.first;
    return error;
}
