/* SPDX-License-Identifier: MIT */
#include "schemas/view.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"

struct view *view_new(uint16_t backend_domid, const struct device_key *device)
{
    struct view *v = xcalloc(1, sizeof *v);
    char path[BACKEND_PATH_SIZE];
    device_backend_path(backend_domid, device, path);
    v->device = *device;
    v->backend_domid = backend_domid;
    v->directory = UNREADABLE;
    v->front = v->domain = PRESENT;
    v->path[BACKEND] = arena_strdup(&v->arena, path);
    return v;
}

void view_free(struct view *v)
{
    if (!v)
        return;
    arena_free(&v->arena);
    free(v->keys[BACKEND]);
    free(v->keys[FRONTEND]);
    free(v);
}

void view_add(struct view *v, enum side side, const char *name, enum presence presence, const char *text,
              size_t len)
{
    size_t n = v->n_keys[side]++;
    xgrow(&v->keys[side], &v->cap_keys[side], n + 1, sizeof *v->keys[side]);
    struct view_key *k = &v->keys[side][n];
    *k = (struct view_key){arena_strdup(&v->arena, name), {.presence = presence}};
    if (presence == PRESENT) {
        k->value.text = arena_strndup(&v->arena, text, len);
        k->value.len = len;
    }
}

void view_set_frontend(struct view *v, const char *path)
{
    v->path[FRONTEND] = arena_strdup(&v->arena, path);
}

void view_set_error(struct view *v, enum side side, enum presence presence, const char *text, size_t len)
{
    v->error[side] = (struct value){.presence = presence};
    if (presence == PRESENT) {
        v->error[side].text = arena_strndup(&v->arena, text, len);
        v->error[side].len = len;
    }
}

struct view *view_copy(const struct view *v)
{
    struct view *copy = view_new(v->backend_domid, &v->device);
    copy->directory = v->directory;
    copy->front = v->front;
    copy->domain = v->domain;
    for (enum side side = 0; side < 2; side++)
        view_set_error(copy, side, v->error[side].presence, v->error[side].text, v->error[side].len);
    copy->qemu = v->qemu;
    copy->null_model = v->null_model;
    copy->listing = v->listing;
    if (v->path[FRONTEND])
        view_set_frontend(copy, v->path[FRONTEND]);
    for (enum side side = 0; side < 2; side++)
        for (size_t i = 0; i < v->n_keys[side]; i++) {
            const struct view_key *k = &v->keys[side][i];
            view_add(copy, side, k->name, k->value.presence, k->value.text, k->value.len);
        }
    return copy;
}

void view_replace(struct view *copy, enum side side, const char *name, enum presence presence,
                  const char *text, size_t len)
{
    struct view_key *keys = copy->keys[side];
    for (size_t i = 0; i < copy->n_keys[side]; i++)
        if (strcmp(keys[i].name, name) == 0) {
            keys[i] = keys[--copy->n_keys[side]];
            break;
        }
    view_add(copy, side, name, presence, text, len);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct view_key *)a)->name, ((const struct view_key *)b)->name);
}

/* Of keys that were asked for twice, as two patterns may, one stays: rather one that could not be read. */
static size_t unite(struct view_key *keys, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || strcmp(keys[kept - 1].name, keys[i].name) != 0)
            keys[kept++] = keys[i];
        else if (keys[i].value.presence == UNREADABLE)
            keys[kept - 1] = keys[i];
    }
    return kept;
}

void view_seal(struct view *v)
{
    for (enum side side = 0; side < 2; side++)
        if (v->n_keys[side]) {
            qsort(v->keys[side], v->n_keys[side], sizeof *v->keys[side], by_name);
            v->n_keys[side] = unite(v->keys[side], v->n_keys[side]);
        }
}

static const struct view_key *find(const struct view *v, enum side side, const char *name)
{
    size_t low = 0, high = v->n_keys[side];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct view_key *k = &v->keys[side][middle];
        int order =
            k->name[0] == *name ? strcmp(k->name, name) : (unsigned char)k->name[0] - (unsigned char)*name;
        if (order == 0)
            return k;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

struct value view_get(const struct view *v, enum side side, const char *name)
{
    const struct view_key *k = find(v, side, name);
    return k ? k->value : (struct value){.presence = ABSENT};
}

bool view_has(const struct view *v, enum side side, const char *name)
{
    return find(v, side, name) != NULL;
}

const char *view_key_path(const struct view *v, enum side side, const char *name, struct arena *a)
{
    return arena_join(a, v->path[side], name);
}

uint64_t view_digest(const struct view *v)
{
    const unsigned char flags[] = {(unsigned char)v->directory, (unsigned char)v->domain,
                                   (unsigned char)v->front, (unsigned char)v->qemu,
                                   (unsigned char)v->null_model};
    uint64_t h = hash_bytes(HASH_INIT, flags, sizeof flags);
    const char *frontend = v->path[FRONTEND] ? v->path[FRONTEND] : "";
    h = hash_bytes(h, frontend, strlen(frontend) + 1);
    for (enum side side = 0; side < 2; side++) {
        h = hash_bytes(h, &v->n_keys[side], sizeof v->n_keys[side]);
        for (size_t i = 0; i < v->n_keys[side]; i++) {
            const struct view_key *k = &v->keys[side][i];
            unsigned char presence = (unsigned char)k->value.presence;
            h = hash_bytes(h, k->name, strlen(k->name) + 1);
            h = hash_bytes(h, &presence, 1);
            h = hash_bytes(h, &k->value.len, sizeof k->value.len);
            h = hash_bytes(h, k->value.text, k->value.len);
        }
    }
    return h;
}
