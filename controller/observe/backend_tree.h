/* SPDX-License-Identifier: MIT */
/* Lists the backend tree of one domain, or a part of it: backend/<type>/<domid>/<devid>. Names that no device
 * could have are passed over. The listing owns itself until `done`. One thread. Errors are negative errno. */
#ifndef XENRECON_BACKEND_TREE_H
#define XENRECON_BACKEND_TREE_H

#include "controller/store/store.h"
#include "schemas/device.h"

struct backend_tree_request {
    struct store *store;
    uint16_t backend_domid;
    enum backend_place place; /* where to begin: BACKEND_ROOT, _TYPE or _DOMAIN */
    struct device_key at;     /* its type and domid are used, as the place demands */
    /* Should this type be listed? A type that is not wanted costs no request. */
    bool (*wanted)(void *arg, const char *type);
    void (*found)(void *arg, const struct device_key *key);
    /* `status`: 0, or the first error; a directory that is not there is none. */
    void (*done)(void *arg, int status);
    void *arg;
};

void backend_tree_list(const struct backend_tree_request *request);

#endif
