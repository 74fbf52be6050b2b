/* SPDX-License-Identifier: MIT */
/* The simulated store's nodes: paths, values and generations. One thread; owns all that is in it. */
#ifndef XENRECON_SIM_NODES_H
#define XENRECON_SIM_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct node {
    char *path, *value;
    size_t len;
    uint64_t generation; /* grows with every change of it, and of the list of what is in it */
};

struct nodes {
    struct node *list; /* sorted by path */
    size_t n, cap;
    uint64_t generation; /* the last that was given */
};

void nodes_free(struct nodes *t);
void nodes_copy(struct nodes *to, const struct nodes *from);
const struct node *nodes_find(const struct nodes *t, const char *path);
const char *nodes_text(const struct nodes *t, const char *path);    /* NULL: there is none */
uint64_t nodes_generation(const struct nodes *t, const char *path); /* 0: there is none */
/* Makes the parents, too. */
void nodes_write(struct nodes *t, const char *path, const char *value, size_t len);
void nodes_remove(struct nodes *t, const char *path);
/* Is `path` this one, or below it? */
bool path_within(const char *path, const char *top);
/* The names in it, each with its NUL; for free(). */
char *nodes_names(const struct nodes *t, const char *path, size_t *ret_len);
uint64_t nodes_hash(const struct nodes *t);

#endif
