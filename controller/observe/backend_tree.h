/* SPDX-License-Identifier: MIT */
/* Lists the backend tree of one domain, or a part of it: backend/<type>/<domid>/<devid>. Names that no device
 * could have are passed over. */
#ifndef XENRECON_BACKEND_TREE_H
#define XENRECON_BACKEND_TREE_H

#include "controller/store/store.h"
#include "schemas/device.h"

struct backend_tree_request {
    struct store *store;
    uint16_t self;
    enum backend_place place; /* where to begin: BACKEND_ROOT, _TYPE or _DOMAIN */
    struct device_key at;     /* of which the type and the domid are used, as the place demands */
    /* Should this type be looked into? Types that nobody knows cost no request. */
    bool (*wanted)(void *arg, const char *type);
    void (*found)(void *arg, const struct device_key *key);
    /* 0, or the first error that was not "not there". */
    void (*done)(void *arg, int status);
    void *arg;
};

void backend_tree_list(const struct backend_tree_request *request);

#endif
