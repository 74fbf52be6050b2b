/* SPDX-License-Identifier: MIT */
/* Where in the store a listing without full paths belongs, told from what is in it. Only the dump's own files
 * include this. */
#ifndef XENRECON_DUMP_PLACE_H
#define XENRECON_DUMP_PLACE_H

#include "schemas/dump/node.h"

enum { DUMP_PLACE_SIZE = 64 };

enum dump_place {
    PLACE_UNKNOWN, /* it cannot be told */
    PLACE_KNOWN,
    PLACE_ASSUMED, /* some domain's, and nothing says which: domain 0's */
};

/* The root of a tree listing: which directory was listed? Fills in its path when that is not unknown. */
enum dump_place dump_place_tree(const struct dump *d, const struct dump_node *root,
                                char buf[static DUMP_PLACE_SIZE]);
/* The same for relative paths, which begin at a domain's own directory. */
enum dump_place dump_place_home(const struct dump *d, const struct dump_node *home,
                                char buf[static DUMP_PLACE_SIZE]);

/* Is there anything in it that would be worth reporting on, a device's end? */
bool dump_has_devices(const struct dump *d, const struct dump_node *root);

#endif
