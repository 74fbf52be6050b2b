/* SPDX-License-Identifier: MIT */
/* One listing of a dump: what one run of xenstore-ls printed. People paste several after each other; where
 * they pasted the prompts too, each begins with its own. Only the dump's own files include this. */
#ifndef XENRECON_DUMP_LISTING_H
#define XENRECON_DUMP_LISTING_H

#include "schemas/dump/line.h"
#include "schemas/dump/node.h"

struct dump_listing_result {
    unsigned flattened; /* 0, or the line from which one can see that indentation was lost */
};

/* Reads up to the next prompt or the end, and puts what it found into the dump. False: there is nothing left,
 * or the dump has too many nodes. */
bool dump_listing_read(struct dump *d, struct dump_reader *r, struct dump_listing_result *ret_result);

#endif
