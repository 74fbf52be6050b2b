/* SPDX-License-Identifier: MIT */
/* A YAML document as a tree of nodes that know where they stand. Only what a configuration needs is accepted:
 * one document, no anchors, aliases or tags, limited in size and depth, keys that are words and occur once,
 * and text without control characters. The tree lives in the caller's arena. */
#ifndef XENRECON_DOCUMENT_H
#define XENRECON_DOCUMENT_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "schemas/arena.h"
#include "schemas/diagnostic.h"

enum {
    DOCUMENT_MAX = 256 * 1024, /* bytes */
    DOCUMENT_DEPTH_MAX = 8,    /* mappings and lists within each other */
    DOCUMENT_ENTRIES_MAX = 256,
    DOCUMENT_KEY_MAX = 64,
    DOCUMENT_TEXT_MAX = 4096,
    NODE_DESCRIPTION_SIZE = 64,
};

struct document {
    const char *file; /* for messages */
    const char *text;
    size_t len;
    struct mistakes *mistakes;
};

enum node_kind {
    NODE_SCALAR,
    NODE_LIST,
    NODE_MAPPING,
};

struct node {
    enum node_kind kind;
    unsigned line, column;
    bool plain;       /* a scalar without quotes */
    const char *text; /* of a scalar */
    size_t len;
    struct node *key;          /* in a mapping, else NULL */
    struct node *first, *next; /* of the entries of a list or mapping */
    size_t n;
};

/* Says what is wrong there, and returns -EINVAL. Line 0: it is wrong as a whole. */
int document_fail_at(const struct document *d, unsigned line, unsigned column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
#define document_fail(d, at, ...) document_fail_at(d, (at)->line, (at)->column, __VA_ARGS__)

/* 0 and *ret_root, or -EINVAL and one more of d->mistakes: what is no YAML is not read beyond that. */
int document_parse(const struct document *d, struct arena *a, struct node **ret_root);

const struct node *node_find(const struct node *mapping, const char *key); /* the value, or NULL */
bool node_is_null(const struct node *n);
/* What a person would call it: "a list", "nothing", "`text`"; returns buf. */
const char *node_describe(const struct node *n, char buf[static NODE_DESCRIPTION_SIZE]);

#endif
