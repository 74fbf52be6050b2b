/* SPDX-License-Identifier: MIT */
/* What is kept of a guest, which is whoever has the frontends: its devices, how many there are of each type,
 * and how much it has caused lately. Nothing that a guest does makes it larger: devices and types are there
 * because a toolstack made the devices and an administrator the types. */
#ifndef XENRECON_ENGINE_GUEST_H
#define XENRECON_ENGINE_GUEST_H

#include "controller/base/queue.h"
#include "schemas/device.h"

struct device;
struct engine;
struct policy;

/* A guest's devices of one type. */
struct guest_type {
    char type[DEVICE_NAME_MAX + 1];
    uint32_t devices; /* that are looked after */
    uint64_t paid;    /* its events are paid for until then, in microseconds */
    bool over;        /* there are more of them, which are not looked after; this was logged */
    bool refused;     /* one was refused since the last listing began */
    bool listing;     /* they are being listed, as some may have gone */
    bool again;       /* and are to be once more */
};

struct guest {
    LIST_HEAD(, device) devices;
    struct guest_type *types;
    size_t n_types, cap_types;
    uint64_t paid;    /* events of all its devices are paid for until then, in microseconds */
    uint32_t watched; /* devices whose frontends are watched together */
    bool shared;      /* by the watch that guests share, not by one of the guest's own */
};

void guests_init(struct engine *e);
void guests_free(struct engine *e);

/* Makes the guest's entry of this type, if there is none. It moves when another one is made or dropped. */
struct guest_type *guest_type_of(struct engine *e, uint16_t domid, const char *type);
/* Drops it when there is nothing to be remembered in it. */
void guest_type_drop(struct engine *e, uint16_t domid, const char *type);

/* May one more of the guest's devices be looked after? Where not, this is logged once until there is room for
 * all of them. */
bool guest_has_room(struct engine *e, const struct device_key *key, const struct policy *p);
void guest_join(struct engine *e, struct device *d);
/* Where devices were refused, has them listed: there is room for one. */
void guest_leave(struct engine *e, struct device *d);
/* The directory of a device that is not looked after came or went: if it was refused, it may not be too many
 * any more. */
void guest_refused_changed(struct engine *e, const struct device_key *key);

#endif
