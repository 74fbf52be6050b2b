/* SPDX-License-Identifier: MIT */
#include "schemas/policy/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

int document_fail_at(const struct document *d, unsigned line, unsigned column, const char *format, ...)
{
    char message[sizeof((struct diagnostic *)0)->message];
    struct diagnostic mistake;
    va_list ap;
    va_start(ap, format);
    vsnprintf(message, sizeof message, format, ap);
    va_end(ap);
    diagnostic_set(&mistake, d->file, line, column, d->text, d->len, "%s", message);
    mistakes_add(d->mistakes, &mistake);
    return -EINVAL;
}

struct builder {
    const struct document *doc;
    struct arena *arena;
    yaml_parser_t parser;
    unsigned last_line, last_column; /* where the text ends */
};

/* libyaml ends a last line that has no newline itself, and then counts one more. */
static void set_place(const struct builder *b, const yaml_mark_t *mark, unsigned *ret_line,
                      unsigned *ret_column)
{
    bool beyond = mark->line >= b->last_line;
    *ret_line = beyond ? b->last_line : (unsigned)mark->line + 1;
    *ret_column = beyond ? b->last_column : (unsigned)mark->column + 1;
}

static void say_syntax_error(const struct builder *b)
{
    const struct document *d = b->doc;
    const yaml_parser_t *p = &b->parser;
    unsigned line, column;
    set_place(b, &p->problem_mark, &line, &column);
    if (p->error == YAML_READER_ERROR)
        diagnostic_locate(d->text, d->len, p->problem_offset, &line, &column);
    document_fail_at(d, line, column, "%s%s%s",
                     p->problem ? p->problem : "not YAML", /* GCOVR_EXCL_BR_LINE: libyaml never lacks words */
                     p->context ? ", " : "", p->context ? p->context : "");
}

static bool has_control(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        /* GCOVR_EXCL_BR_START: libyaml takes no UTF-8 that ends in the middle of a character */
        if (c < 0x20 || c == 0x7f || (c == 0xc2 && i + 1 < len && (unsigned char)text[i + 1] < 0xa0))
            /* GCOVR_EXCL_BR_STOP */
            return true;
    }
    return false;
}

static int fill_scalar(const struct builder *b, const yaml_event_t *event, struct node *n)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    if (len > DOCUMENT_TEXT_MAX)
        return document_fail(b->doc, n, "longer than %d bytes", DOCUMENT_TEXT_MAX);
    if (has_control(text, len))
        return document_fail(b->doc, n, "control characters (line breaks, tabs) are not allowed in a value");
    n->kind = NODE_SCALAR;
    n->text = arena_strndup(b->arena, text, len);
    n->len = len;
    n->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return 0;
}

/* A node for every event, also for those that are none: they have a place, too. */
static int convert(const struct builder *b, const yaml_event_t *event, struct node *n)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    int error = 0;
    set_place(b, &event->start_mark, &n->line, &n->column);
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        error = fill_scalar(b, event, n);
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        n->kind = NODE_LIST;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        n->kind = NODE_MAPPING;
        break;
    case YAML_ALIAS_EVENT:
        anchor = event->data.alias.anchor;
        break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        break;
    }
    if (error)
        return error;
    if (anchor)
        return document_fail(b->doc, n, "anchors and aliases are not supported");
    if (tag)
        return document_fail(b->doc, n, "tags are not supported");
    return 0;
}

static int step(struct builder *b, yaml_event_type_t *ret_type, struct node **ret_node)
{
    yaml_event_t event;
    if (!yaml_parser_parse(&b->parser, &event)) {
        say_syntax_error(b);
        return -EINVAL;
    }
    struct node *n = arena_alloc(b->arena, sizeof *n);
    int error = convert(b, &event, n);
    *ret_type = event.type;
    *ret_node = n;
    yaml_event_delete(&event);
    return error;
}

static int check_key(const struct builder *b, const struct node *mapping, const struct node *key)
{
    if (key->kind != NODE_SCALAR || key->len == 0)
        return document_fail(b->doc, key, "a key must be a word");
    if (key->len > DOCUMENT_KEY_MAX)
        return document_fail(b->doc, key, "a key of more than %d characters", DOCUMENT_KEY_MAX);
    for (const struct node *n = mapping->first; n; n = n->next)
        if (strcmp(n->key->text, key->text) == 0)
            return document_fail(b->doc, key, "duplicate key `%s`, first given in line %u", key->text,
                                 n->key->line);
    return 0;
}

/* Reads the entries of a list or mapping, up to its end. */
static int fill(struct builder *b, struct node *parent, unsigned depth)
{
    struct node **tail = &parent->first, *key = NULL, *n;
    yaml_event_type_t type;
    if (depth > DOCUMENT_DEPTH_MAX)
        return document_fail(b->doc, parent, "nested more than %d deep", DOCUMENT_DEPTH_MAX);
    for (;;) {
        int error = step(b, &type, &n);
        if (error)
            return error;
        if (type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT)
            return 0;
        if (parent->n >= DOCUMENT_ENTRIES_MAX)
            return document_fail(b->doc, n, "more than %d %s", DOCUMENT_ENTRIES_MAX,
                                 parent->kind == NODE_MAPPING ? "keys" : "entries");
        if (parent->kind == NODE_MAPPING && !key) {
            error = check_key(b, parent, n);
            if (error)
                return error;
            key = n;
            continue;
        }
        if (n->kind != NODE_SCALAR)
            error = fill(b, n, depth + 1);
        if (error)
            return error;
        n->key = key;
        key = NULL;
        *tail = n;
        tail = &n->next;
        parent->n++;
    }
}

static int build(struct builder *b, struct node **ret_root)
{
    struct node *root, *n;
    yaml_event_type_t type;
    int error = step(b, &type, &n); /* the stream's start */
    if (!error)
        error = step(b, &type, &n);
    if (error)
        return error;
    if (type == YAML_STREAM_END_EVENT)
        return document_fail_at(b->doc, 0, 0, "is empty");
    error = step(b, &type, &root);
    if (!error && root->kind != NODE_SCALAR)
        error = fill(b, root, 1);
    if (!error)
        error = step(b, &type, &n); /* the document's end */
    if (!error)
        error = step(b, &type, &n);
    if (error)
        return error;
    if (type != YAML_STREAM_END_EVENT)
        return document_fail(b->doc, n, "more than one document in a file");
    *ret_root = root;
    return 0;
}

int document_parse(const struct document *d, struct arena *a, struct node **ret_root)
{
    struct builder b = {.doc = d, .arena = a};
    if (d->len > DOCUMENT_MAX)
        return document_fail_at(d, 0, 0, "is larger than %d KiB", DOCUMENT_MAX / 1024);
    if (!yaml_parser_initialize(&b.parser)) /* GCOVR_EXCL_BR_LINE: there is always memory */
        return document_fail_at(d, 0, 0, "no memory to read it"); /* GCOVR_EXCL_LINE: likewise */
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)d->text, d->len);
    diagnostic_locate(d->text, d->len, d->len, &b.last_line, &b.last_column);
    int error = build(&b, ret_root);
    yaml_parser_delete(&b.parser);
    return error;
}

const struct node *node_find(const struct node *mapping, const char *key)
{
    for (const struct node *n = mapping->first; n; n = n->next)
        if (strcmp(n->key->text, key) == 0)
            return n;
    return NULL;
}

bool node_is_null(const struct node *n)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (n->kind != NODE_SCALAR || !n->plain)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(n->text, words[i]) == 0)
            return true;
    return false;
}

const char *node_describe(const struct node *n, char buf[static NODE_DESCRIPTION_SIZE])
{
    const char *words = NULL;
    switch (n->kind) {
    case NODE_LIST:
        words = "a list";
        break;
    case NODE_MAPPING:
        words = "a mapping";
        break;
    case NODE_SCALAR:
        words = node_is_null(n) ? "nothing" : NULL;
        break;
    }
    if (words)
        snprintf(buf, NODE_DESCRIPTION_SIZE, "%s", words);
    else
        snprintf(buf, NODE_DESCRIPTION_SIZE, "%s`%.40s%s`", n->plain ? "" : "the text ", n->text,
                 n->len > 40 ? "..." : "");
    return buf;
}
