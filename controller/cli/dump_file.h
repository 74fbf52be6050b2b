/* SPDX-License-Identifier: MIT */
/* Dumps as files, and what a report says of them. Blocks. One thread. */
#ifndef XENRECON_DUMP_FILE_H
#define XENRECON_DUMP_FILE_H

#include "controller/store/dump_store.h"
#include "schemas/dump/hosts.h"
#include "schemas/report/report.h"

/* Reads and parses a file, or stdin for "-". 0 and the hosts of which it has listings, for
 * dump_hosts_clear(); or a negative errno, which was logged, and is in `ret_why` in a few words. */
enum { DUMP_FILE_WHY_SIZE = 600 };
int dump_file_load(const char *file, struct dump_hosts *ret_hosts, char ret_why[static DUMP_FILE_WHY_SIZE]);

/* Adds findings about the text to those of no single device: lines that could not be used, values that were
 * needed but not whole, ends of devices that are not in it, a dump without backends. */
void dump_file_report(const struct dump *dump, const struct dump_store *store, struct report *report);

#endif
