/* SPDX-License-Identifier: MIT */
/* The command line above a listing, as far as it says what was listed. Only the dump's own files include
 * this. */
#ifndef XENRECON_DUMP_COMMAND_H
#define XENRECON_DUMP_COMMAND_H

#include "schemas/dump/line.h"

struct dump_command {
    struct dump_span listed; /* the path; its `at` is NULL where only a shell knows it */
    bool filtered;           /* the output went through a program that leaves lines out ... */
    struct dump_span kept;   /* ... but not those with this in them; its `at` is NULL where nobody knows */
};

/* Of a line `$ xenstore-ls -fp /local/domain/0 | grep vif > file` the words behind the program's name. */
void dump_command_read(const struct dump_span *arguments, struct dump_command *ret_command);

#endif
