/* SPDX-License-Identifier: MIT */
/* One listing of a dump: what one run of xenstore-ls printed, or the part of it that somebody pasted. Only
 * the dump's own files include this. */
#ifndef XENRECON_DUMP_LISTING_H
#define XENRECON_DUMP_LISTING_H

#include "schemas/dump/line.h"
#include "schemas/dump/node.h"
#include "schemas/dump/survey.h"

struct dump_listing_result {
    struct dump_survey
        survey;         /* of the listing; for the next one that of the one before, zeroed for the first */
    unsigned flattened; /* 0, or the line from which one can see that indentation was lost: then nothing of it
                           is kept */
};

/* Reads up to where another begins or the end, and puts what it found into the dump, or among its pieces.
 * False: there is nothing left, or the dump has too many nodes. */
bool dump_listing_read(struct dump *d, struct dump_reader *r, struct dump_listing_result *ret_result);

#endif
