/* SPDX-License-Identifier: MIT */
#include "test/sim/sim_nodes.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"
#include "schemas/value.h"

void nodes_free(struct nodes *t)
{
    for (size_t i = 0; i < t->n; i++) {
        free(t->list[i].path);
        free(t->list[i].value);
    }
    free(t->list);
    *t = (struct nodes){0};
}

static char *copy_bytes(const char *value, size_t len)
{
    char *copy = xcalloc(1, len + 1);
    if (len)
        memcpy(copy, value, len);
    return copy;
}

void nodes_copy(struct nodes *to, const struct nodes *from)
{
    *to = *from;
    to->list = xcalloc(from->n + 1, sizeof *to->list);
    to->cap = from->n + 1;
    for (size_t i = 0; i < from->n; i++) {
        to->list[i] = from->list[i];
        to->list[i].path = xstrdup(from->list[i].path);
        to->list[i].value = copy_bytes(from->list[i].value, from->list[i].len);
    }
}

/* Where it is, or belongs. */
static size_t place(const struct nodes *t, const char *path, bool *ret_found)
{
    size_t low = 0, high = t->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(t->list[middle].path, path);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = false;
    return low;
}

static struct node *find(const struct nodes *t, const char *path)
{
    bool found;
    size_t i = place(t, path, &found);
    return found ? &t->list[i] : NULL;
}

const struct node *nodes_find(const struct nodes *t, const char *path)
{
    return find(t, path);
}

const char *nodes_text(const struct nodes *t, const char *path)
{
    const struct node *n = find(t, path);
    return n ? n->value : NULL;
}

uint64_t nodes_generation(const struct nodes *t, const char *path)
{
    const struct node *n = find(t, path);
    return n ? n->generation : 0;
}

static char *parent_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash > path ? xstrndup(path, (size_t)(slash - path)) : NULL;
}

/* Makes a node and those that it is in. */
static struct node *make(struct nodes *t, const char *path)
{
    bool found;
    size_t i = place(t, path, &found);
    if (found)
        return &t->list[i];
    char *parent = parent_of(path);
    if (parent)
        make(t, parent)->generation = ++t->generation;
    free(parent);
    i = place(t, path, &found);
    xgrow(&t->list, &t->cap, t->n + 1, sizeof *t->list);
    memmove(&t->list[i + 1], &t->list[i], (t->n - i) * sizeof *t->list);
    t->n++;
    t->list[i] = (struct node){xstrdup(path), copy_bytes("", 0), 0, ++t->generation};
    return &t->list[i];
}

void nodes_write(struct nodes *t, const char *path, const char *value, size_t len)
{
    struct node *n = make(t, path);
    free(n->value);
    n->value = copy_bytes(value, len);
    n->len = len;
    n->generation = ++t->generation;
}

bool path_within(const char *path, const char *top)
{
    size_t len = strlen(top);
    return strncmp(path, top, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

void nodes_remove(struct nodes *t, const char *path)
{
    size_t n = 0;
    if (!t->list)
        return;
    char *parent = parent_of(path);
    struct node *in = parent ? find(t, parent) : NULL;
    if (in && t->n && find(t, path))
        in->generation = ++t->generation;
    free(parent);
    for (size_t i = 0; i < t->n; i++) {
        if (path_within(t->list[i].path, path)) {
            free(t->list[i].path);
            free(t->list[i].value);
        } else {
            t->list[n++] = t->list[i];
        }
    }
    t->n = n;
}

char *nodes_names(const struct nodes *t, const char *path, size_t *ret_len)
{
    size_t room = 1, top = strlen(path);
    *ret_len = 0;
    for (size_t i = 0; i < t->n; i++)
        room += strlen(t->list[i].path);
    char *names = xcalloc(1, room);
    for (size_t i = 0; i < t->n; i++) {
        const char *name = t->list[i].path + top + 1;
        if (strlen(t->list[i].path) <= top || !path_within(t->list[i].path, path) || strchr(name, '/'))
            continue;
        memcpy(names + *ret_len, name, strlen(name) + 1);
        *ret_len += strlen(name) + 1;
    }
    return names;
}

uint64_t nodes_hash(const struct nodes *t)
{
    uint64_t h = HASH_INIT;
    for (size_t i = 0; i < t->n; i++) {
        h = hash_bytes(h, t->list[i].path, strlen(t->list[i].path) + 1);
        h = hash_bytes(h, t->list[i].value, t->list[i].len + 1);
    }
    return h;
}
