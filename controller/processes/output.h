/* SPDX-License-Identifier: MIT */
/* What a process prints: read from a pipe, its end kept, its lines logged. Nothing that is printed can make
 * us wait, grow, or neglect others: a turn of the loop reads some of it and a second no more than
 * OUTPUT_RATE. What is not read stays in the pipe, so it is the process that waits, or whose bytes are lost.
 *
 * Each line is logged as `<name>: <line>`, cut to OUTPUT_LINE bytes. Beyond OUTPUT_LINES within OUTPUT_WINDOW
 * they are only counted, and the count is logged when that time is over: what we have to say about the same
 * device has a limit as well, and is not to be crowded out. A NUL is shown as `?`.
 *
 * The process holds both ends of its pipe (output_pipe()), so it does not die of SIGPIPE when we do. We see
 * the end of the file when nobody holds it any more.
 *
 * One thread, the loop's. Errors are negative errno. */
#ifndef XENRECON_OUTPUT_H
#define XENRECON_OUTPUT_H

#include <stdbool.h>

#include "controller/processes/tail.h"

struct uv_loop_s;
struct output;

enum {
    OUTPUT_RATE = 256 * 1024, /* bytes a second */
    OUTPUT_LINE = 512,
    OUTPUT_LINES = 50,
    OUTPUT_WINDOW = 10 * 1000, /* milliseconds */
};

struct output_config {
    struct uv_loop_s *loop;
    const char *name;  /* copied */
    bool quiet;        /* nothing is logged, and all is read that comes, until output_speak() */
    struct tail *tail; /* takes what is read; it must live until output_close() */
    /* Nobody can print any more. Never from inside a call. NULL: it need not be said. */
    void (*ended)(void *arg);
    void *arg;
};

/* Reads from this descriptor of a pipe, which is taken over. */
struct output *output_new(const struct output_config *config, int fd);

/* From now on it is logged, and no more is read than OUTPUT_RATE. */
void output_speak(struct output *o);

/* Takes what is in the pipe now, for one whose process has ended. */
void output_drain(struct output *o);

/* What is printed from now on is lost. NULL is fine. Gone when the loop has turned. */
void output_close(struct output *o);

/* Makes a pipe: an end to read from, for output_new(), and one that is for reading and writing, for the
 * process. Both are closed by exec. */
int output_pipe(int *ret_read, int *ret_process);

#endif
