/* SPDX-License-Identifier: MIT */
/* What controller/cli/inspect.c and inspect_list.c share. */
#ifndef XENRECON_INSPECT_IMPL_H
#define XENRECON_INSPECT_IMPL_H

#include "controller/cli/daemon_memory.h"
#include "controller/cli/inspect.h"
#include "controller/store/dump_store.h"
#include "controller/store/xs_blocking.h"

struct inspection {
    struct xs_blocking *blocking; /* either this */
    struct dump *dump;            /* or these two */
    struct dump_store *dump_store;
    struct store *store;
    struct daemon_memory *memory; /* NULL: no daemon was asked */
    struct policy_set policies;
    enum inspection_scope scope;
    uint16_t self, own; /* whose report it is, and ourselves */
    uint16_t *domains;  /* SCOPE_ALL */
    size_t n_domains, cap_domains;
};

/* Until *done: 0, or a negative errno. */
int inspection_run(struct inspection *in, const bool *done);

#endif
