/* SPDX-License-Identifier: MIT */
/* What is wrong in a file, and where: printed as
 *
 *   policies.d/qdisk.yaml:7:3: unknown key `ownr`, did you mean `owner`?
 *       7 | ownr: kernel
 *         | ^
 */
#ifndef XENRECON_DIAGNOSTIC_H
#define XENRECON_DIAGNOSTIC_H

#include <stddef.h>

struct diagnostic {
    char file[256];
    unsigned line, column; /* from 1; 0: the file as a whole */
    char message[512];
    char excerpt[256]; /* the line, or the part of it around the column, made printable; may be empty */
    unsigned caret;    /* where in the excerpt the column is, from 1 */
};

/* Sets everything; `text` is the whole file's content, for the excerpt, or NULL. */
void diagnostic_set(struct diagnostic *d, const char *file, unsigned line, unsigned column, const char *text,
                    size_t len, const char *format, ...) __attribute__((format(printf, 7, 8)));

/* The line and column (in characters, from 1) of a byte. */
void diagnostic_locate(const char *text, size_t len, size_t offset, unsigned *ret_line, unsigned *ret_column);

/* Formats as above, each line ending in a newline; returns buf. */
const char *diagnostic_format(const struct diagnostic *d, char *buf, size_t size);

/* What is wrong with one text, told as it is found. Zeroed to begin with, but for who wants to hear of it. */
struct mistakes {
    size_t n;
    struct diagnostic first;                                   /* meaningful once there is one */
    void (*each)(void *arg, const struct diagnostic *mistake); /* or NULL */
    void *arg;
};
void mistakes_add(struct mistakes *m, const struct diagnostic *mistake);

#endif
