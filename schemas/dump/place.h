/* SPDX-License-Identifier: MIT */
/* Where in the store listings without full paths belong, told from what is in them, and in the others. Only
 * the dump's own files include this. */
#ifndef XENRECON_DUMP_PLACE_H
#define XENRECON_DUMP_PLACE_H

#include "schemas/dump/node.h"

/* All pieces come below the dump's root, those whose place is told by another's first of all; or it is noted
 * that nothing says where. */
void dump_place(struct dump *d);

#endif
