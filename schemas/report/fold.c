/* SPDX-License-Identifier: MIT */
#include "schemas/report/fold.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"

struct entry {
    const struct finding *finding;
    const char *message;
    size_t device, index; /* of all findings */
};

/* The text with a letter for a path, where that is all of a path or its beginning. */
static const char *shorten(struct arena *a, const char *text, const char *path, const char *letter)
{
    size_t n = path ? strlen(path) : 0;
    const char *at = n ? strstr(text, path) : NULL;
    if (!at || (at[n] && !strchr("/ \":,", at[n])))
        return text;
    return arena_printf(a, "%.*s%s%s", (int)(at - text), text, letter, at + n);
}

static const char *general(struct arena *a, const struct report_device *d, const char *message)
{
    char backend[BACKEND_PATH_SIZE];
    device_backend_path(d->backend_domid, &d->key, backend);
    return shorten(a, shorten(a, message, backend, "B"), d->frontend, "F");
}

static int by_finding(const struct entry *x, const struct entry *y)
{
    if (x->finding->severity != y->finding->severity)
        return (int)y->finding->severity - (int)x->finding->severity;
    if (x->finding->code != y->finding->code)
        return (int)x->finding->code - (int)y->finding->code;
    return strcmp(x->message, y->message);
}

static int by_entry(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int by = by_finding(x, y);
    return by ? by : (x->index > y->index) - (x->index < y->index);
}

static void add(struct report_folds *f, const struct entry *entries, size_t n)
{
    struct report_fold *fold = &f->list[f->n++];
    size_t *devices = arena_alloc(&f->arena, n * sizeof *devices);
    *fold =
        (struct report_fold){.finding = entries->finding, .message = entries->message, .devices = devices};
    for (size_t i = 0; i < n; i++) {
        uint64_t since = entries[i].finding->since;
        if (since && (!fold->since || since < fold->since))
            fold->since = since;
        f->of[entries[i].index] = fold;
        if (fold->n == 0 || devices[fold->n - 1] != entries[i].device)
            devices[fold->n++] = entries[i].device;
    }
}

void report_folds_make(const struct report *r, struct report_folds *ret_folds)
{
    struct report_folds f = {0};
    size_t n = 0;
    f.first = arena_alloc(&f.arena, (r->n_devices + 1) * sizeof *f.first);
    for (size_t i = 0; i < r->n_devices; i++) {
        f.first[i] = n;
        n += r->devices[i].plan->n_findings;
    }
    struct entry *entries = xcalloc(n + 1, sizeof *entries);
    f.of = arena_alloc(&f.arena, (n + 1) * sizeof(struct report_fold *));
    f.list = arena_alloc(&f.arena, (n / FOLD_DEVICES_MIN + 1) * sizeof *f.list);
    for (size_t i = 0, at = 0; i < r->n_devices; i++)
        for (size_t j = 0; j < r->devices[i].plan->n_findings; j++, at++) {
            const struct finding *one = &r->devices[i].plan->findings[j];
            entries[at] = (struct entry){one, general(&f.arena, &r->devices[i], one->message), i, at};
        }
    qsort(entries, n, sizeof *entries, by_entry);
    for (size_t i = 0, same; i < n; i += same) {
        for (same = 1; i + same < n && by_finding(&entries[i], &entries[i + same]) == 0; same++)
            ;
        if (same >= FOLD_DEVICES_MIN)
            add(&f, &entries[i], same);
    }
    free(entries);
    *ret_folds = f;
}

void report_folds_free(struct report_folds *f)
{
    arena_free(&f->arena);
}

const struct report_fold *report_folds_find(const struct report_folds *f, size_t device, size_t finding)
{
    return f->of[f->first[device] + finding];
}
