/* SPDX-License-Identifier: MIT */
/* One moment of a world as a case of test/golden, for what comes down to what `plan` says of a store. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "controller/engine/state.h"
#include "test/sim/sim_world.h"

static FILE *create(const char *directory, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *f = fopen(path, "we");
    if (!f) {
        fprintf(stderr, "sim: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    return f;
}

void sim_export(const struct sim_world *w, const char *directory)
{
    if (mkdir(directory, 0777) && errno != EEXIST)
        fprintf(stderr, "sim: %s: %s\n", directory, strerror(errno));
    FILE *f = create(directory, "store");
    const struct nodes *t = &w->store.nodes;
    fprintf(f, "# %s.\n", w->failed[0] ? w->failed : "Nothing is wrong with it");
    for (size_t i = 0; i < t->n; i++) /* who has a value, or nothing in it */
        if (t->list[i].len || i + 1 == t->n || !path_within(t->list[i + 1].path, t->list[i].path))
            fprintf(f, "%s = \"%s\"\n", t->list[i].path, t->list[i].value);
    fclose(f);
    f = create(directory, "policy.yaml");
    const struct policy *p = policy_set_find(&w->engine->policies, "qdisk");
    fprintf(f, "# SPDX-License-Identifier: MIT\n%.*s", (int)p->text_len, p->text);
    fclose(f);
}
