/* SPDX-License-Identifier: MIT */
/* Dumps as files, and what a report says of them. Blocks. One thread. */
#ifndef XENRECON_DUMP_FILE_H
#define XENRECON_DUMP_FILE_H

#include "controller/store/dump_store.h"
#include "schemas/report/report.h"

/* Reads and parses a file, or stdin for "-". 0 and a dump for dump_free(); or a negative errno, which was
 * logged. */
int dump_file_load(const char *file, struct dump **ret_dump);

/* Adds findings about the text to those of no single device: lines that could not be used, values that were
 * needed but not whole, ends of devices that are not in it, a dump without backends. */
void dump_file_report(const struct dump *dump, const struct dump_store *store, struct report *report);

#endif
