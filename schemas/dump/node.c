/* SPDX-License-Identifier: MIT */
#include "schemas/dump/node.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"

/* ---- making ---- */

static struct dump_node *node_new(struct dump *d, const char *name, size_t len)
{
    struct dump_node *n = arena_alloc(&d->arena, sizeof *n + len + 1);
    n->serial = (uint32_t)d->n_nodes++;
    n->presence = UNREADABLE;
    n->value = "";
    n->name_len = (uint16_t)len;
    memcpy(n->name, name, len);
    return n;
}

struct dump_node *dump_root_new(struct dump *d)
{
    return node_new(d, "", 0);
}

static uint32_t hash_of(const struct dump_node *parent, const char *name, size_t len)
{
    uint64_t h = hash_bytes(HASH_INIT, &parent->serial, sizeof parent->serial);
    h = hash_bytes(h, name, len);
    return (uint32_t)(h ^ h >> 32);
}

static void bucket_add(struct dump *d, struct dump_node *n)
{
    struct dump_node **bucket = &d->buckets[n->hash & (d->n_buckets - 1)];
    n->same_bucket = *bucket;
    *bucket = n;
}

static void bucket_remove(struct dump *d, struct dump_node *n)
{
    struct dump_node **at = &d->buckets[n->hash & (d->n_buckets - 1)];
    while (*at != n)
        at = &(*at)->same_bucket;
    *at = n->same_bucket;
}

static void make_room(struct dump *d)
{
    enum { FIRST = 1024 };
    if (d->n_nodes < d->n_buckets)
        return;
    struct dump_node **old = d->buckets;
    size_t n_old = d->n_buckets;
    d->n_buckets = n_old ? n_old * 2 : FIRST;
    d->buckets = xcalloc(d->n_buckets, sizeof(struct dump_node *));
    for (size_t i = 0; i < n_old; i++)
        for (struct dump_node *n = old[i], *next; n; n = next) {
            next = n->same_bucket;
            bucket_add(d, n);
        }
    free(old);
}

static void link_child(struct dump *d, struct dump_node *parent, struct dump_node *n)
{
    n->parent = parent;
    n->next = NULL;
    if (parent->last)
        parent->last->next = n;
    else
        parent->first = n;
    parent->last = n;
    n->hash = hash_of(parent, n->name, n->name_len);
    bucket_add(d, n);
}

struct dump_node *dump_child(const struct dump *d, const struct dump_node *parent, const char *name,
                             size_t len)
{
    if (!d->n_buckets || !parent->first)
        return NULL;
    uint32_t hash = hash_of(parent, name, len);
    struct dump_node *n = d->buckets[hash & (d->n_buckets - 1)];
    while (n && (n->parent != parent || n->name_len != len || memcmp(n->name, name, len) != 0))
        n = n->same_bucket;
    return n;
}

struct dump_node *dump_child_make(struct dump *d, struct dump_node *parent, const char *name, size_t len)
{
    struct dump_node *n = dump_child(d, parent, name, len);
    if (n)
        return n;
    if (len > STORE_PATH_MAX || parent->path_len + len + 1 > STORE_PATH_MAX)
        return NULL;
    make_room(d);
    n = node_new(d, name, len);
    n->path_len = (uint16_t)(parent->path_len + len + 1);
    link_child(d, parent, n);
    return n;
}

struct dump_node *dump_path_make(struct dump *d, struct dump_node *from, const char *path, size_t len)
{
    const char *end = path + len;
    while (from && path < end) {
        if (*path == '/') {
            path++;
            continue;
        }
        const char *slash = memchr(path, '/', (size_t)(end - path));
        size_t n = slash ? (size_t)(slash - path) : (size_t)(end - path);
        from = dump_child_make(d, from, path, n);
        path += n;
    }
    return from;
}

bool dump_node_say(struct dump *d, struct dump_node *n, unsigned line, enum presence presence,
                   const char *value, size_t len)
{
    if (n->line) {
        if (n->presence == presence && n->value_len == len && (!len || memcmp(n->value, value, len) == 0))
            return true;
        bool contradicted = n->presence == PRESENT && presence == PRESENT;
        n->presence = UNREADABLE;
        n->value_len = 0;
        return !contradicted;
    }
    n->line = line;
    n->presence = (uint8_t)presence;
    if (presence == PRESENT && len) {
        n->value = arena_strndup(&d->arena, value, len);
        n->value_len = (uint16_t)len;
    }
    return true;
}

void dump_move(struct dump *d, struct dump_node *into, struct dump_node *from)
{
    into->listed |= from->listed;
    into->holes |= from->holes;
    for (struct dump_node *n = from->first, *next; n; n = next) {
        next = n->next;
        struct dump_node *there = dump_child(d, into, n->name, n->name_len);
        bucket_remove(d, n);
        if (!there) {
            link_child(d, into, n);
            continue;
        }
        if (n->line && !dump_node_say(d, there, n->line, (enum presence)n->presence, n->value, n->value_len))
            dump_note_add(d, n->line, n->line, false,
                          "contradicts an earlier line: is it of another host, or of another moment?");
        dump_move(d, there, n);
    }
    from->first = from->last = NULL;
}

void dump_note_add(struct dump *d, unsigned first, unsigned last, bool harmless, const char *text)
{
    struct dump_note *before = d->n_notes ? &d->notes[d->n_notes - 1] : NULL;
    if (before && first && before->last + 1 >= first && before->first <= first &&
        strcmp(before->text, text) == 0) {
        if (last > before->last)
            before->last = last;
        return;
    }
    if (d->n_notes == DUMP_NOTES_MAX) {
        d->n_more++;
        return;
    }
    xgrow(&d->notes, &d->cap_notes, d->n_notes + 1, sizeof *d->notes);
    d->notes[d->n_notes++] = (struct dump_note){first, last, harmless, arena_strdup(&d->arena, text)};
}

void dump_note_amend(struct dump *d, const char *text)
{
    if (d->n_notes && !d->n_more)
        d->notes[d->n_notes - 1].text = arena_strdup(&d->arena, text);
}

/* ---- asking ---- */

/* The last node on the path that the dump has; is it the path's end? */
static struct dump_node *walk(const struct dump *d, const char *path, bool *ret_there)
{
    struct dump_node *at = d->root, *next;
    *ret_there = true;
    for (size_t len; *path; path += len) {
        len = strcspn(path, "/");
        if (len == 0) {
            len = 1; /* the slash */
            continue;
        }
        next = dump_child(d, at, path, len);
        if (!next) {
            *ret_there = false;
            break;
        }
        at = next;
    }
    return at;
}

static bool complete(const struct dump_node *n)
{
    return n->listed && !n->holes;
}

struct value dump_lookup(const struct dump *d, const char *path)
{
    struct value v = {.presence = UNREADABLE};
    bool there;
    const struct dump_node *n = walk(d, path, &there);
    if (*path != '/')
        return v;
    if (!there)
        v.presence = complete(n) ? ABSENT : UNREADABLE;
    else if (n->presence == PRESENT)
        v = (struct value){PRESENT, n->value, n->value_len};
    return v;
}

unsigned dump_line_of(const struct dump *d, const char *path)
{
    bool there;
    const struct dump_node *n = walk(d, path, &there);
    return there ? n->line : 0;
}

enum presence dump_children(const struct dump *d, const char *path, void (*each)(void *arg, const char *name),
                            void *arg)
{
    bool there;
    const struct dump_node *n = walk(d, path, &there);
    if (*path != '/' || !complete(n))
        return UNREADABLE;
    if (!there)
        return ABSENT;
    for (const struct dump_node *c = n->first; c; c = c->next)
        each(arg, c->name);
    return PRESENT;
}

void dump_shown_children(const struct dump *d, const char *path, void (*each)(void *arg, const char *name),
                         void *arg)
{
    bool there;
    const struct dump_node *n = walk(d, path, &there);
    for (const struct dump_node *c = there ? n->first : NULL; c; c = c->next)
        each(arg, c->name);
}

struct dump_node *dump_find(const struct dump *d, const char *path)
{
    bool there;
    struct dump_node *n = walk(d, path, &there);
    return there ? n : NULL;
}

bool dump_shows(const struct dump *d, const char *path)
{
    return dump_find(d, path) != NULL;
}

bool dump_shows_domains(const struct dump *d)
{
    bool there;
    return complete(walk(d, "/local/domain", &there));
}
