/* SPDX-License-Identifier: MIT */
/* An inspection's insides, for inspect*.c. */
#ifndef XENRECON_INSPECT_IMPL_H
#define XENRECON_INSPECT_IMPL_H

#include "controller/cli/daemon_memory.h"
#include "controller/cli/disks.h"
#include "controller/cli/inspect.h"
#include "controller/store/dump_store.h"
#include "controller/store/xs_blocking.h"
#include "schemas/dump/hosts.h"

struct inspection {
    struct xs_blocking *blocking; /* the store's connection; NULL: there is a dump */
    struct dump *dump;            /* the dump, and the store that answers from it; NULL: there is none */
    struct dump_hosts read;       /* it is one of these; or another's */
    struct dump_store *dump_store;
    struct store *store;
    struct daemon_memory *memory; /* NULL: no daemon was asked */
    struct naming *naming;        /* NULL: nobody has asked yet */
    struct disks *disks;          /* what the devices write to; NULL: it was not read */
    struct policy_set policies;
    bool borrowed; /* they are another inspection's */
    enum inspection_scope scope;
    uint16_t backend_domid, own; /* the domain whose tree is read, and our own */
    uint16_t *domains;           /* all domains, for SCOPE_ALL */
    size_t n_domains, cap_domains;
};

/* Has requests answered until *done. 0, or a negative errno. */
int inspection_run(struct inspection *in, const bool *done);

#endif
