/* SPDX-License-Identifier: MIT */
#include "controller/cli/disks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"

struct disk {
    uint16_t backend_domid;
    struct device_key key;
    struct image_holder holder;
};

/* All of one domain and the others', by by_place(). */
struct disks {
    struct image_index index;
    struct disk *list;
    size_t n;
};

/* What the rules look at. */
static const char *const names[] = {"params", "mode", "device-type", "physical-device", "online", "state"};
enum { KEYS = sizeof names / sizeof *names };

/* The reading of one of them. */
struct reading {
    struct view *view;
    size_t at;
    bool done;
};

/* Answers come in the order of the questions. */
static void on_key(void *arg, int status, const char *data, size_t len)
{
    struct reading *r = arg;
    enum presence presence = status == 0 ? PRESENT : status == -ENOENT ? ABSENT : UNREADABLE;
    view_add(r->view, BACKEND, names[r->at++], presence, data, len);
    r->done = r->at == KEYS;
}

static int read_image(const struct disks_reader *by, const struct disk *d, struct image *ret_image)
{
    struct reading r = {.view = view_new(d->backend_domid, &d->key)};
    char directory[BACKEND_PATH_SIZE], path[BACKEND_PATH_SIZE + 16];
    device_backend_path(d->backend_domid, &d->key, directory);
    for (size_t i = 0; i < KEYS; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        store_read(by->store, 0, path, on_key, &r);
    }
    int error = by->run(by->arg, &r.done);
    r.view->directory = PRESENT; /* it was listed */
    view_seal(r.view);
    if (!error && image_in_use(r.view))
        *ret_image = image_of_view(r.view);
    view_free(r.view);
    return error;
}

static int by_place(const void *a, const void *b)
{
    const struct disk *x = a, *y = b;
    int order = (x->backend_domid > y->backend_domid) - (x->backend_domid < y->backend_domid);
    return order ? order : device_key_compare(&x->key, &y->key);
}

static void met(void *arg, struct image_holder *other)
{
    (void)arg, (void)other;
}

int disks_read(const struct disks_reader *by, const struct policy_set *policies,
               const struct located *devices, size_t n, struct disks **ret_disks)
{
    int error = 0;
    struct disks *x = *ret_disks = xcalloc(1, sizeof *x);
    x->list = xcalloc(n, sizeof *x->list);
    for (size_t i = 0; i < n; i++) {
        const struct policy *p = policy_set_find(policies, devices[i].key.type);
        if (p && strcmp(p->frontend, "vbd") == 0)
            x->list[x->n++] = (struct disk){.backend_domid = devices[i].backend_domid, .key = devices[i].key};
    }
    qsort(x->list, x->n, sizeof *x->list, by_place);
    for (size_t i = 0; i < x->n && !error; i++) {
        struct disk *d = &x->list[i];
        struct image image = {0};
        error = read_image(by, d, &image);
        d->holder.device = &d->key;
        image_index_set(&x->index, &d->holder, &image, met, NULL);
    }
    return error;
}

struct shared_image disks_shared(const struct disks *x, uint16_t backend_domid, const struct device_key *key)
{
    const struct disk wanted = {.backend_domid = backend_domid, .key = *key};
    const struct disk *d = x && x->n ? bsearch(&wanted, x->list, x->n, sizeof wanted, by_place) : NULL;
    return d ? image_index_other(&d->holder) : (struct shared_image){0};
}

void disks_free(struct disks *x)
{
    if (!x)
        return;
    image_index_finish(&x->index);
    free(x->list);
    free(x);
}
