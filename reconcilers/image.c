/* SPDX-License-Identifier: MIT */
#include "reconcilers/image.h"

#include <stdlib.h>
#include <string.h>

#include "reconcilers/ends.h"
#include "schemas/mem.h"

enum { BUCKETS_MIN = 16 };

/* ---- names ---- */

static bool is(const struct value *v, const char *text)
{
    return v->presence == PRESENT && v->len == strlen(text) && memcmp(v->text, text, v->len) == 0;
}

/* Steps over the word and its colon. */
static bool skip(const char **at, const char *end, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(end - *at) <= n || memcmp(*at, word, n) != 0 || (*at)[n] != ':')
        return false;
    *at += n + 1;
    return true;
}

/* Steps over what says how a raw image is opened, or which format it has. */
static void skip_format(const char **at, const char *end, bool *ret_formatted)
{
    static const char *const raw[] = {"raw", "aio", "phy", "file", "empty"};
    static const char *const formatted[] = {"qcow2", "qcow", "qed", "vhd",  "vpc",
                                            "vhdx",  "vmdk", "vdi", "luks", "parallels"};
    skip(at, end, "tap");
    for (size_t i = 0; i < sizeof raw / sizeof *raw; i++)
        if (skip(at, end, raw[i]))
            return;
    for (size_t i = 0; i < sizeof formatted / sizeof *formatted; i++)
        if (skip(at, end, formatted[i])) {
            *ret_formatted = true;
            return;
        }
}

/* A path has other spellings that need no look at the files. */
static uint64_t hash_path(uint64_t hash, const char *at, const char *end)
{
    while (at < end) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        size_t n = (size_t)((slash ? slash : end) - at);
        if (n > 0 && !(n == 1 && *at == '.')) {
            hash = hash_bytes(hash, "/", 1);
            hash = hash_bytes(hash, at, n);
        }
        at += n + (slash != NULL);
    }
    return hash;
}

static uint64_t begin_name(uint16_t backend_domid)
{
    return hash_bytes(HASH_INIT, &backend_domid, sizeof backend_domid);
}

uint64_t image_name(uint16_t backend_domid, const char *text)
{
    return hash_bytes(begin_name(backend_domid), text, strlen(text)) | 1;
}

struct image image_of(uint16_t backend_domid, const struct image_keys *keys)
{
    struct image image = {.shared = is(&keys->mode, "w!")};
    bool writes = is(&keys->mode, "w") || image.shared;
    if (!writes || keys->params.presence != PRESENT || is(&keys->device_type, "cdrom"))
        return image;
    const char *at = keys->params.text, *end = at + keys->params.len;
    skip_format(&at, end, &image.formatted);
    if (at == end)
        return image;
    uint64_t name = begin_name(backend_domid);
    if (keys->device.presence == PRESENT && keys->device.len)
        image.names[IMAGE_ITSELF] =
            hash_bytes(hash_bytes(name, "device:", 7), keys->device.text, keys->device.len) | 1;
    /* what is no path is somebody's address, which is compared as it is */
    image.names[IMAGE_BY_PARAMS] =
        (*at == '/' ? hash_path(name, at, end) : hash_bytes(name, at, (size_t)(end - at))) | 1;
    return image;
}

struct image image_of_view(const struct view *view)
{
    const struct image_keys keys = {.params = view_get(view, BACKEND, "params"),
                                    .mode = view_get(view, BACKEND, "mode"),
                                    .device_type = view_get(view, BACKEND, "device-type"),
                                    .device = view_get(view, BACKEND, "physical-device")};
    return image_of(view->backend_domid, &keys);
}

bool image_in_use(const struct view *view)
{
    struct ends ends = ends_of(view);
    return view->directory == PRESENT &&
           (ends.online == 1 || !STATE_IN(ends.backend, XENBUS_CLOSED, XENBUS_ABSENT));
}

/* ---- the index ---- */

static struct image_holder **bucket(const struct image_index *x, int kind, uint64_t name)
{
    return &x->buckets[kind][name >> 1 & (x->n_buckets - 1)];
}

static void link_in(struct image_index *x, struct image_holder *h, int kind)
{
    struct image_holder **first = bucket(x, kind, h->image.names[kind]);
    h->before[kind] = NULL;
    h->after[kind] = *first;
    if (*first)
        (*first)->before[kind] = h;
    *first = h;
}

static void take_out(struct image_index *x, struct image_holder *h, int kind)
{
    if (h->after[kind])
        h->after[kind]->before[kind] = h->before[kind];
    if (h->before[kind])
        h->before[kind]->after[kind] = h->after[kind];
    else
        *bucket(x, kind, h->image.names[kind]) = h->after[kind];
    h->before[kind] = h->after[kind] = NULL;
}

/* Those of one name keep their order, by which they know each other. */
static void rehash(struct image_index *x, size_t n_buckets)
{
    struct image_index old = *x;
    x->n_buckets = n_buckets;
    for (int kind = 0; kind < IMAGE_NAMES; kind++) {
        x->buckets[kind] = xcalloc(n_buckets, sizeof(struct image_holder *));
        for (size_t i = 0; i < old.n_buckets; i++) {
            struct image_holder *h = old.buckets[kind][i], *before;
            while (h && h->after[kind])
                h = h->after[kind];
            for (; h; h = before) {
                before = h->before[kind];
                link_in(x, h, kind);
            }
        }
        free(old.buckets[kind]);
    }
}

void image_index_finish(struct image_index *x)
{
    for (int kind = 0; kind < IMAGE_NAMES; kind++)
        free(x->buckets[kind]);
    *x = (struct image_index){0};
}

/* The nearest of the same name, on one side. */
static struct image_holder *nearest(const struct image_holder *h, int kind, bool after)
{
    struct image_holder *other = after ? h->after[kind] : h->before[kind];
    while (other && other->image.names[kind] != h->image.names[kind])
        other = after ? other->after[kind] : other->before[kind];
    return other;
}

/* Those next to it, at most two for each name. */
static size_t neighbours(const struct image_holder *h, struct image_holder *ret[2 * IMAGE_NAMES])
{
    size_t n = 0;
    for (int kind = 0; kind < IMAGE_NAMES; kind++)
        for (int after = 0; after < 2 && h->image.names[kind]; after++) {
            ret[n] = nearest(h, kind, after);
            n += ret[n] != NULL;
        }
    return n;
}

static bool same(const struct image *a, const struct image *b)
{
    return memcmp(a->names, b->names, sizeof a->names) == 0 && a->formatted == b->formatted &&
           a->shared == b->shared;
}

void image_index_set(struct image_index *x, struct image_holder *h, const struct image *image,
                     void (*met)(void *arg, struct image_holder *other), void *arg)
{
    struct image_holder *met_before[2 * IMAGE_NAMES], *met_now[2 * IMAGE_NAMES];
    if (same(&h->image, image))
        return;
    size_t n_before = neighbours(h, met_before);
    for (int kind = 0; kind < IMAGE_NAMES; kind++)
        if (h->image.names[kind]) {
            take_out(x, h, kind);
            x->n--;
        }
    h->image = *image;
    for (int kind = 0; kind < IMAGE_NAMES; kind++)
        if (image->names[kind]) {
            if (++x->n > x->n_buckets)
                rehash(x, x->n_buckets ? x->n_buckets * 2 : BUCKETS_MIN);
            link_in(x, h, kind);
        }
    size_t n_now = neighbours(h, met_now);
    for (size_t i = 0; i < n_before; i++)
        met(arg, met_before[i]);
    for (size_t i = 0; i < n_now; i++)
        met(arg, met_now[i]);
}

struct shared_image image_index_other(const struct image_holder *h)
{
    for (int kind = 0; kind < IMAGE_NAMES; kind++)
        for (int after = 1; after >= 0 && h->image.names[kind]; after--) {
            const struct image_holder *other = nearest(h, kind, after);
            if (other && !(other->image.shared && h->image.shared))
                return (struct shared_image){other->device, other->image.formatted || h->image.formatted};
        }
    return (struct shared_image){0};
}

void image_say(struct plan *p, const struct shared_image *shared)
{
    if (!shared->with)
        return;
    char with[DEVICE_KEY_SIZE];
    device_key_format(shared->with, with);
    plan_add_finding(p, FINDING_SHARED_IMAGE, shared->formatted ? SEVERITY_ERROR : SEVERITY_WARNING,
                     "%s writes to the same image%s", with,
                     shared->formatted ? ", whose format allows for one writer" : "");
}
