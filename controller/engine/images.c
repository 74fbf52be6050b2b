/* SPDX-License-Identifier: MIT */
#include "controller/engine/images.h"

#include <stddef.h>
#include <string.h>

#include "controller/engine/workqueue.h"

static struct device *device_of(struct image_holder *h)
{
    return (struct device *)(void *)((char *)h - offsetof(struct device, image));
}

/* At once: what it points to may be about to go. */
static void on_met(void *arg, struct image_holder *h)
{
    struct device *d = device_of(h);
    d->memory.shared = image_index_other(h);
    workqueue_add(arg, d, DIRTY_ALL);
}

static void set(struct engine *e, struct device *d, const struct image *image)
{
    d->image.device = &d->key;
    image_index_set(&e->images, &d->image, image, on_met, e);
    d->memory.shared = image_index_other(&d->image);
}

void images_forget(struct engine *e, struct device *d)
{
    static const struct image nothing;
    set(e, d, &nothing);
}

void images_update(struct engine *e, struct device *d, const struct policy *policy, const struct view *view,
                   const struct worker *worker)
{
    if (strcmp(policy->frontend, "vbd") != 0 || view->directory == UNREADABLE)
        return;
    d->image_read = view->directory == PRESENT;
    if (!image_in_use(view)) {
        images_forget(e, d);
        return;
    }
    struct image image = d->image.image;
    if (view_has(view, BACKEND, "params")) {
        image = image_of_view(view);
        if (!image.names[IMAGE_ITSELF])
            image.names[IMAGE_ITSELF] = d->image.image.names[IMAGE_ITSELF];
    }
    if (worker)
        image.names[IMAGE_ITSELF] = worker->image ? image_name(view->backend_domid, worker->image) : 0;
    set(e, d, &image);
}
