/* SPDX-License-Identifier: MIT */
/* Ends of devices in a dump, and the places that their own keys name: a backend's directory names its
 * frontend's, and the other way round. Guests write what their frontends say. Only the dump's own files
 * include this. */
#ifndef XENRECON_DUMP_ENDS_H
#define XENRECON_DUMP_ENDS_H

#include "schemas/dump/node.h"

/* Where a backend is. */
struct dump_place {
    uint16_t backend_domid;
    struct device_key key;
};

/* Does it name an end on the other side, and none on its own, as two directories that run into each other do?
 */
bool dump_is_backend(const struct dump *d, const struct dump_node *n);
bool dump_is_end(const struct dump *d, const struct dump_node *n); /* or both */
bool dump_is_frontend(const struct dump *d, const struct dump_node *n);

/* What the frontend's directory says of its backend. False: nothing that could be. */
bool dump_backend_of(const struct dump *d, const struct dump_node *frontend, struct dump_place *ret_place);
/* What the frontend that this backend's directory names says of it, if that is in the dump. */
bool dump_said_by_frontend(const struct dump *d, const struct dump_node *backend,
                           struct dump_place *ret_place);

/* Who says where an end is. */
enum dump_said {
    SAID_BY_ITSELF,   /* a frontend */
    SAID_BY_FRONTEND, /* of a backend */
    SAID_BY_NOBODY,   /* a backend: in domain 0, of its frontend's type */
};

/* A listing of one device's directory, or of one with some of them below: which directory is it? False: it is
 * no such listing, or they do not say the same. */
bool dump_ends_place(const struct dump *d, const struct dump_node *root, enum dump_said said,
                     char path[static BACKEND_PATH_SIZE]);

#endif
