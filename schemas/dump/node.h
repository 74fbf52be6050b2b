/* SPDX-License-Identifier: MIT */
/* The tree of a dump while it is made: nodes, found by parent and name. Only the dump's own files include
 * this. A listing whose place is not known yet grows below a root of its own, and is moved when it is. */
#ifndef XENRECON_DUMP_NODE_H
#define XENRECON_DUMP_NODE_H

#include "schemas/arena.h"
#include "schemas/dump/dump.h"

struct dump_node {
    struct dump_node *parent, *first, *last, *next; /* children in order; `next` is a sibling */
    struct dump_node *same_bucket;
    const char *value; /* NUL-terminated; what it means, `presence` says */
    uint32_t hash, serial;
    unsigned line; /* of its own; 0: only nodes below it have one */
    uint16_t value_len, path_len;
    uint8_t presence; /* enum presence, of the value: PRESENT or UNREADABLE */
    bool listed;      /* the listing went into it ... */
    bool holes;       /* ... but not everything of that is here */
    uint16_t name_len;
    char name[];
};

/* A listing whose place is still to be found. */
struct dump_piece {
    struct dump_node *root;
    unsigned first, last; /* lines */
    const char *given;    /* the path that its command named; NULL: none */
    bool relative;        /* its paths begin at a domain's own directory */
    bool part;            /* it was indented as if more had been around it */
    bool placed;
};

struct dump {
    struct arena arena;
    struct dump_node *root; /* of the store */
    struct dump_node **buckets;
    size_t n_buckets, n_nodes;
    struct dump_note *notes;
    size_t n_notes, cap_notes, n_more;
    struct dump_piece *pieces; /* only while it is made */
    size_t n_pieces, cap_pieces;
};

struct dump_node *dump_root_new(struct dump *d);
/* NULL: there is none. */
struct dump_node *dump_child(const struct dump *d, const struct dump_node *parent, const char *name,
                             size_t len);
/* By an absolute path. */
struct dump_node *dump_find(const struct dump *d, const char *path);
/* Finds it or makes it, without a line. NULL: its path would be too long for any store. */
struct dump_node *dump_child_make(struct dump *d, struct dump_node *parent, const char *name, size_t len);
/* Likewise down a path, with or without a slash before it. */
struct dump_node *dump_path_make(struct dump *d, struct dump_node *from, const char *path, size_t len);

/* What a line says of a node: false when another line has said otherwise; then nobody knows. */
bool dump_node_say(struct dump *d, struct dump_node *n, unsigned line, enum presence presence,
                   const char *value, size_t len);

/* All that is below `from`, which is the root of its own, comes below `into`. */
void dump_move(struct dump *d, struct dump_node *into, struct dump_node *from);

/* The same note of lines that follow each other is one. */
void dump_note_add(struct dump *d, unsigned first, unsigned last, bool harmless, const char *text);
/* Says otherwise in the note that was added last, if there is still room for notes. */
void dump_note_amend(struct dump *d, const char *text);

#endif
