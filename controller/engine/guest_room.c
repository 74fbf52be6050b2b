/* SPDX-License-Identifier: MIT */
#include "controller/engine/guest_room.h"

#include <stdlib.h>
#include <string.h>

#include "controller/base/log.h"
#include "controller/engine/resync.h"
#include "controller/observe/backend_tree.h"
#include "schemas/mem.h"

struct filling {
    struct engine *e;
    struct device_key at; /* its type and domain */
};

static void fill(struct engine *e, const struct device_key *at);

static void on_found(void *arg, const struct device_key *key)
{
    struct filling *f = arg;
    resync_found(f->e, key);
}

static void on_done(void *arg, int status)
{
    struct filling *f = arg;
    struct engine *e = f->e;
    struct guest_type *t = guest_type_of(e, f->at.domid, f->at.type);
    bool again = t->again && engine_running(e);
    t->listing = t->again = false;
    if (!status && !t->refused && t->over) {
        t->over = false;
        e->n_over--;
        if (t->devices)
            log_info("domain %u: all of its %u devices of type %s are looked after", f->at.domid, t->devices,
                     t->type);
    }
    if (again && t->over)
        fill(e, &f->at);
    else
        guest_type_drop(e, f->at.domid, f->at.type);
    free(f);
    resync_listed(e, status);
}

static void fill(struct engine *e, const struct device_key *at)
{
    struct filling *f = xcalloc(1, sizeof *f);
    struct guest_type *t = guest_type_of(e, at->domid, at->type);
    *f = (struct filling){e, *at};
    t->listing = true;
    t->refused = t->again = false;
    e->listings++;
    backend_tree_list(&(struct backend_tree_request){.store = e->cfg.store,
                                                     .backend_domid = e->cfg.backend_domid,
                                                     .place = BACKEND_DOMAIN,
                                                     .at = *at,
                                                     .found = on_found,
                                                     .done = on_done,
                                                     .arg = f});
}

static void fill_all(struct engine *e)
{
    for (unsigned domid = 0; domid <= DOMID_MAX; domid++)
        for (size_t i = 0; i < e->guests[domid].n_types; i++) {
            const struct guest_type *t = &e->guests[domid].types[i];
            struct device_key at = {.domid = (uint16_t)domid};
            memcpy(at.type, t->type, sizeof at.type);
            if (t->over && !t->listing)
                fill(e, &at);
        }
    e->room_again = false;
}

void guest_room_fill(struct engine *e)
{
    size_t n = e->n_room;
    if (e->room_again)
        fill_all(e);
    for (size_t i = 0; i < n; i++)
        fill(e, &e->room[i]);
    e->n_room = 0;
}
