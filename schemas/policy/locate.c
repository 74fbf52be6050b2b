/* SPDX-License-Identifier: MIT */
#include "schemas/policy/locate.h"

#include "schemas/policy/yaml.h"

uint32_t policy_limit(const struct policy *p, enum policy_limit limit)
{
    switch (limit) {
    case LIMIT_NONE:
        break;
#define X(name, section, field) \
    case LIMIT_##name:          \
        return p->section.field;
        POLICY_LIMITS(X)
#undef X
    }
    return 0;
}

struct policy_field policy_limit_field(enum policy_limit limit)
{
    static const struct policy_field fields[] = {{0},
#define X(name, section, field) {#section, #field},
                                                 POLICY_LIMITS(X)
#undef X
    };
    return fields[limit];
}

/* Whoever asks has a terminal to print to: the text is read again rather than each line remembered. */
unsigned policy_line(const struct policy *p, const char *section, const char *field)
{
    struct mistakes mistakes = {0};
    struct document d = {.file = p->source, .text = p->text, .len = p->text_len, .mistakes = &mistakes};
    struct arena arena = {0};
    struct node *root;
    const struct node *n = NULL;
    if (!document_parse(&d, &arena, &root))
        n = node_find(root, section);
    if (n && n->kind == NODE_MAPPING)
        n = node_find(n, field);
    else
        n = NULL;
    unsigned line = n ? n->key->line : 0;
    arena_free(&arena);
    return line;
}
