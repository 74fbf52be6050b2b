/* SPDX-License-Identifier: MIT */
/* The file of ages, RUN/ages: since when things are as they are, and how often they failed, for the process
 * that comes after this one. A heading, the boot, and a line for each device that has something to remember
 * (reconcilers/ages_line.h); of a guest AGES_OF_GUEST at most, and AGES_FILE_MAX bytes in all.
 *
 * It is replaced as a whole, once nothing of it has changed for a moment, and never while nothing changes.
 * What cannot be understood of it is left out, and said; nothing of it is ever a reason not to start. Writing
 * blocks, for as long as the file system takes; nothing is waited for that must be on a disk.
 *
 * One thread, the loop's. Errors are logged. */
#ifndef XENRECON_AGES_FILE_H
#define XENRECON_AGES_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/device.h"

enum {
    AGES_OF_GUEST = 256,
    AGES_FILE_MAX = 4 << 20,
    AGES_CALM = 1000,        /* milliseconds without a change until it is written */
    AGES_LATEST = 10 * 1000, /* milliseconds from a change, however many follow */
};

struct ages;
struct ages_file;
struct engine;
struct uv_loop_s;

/* Reads it. `now`: the engine's clock. The path must live as long as this. */
struct ages_file *ages_file_new(struct uv_loop_s *loop, const char *run_dir, uint64_t now);
bool ages_file_find(const struct ages_file *f, const struct device_key *key, uint64_t now, struct ages *ret);
/* Something of what the engine has to tell is not as it was. */
void ages_file_changed(struct ages_file *f);
/* Every device that was there is known: from now on it is written. */
void ages_file_ready(struct ages_file *f, const struct engine *e);
void ages_file_mend(struct ages_file *f); /* somebody removed it: it is written again. NULL is fine */
/* Writes what has changed, while the engine is there. NULL is fine. Gone when the loop has turned. */
void ages_file_close(struct ages_file *f);

#endif
