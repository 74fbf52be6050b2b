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

/* Somebody may still write, or will: it is attached, or not closed yet. */
static bool in_use(const struct view *view)
{
    struct ends ends = ends_of(view);
    return view->directory == PRESENT &&
           (ends.online == 1 || !STATE_IN(ends.backend, XENBUS_CLOSED, XENBUS_ABSENT));
}

void images_update(struct engine *e, struct device *d, const struct policy *policy, const struct view *view,
                   const struct worker *worker)
{
    if (strcmp(policy->frontend, "vbd") != 0 || view->directory == UNREADABLE)
        return;
    d->image_read = view->directory == PRESENT;
    if (!in_use(view)) {
        images_forget(e, d);
        return;
    }
    struct image image = d->image.image;
    if (view_has(view, BACKEND, "params")) {
        const struct image_keys keys = {.params = view_get(view, BACKEND, "params"),
                                        .mode = view_get(view, BACKEND, "mode"),
                                        .device_type = view_get(view, BACKEND, "device-type"),
                                        .device = view_get(view, BACKEND, "physical-device")};
        image = image_of(view->backend_domid, &keys);
        if (!image.names[IMAGE_ITSELF])
            image.names[IMAGE_ITSELF] = d->image.image.names[IMAGE_ITSELF];
    }
    if (worker)
        image.names[IMAGE_ITSELF] = worker->image ? image_name(view->backend_domid, worker->image) : 0;
    set(e, d, &image);
}
