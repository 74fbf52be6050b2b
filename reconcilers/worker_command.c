/* SPDX-License-Identifier: MIT */
#include "reconcilers/worker_command.h"

#include <string.h>

static const char *placeholder(const struct situation *s, const char *name, size_t len)
{
    struct arena *a = &s->plan->arena;
    const struct device_key *d = &s->view->device;
    const char *key = arena_strndup(a, name, len);
    if (strcmp(key, "type") == 0)
        return d->type;
    if (strcmp(key, "domid") == 0)
        return arena_printf(a, "%u", d->domid);
    if (strcmp(key, "devid") == 0)
        return d->devid;
    if (strcmp(key, "key") == 0)
        return arena_printf(a, "%s/%u/%s", d->type, d->domid, d->devid);
    struct value v = view_get(s->view, BACKEND, key);
    return v.presence == PRESENT ? v.text : "";
}

static const char *fill_in(const struct situation *s, const char *word)
{
    struct arena *a = &s->plan->arena;
    const char *filled = "", *open;
    for (; (open = strstr(word, "${")); word = strchr(open, '}') + 1) { /* the parser saw to the brace */
        const char *name = open + 2;
        filled = arena_printf(a, "%s%.*s%s", filled, (int)(open - word), word,
                              placeholder(s, name, strcspn(name, "}")));
    }
    return *filled ? arena_printf(a, "%s%s", filled, word) : word;
}

static const char *const *command(const struct situation *s)
{
    const struct policy *p = s->policy;
    const char **argv = arena_alloc(&s->plan->arena, (p->worker.n_command + 1) * sizeof *argv);
    for (size_t i = 0; i < p->worker.n_command; i++)
        argv[i] = fill_in(s, p->worker.command[i]);
    return argv;
}

uint64_t worker_command_hash(const char *const *words)
{
    uint64_t h = HASH_INIT;
    for (; *words; words++)
        h = hash_bytes(h, *words, strlen(*words) + 1);
    return h;
}

uint64_t worker_command_now(const struct situation *s)
{
    return worker_command_hash(command(s));
}

void worker_command_show(struct situation *s, struct action *a)
{
    static const char *const nothing[] = {NULL};
    if (!s->policy->worker.command)
        return;
    a->argv = command(s);
    a->env = nothing;
}
