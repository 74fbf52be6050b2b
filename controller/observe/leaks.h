/* SPDX-License-Identifier: MIT */
/* What devices leave behind in the store: empty directories in a backend tree, and frontends whose backend is
 * gone. They belong to no device, so `plan` looks for them by itself. What may not be read is passed over.
 * The search owns itself until `done`. One thread. */
#ifndef XENRECON_LEAKS_H
#define XENRECON_LEAKS_H

#include "controller/store/store.h"
#include "schemas/plan.h"

struct leaks_request {
    struct store *store;
    uint16_t backend_domid;
    bool everywhere;   /* looks into all domains' backend trees, not only our own */
    bool some_domains; /* /local/domain may lack domains that live: one that is not there need not be gone */
    struct plan *host; /* where the findings go, sorted */
    void (*done)(void *arg);
    void *arg;
};

void leaks_find(const struct leaks_request *request);

#endif
