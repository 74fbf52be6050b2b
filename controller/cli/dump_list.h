/* SPDX-License-Identifier: MIT */
/* Which files are meant where dumps are named: a folder stands for the files in it, by name; hidden ones and
 * folders in it are left out. Blocks. One thread. */
#ifndef XENRECON_DUMP_LIST_H
#define XENRECON_DUMP_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct dump_list {
    char **list;
    size_t n, cap;
    bool folders; /* one was named */
};

/* -ENOENT: there is no file in a folder; or another negative errno. Both are logged. A file need not be
 * there. Clear the list in any case. */
int dump_list_find(const char *const *names, size_t n, struct dump_list *list);
void dump_list_clear(struct dump_list *list);

#endif
