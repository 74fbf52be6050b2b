/* SPDX-License-Identifier: MIT */
#include "controller/cli/dump_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "controller/base/log.h"
#include "schemas/mem.h"

static void add(struct dump_list *l, const char *name)
{
    xgrow(&l->list, &l->cap, l->n + 1, sizeof *l->list);
    l->list[l->n++] = xstrdup(name);
}

static int shown(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static int add_folder(struct dump_list *l, const char *name)
{
    struct dirent **entries;
    size_t before = l->n;
    int n = scandir(name, &entries, shown, alphasort);
    if (n < 0) {
        int error = -errno;
        log_error("cannot read the folder %s: %s", name, strerror(-error));
        return error;
    }
    for (int i = 0; i < n; i++) {
        char path[4096];
        struct stat st;
        int len = snprintf(path, sizeof path, "%s/%s", name, entries[i]->d_name);
        if (len < (int)sizeof path && (stat(path, &st) || !S_ISDIR(st.st_mode)))
            add(l, path);
        free(entries[i]);
    }
    free(entries);
    l->folders = true;
    if (l->n > before)
        return 0;
    log_error("there is no file in the folder %s", name);
    return -ENOENT;
}

int dump_list_find(const char *const *names, size_t n, struct dump_list *list)
{
    int error = 0;
    for (size_t i = 0; i < n && !error; i++) {
        struct stat st;
        if (strcmp(names[i], "-") != 0 && stat(names[i], &st) == 0 && S_ISDIR(st.st_mode))
            error = add_folder(list, names[i]);
        else
            add(list, names[i]);
    }
    return error;
}

void dump_list_clear(struct dump_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->list[i]);
    free(list->list);
    *list = (struct dump_list){0};
}
