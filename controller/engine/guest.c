/* SPDX-License-Identifier: MIT */
#include "controller/engine/guest.h"

#include <stdlib.h>
#include <string.h>

#include "controller/base/log.h"
#include "controller/engine/state.h"
#include "schemas/mem.h"

void guests_init(struct engine *e)
{
    e->guests = xcalloc(DOMID_MAX + 1, sizeof *e->guests);
}

void guests_free(struct engine *e)
{
    for (size_t i = 0; i <= DOMID_MAX; i++)
        free(e->guests[i].types);
    free(e->guests);
    free(e->room);
}

struct guest_type *guest_type_of(struct engine *e, uint16_t domid, const char *type)
{
    struct guest *g = &e->guests[domid];
    for (size_t i = 0; i < g->n_types; i++)
        if (strcmp(g->types[i].type, type) == 0)
            return &g->types[i];
    xgrow(&g->types, &g->cap_types, g->n_types + 1, sizeof *g->types);
    struct guest_type *t = &g->types[g->n_types++];
    *t = (struct guest_type){0};
    memcpy(t->type, type, strlen(type) + 1);
    return t;
}

void guest_type_drop(struct engine *e, uint16_t domid, const char *type)
{
    struct guest *g = &e->guests[domid];
    struct guest_type *t = guest_type_of(e, domid, type);
    if (t->devices || t->over || t->listing)
        return;
    *t = g->types[--g->n_types];
    if (g->n_types)
        return;
    free(g->types);
    g->types = NULL;
    g->cap_types = 0;
}

bool guest_has_room(struct engine *e, const struct device_key *key, const struct policy *p)
{
    struct guest_type *t = guest_type_of(e, key->domid, key->type);
    if (t->devices < p->limits.devices_per_domain)
        return true;
    t->refused = true;
    if (t->over)
        return false;
    const struct log_about about = {.finding = finding_code_name(FINDING_TOO_MANY_DEVICES)};
    log_about(LOG_LEVEL_WARNING, &about,
              "%s/%u/%s: %s: domain %u has %u of type %s already, and no more are looked after", key->type,
              key->domid, key->devid, about.finding, key->domid, t->devices, key->type);
    t->over = true;
    e->n_over++;
    return false;
}

void guest_join(struct engine *e, struct device *d)
{
    guest_type_of(e, d->key.domid, d->key.type)->devices++;
    LIST_INSERT_HEAD(&e->guests[d->key.domid].devices, d, of_guest);
}

static void list_again(struct engine *e, struct guest_type *t, const struct device_key *key)
{
    t->again |= t->listing;
    if (!t->over || t->listing)
        return;
    t->listing = true;
    xgrow(&e->room, &e->cap_room, e->n_room + 1, sizeof *e->room);
    e->room[e->n_room++] = *key;
    engine_wake_soon(e);
}

void guest_refused_changed(struct engine *e, const struct device_key *key)
{
    struct guest *g = &e->guests[key->domid];
    for (size_t i = 0; i < g->n_types; i++)
        if (strcmp(g->types[i].type, key->type) == 0)
            list_again(e, &g->types[i], key);
}

void guest_leave(struct engine *e, struct device *d)
{
    struct guest_type *t = guest_type_of(e, d->key.domid, d->key.type);
    LIST_REMOVE(d, of_guest);
    t->devices--;
    list_again(e, t, &d->key);
    guest_type_drop(e, d->key.domid, d->key.type);
}
