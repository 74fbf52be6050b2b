/* SPDX-License-Identifier: MIT */
#include "controller/engine/device_table.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"

enum { BUCKETS_MIN = 64 };

static struct device_bucket *bucket(const struct device_table *t, const struct device_key *key)
{
    return &t->buckets[device_key_hash(key) & (t->n_buckets - 1)];
}

void device_table_init(struct device_table *t)
{
    *t = (struct device_table){.n_buckets = BUCKETS_MIN};
    t->buckets = xcalloc(t->n_buckets, sizeof *t->buckets);
}

static void destroy(struct device *d)
{
    free(d->watched);
    free(d->script.said);
    free(d->script_said);
    free(d->ages);
    free(d);
}

void device_table_finish(struct device_table *t)
{
    for (size_t i = 0; i < t->n_buckets; i++) {
        struct device *d;
        while ((d = SLIST_FIRST(&t->buckets[i]))) {
            SLIST_REMOVE_HEAD(&t->buckets[i], same_bucket);
            destroy(d);
        }
    }
    free(t->buckets);
    *t = (struct device_table){0};
}

struct device *device_table_find(const struct device_table *t, const struct device_key *key)
{
    struct device *d;
    SLIST_FOREACH (d, bucket(t, key), same_bucket)
        if (device_key_equal(&d->key, key))
            return d;
    return NULL;
}

static void rehash(struct device_table *t, size_t n_buckets)
{
    struct device_table old = *t;
    t->n_buckets = n_buckets;
    t->buckets = xcalloc(n_buckets, sizeof *t->buckets);
    for (size_t i = 0; i < old.n_buckets; i++) {
        struct device *d;
        while ((d = SLIST_FIRST(&old.buckets[i]))) {
            SLIST_REMOVE_HEAD(&old.buckets[i], same_bucket);
            SLIST_INSERT_HEAD(bucket(t, &d->key), d, same_bucket);
        }
    }
    free(old.buckets);
}

struct device *device_table_add(struct device_table *t, const struct device_key *key)
{
    struct device *d = xcalloc(1, sizeof *d);
    d->key = *key;
    if (++t->n > t->n_buckets)
        rehash(t, t->n_buckets * 2);
    SLIST_INSERT_HEAD(bucket(t, key), d, same_bucket);
    return d;
}

void device_table_remove(struct device_table *t, struct device *d)
{
    SLIST_REMOVE(bucket(t, &d->key), d, device, same_bucket);
    t->n--;
    destroy(d);
    if (t->n_buckets > BUCKETS_MIN && t->n < t->n_buckets / 8)
        rehash(t, t->n_buckets / 2);
}

void device_table_each(struct device_table *t, enum backend_place scope, const struct device_key *at,
                       void (*each)(void *arg, struct device *d), void *arg)
{
    /* `each` may remove a device, and that may rehash: collect first */
    struct device **list = xcalloc(t->n, sizeof *list);
    size_t n = 0;
    for (size_t i = 0; i < t->n_buckets; i++) {
        struct device *d;
        SLIST_FOREACH (d, &t->buckets[i], same_bucket) {
            bool of_type = scope == BACKEND_ROOT || strcmp(d->key.type, at->type) == 0;
            if (of_type && (scope != BACKEND_DOMAIN || d->key.domid == at->domid))
                list[n++] = d;
        }
    }
    for (size_t i = 0; i < n; i++)
        each(arg, list[i]);
    free(list);
}
