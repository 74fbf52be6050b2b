/* SPDX-License-Identifier: MIT */
/* The file for node_exporter's textfile collector: replaced as a whole, readable by all, at most every
 * METRICS_PAUSE while something changes, and at least every heartbeat, so that its age tells whether the
 * daemon is there. Nothing runs in between. Writing blocks, for as long as the file system takes; nothing is
 * waited for that must be on a disk.
 *
 * One thread, the loop's. An error is logged, once until writing has worked again. */
#ifndef XENRECON_METRICS_FILE_H
#define XENRECON_METRICS_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { METRICS_PAUSE = 3000 /* milliseconds */ };

struct uv_loop_s;
struct metrics_file;

struct metrics_file_config {
    struct uv_loop_s *loop;
    const char *path;   /* in a directory that is ours to change; kept */
    uint32_t heartbeat; /* milliseconds */
    void (*print)(void *arg, bool last, FILE *to);
    void *arg;
};

struct metrics_file *metrics_file_new(const struct metrics_file_config *config);
void metrics_file_changed(struct metrics_file *f); /* NULL is fine */
/* Writes it for the last time. NULL is fine. Gone when the loop has turned. */
void metrics_file_close(struct metrics_file *f);

#endif
