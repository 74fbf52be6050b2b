/* SPDX-License-Identifier: MIT */
/* Which devices write to one image. An image goes by two names: what `params` says, and what it is, whatever
 * path leads there: as the worker says that has it open, or `physical-device`. Two devices that write to
 * images with a name in common meet in the index.
 *
 * Pure: values only. An index owns no holder; a holder is in one index at a time, and is taken out before it
 * goes. One thread; nothing here fails. */
#ifndef XENRECON_IMAGE_H
#define XENRECON_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/device.h"
#include "schemas/plan.h"
#include "schemas/value.h"
#include "schemas/view.h"

enum image_name {
    IMAGE_BY_PARAMS,
    IMAGE_ITSELF,
    IMAGE_NAMES,
};

/* What a device writes to. */
struct image {
    uint64_t names[IMAGE_NAMES]; /* hashes; 0: nothing is written, or it is not known */
    bool formatted; /* it is not raw: what one writer does not know of the other's ruins all of it */
    bool shared;    /* whoever attached it knows that others write, too: `mode` is `w!` */
};

/* By keys of B of a disk, as libxl writes them. */
struct image_keys {
    struct value params, mode, device_type;
    struct value device; /* physical-device */
};
struct image image_of(uint16_t backend_domid, const struct image_keys *keys);
/* The same, of what was read of a disk. */
struct image image_of_view(const struct view *view);
/* May somebody still write to it, or will? It is attached, or not closed yet. */
bool image_in_use(const struct view *view);
/* Of what a worker says: of a device it is `device:` and its numbers, as physical-device has them. */
uint64_t image_name(uint16_t backend_domid, const char *text);

struct image_holder {
    const struct device_key *device; /* lives as long as it is in the index */
    struct image image;
    struct image_holder *before[IMAGE_NAMES], *after[IMAGE_NAMES]; /* in the same bucket */
};

struct image_index {
    struct image_holder **buckets[IMAGE_NAMES];
    size_t n_buckets, n;
};

void image_index_finish(struct image_index *x); /* empty again; holders are left as they are */

/* The holder's image is this from now on; one of no names: it is in the index no more. Calls `met` for those
 * others, few of them, for whom image_index_other() may have changed. */
void image_index_set(struct image_index *x, struct image_holder *h, const struct image *image,
                     void (*met)(void *arg, struct image_holder *other), void *arg);

/* What is found of a device because of another. */
struct shared_image {
    const struct device_key *with; /* another's, who writes to the same image; NULL: there is none */
    bool formatted;                /* one of the two takes it for more than raw */
};
/* NULL also where both have `shared`. */
struct shared_image image_index_other(const struct image_holder *h);

void image_say(struct plan *p, const struct shared_image *shared);

#endif
