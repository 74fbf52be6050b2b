/* SPDX-License-Identifier: MIT */
/* The lines of a dump: what each of them is, looked at alone. Only the dump's own files include this. Lines
 * point into the text. */
#ifndef XENRECON_DUMP_LINE_H
#define XENRECON_DUMP_LINE_H

#include <stdbool.h>
#include <stddef.h>

enum dump_line_kind {
    LINE_BLANK,
    LINE_NODE,       /* name = "value" */
    LINE_OPEN,       /* name = "val: the value goes on, or is lost */
    LINE_HEAD,       /* name =   or  name  : wrapped before the value */
    LINE_TAIL,       /* = "value"  or  "value" : what a mailer left of the line before it */
    LINE_UNREADABLE, /* name: */
    LINE_PERMS,      /* (n0,r7) */
    LINE_ELISION,    /* ... */
    LINE_COMMAND,    /* a prompt, with xenstore-ls behind it */
    LINE_ERROR,      /* xenstore-ls: what it had to complain about */
    LINE_MANGLED,    /* it was a node once */
    LINE_OTHER,
};

struct dump_span {
    const char *at;
    size_t len;
};

struct dump_line {
    enum dump_line_kind kind;
    unsigned number;
    bool last;              /* the text ends here, without a newline */
    bool perms;             /* NODE, TAIL: permissions follow the value */
    unsigned indent;        /* columns before it */
    unsigned quoted;        /* how often: the marks before it */
    struct dump_span name;  /* NODE, OPEN, HEAD, UNREADABLE; of a COMMAND its arguments */
    struct dump_span value; /* NODE, OPEN, TAIL: as it was printed, without the quotes */
    struct dump_span text;  /* all of it, without blanks around it */
};

/* Reads a text line by line: without the marks of quoting that mailers put before them, and without
 * blanks and carriage returns at the end. Copying it is a way to look ahead. */
enum { DUMP_QUOTES_MAX = 8 };
struct dump_reader {
    const char *at, *end;
    unsigned number; /* of the line before */
    unsigned quotes;
    bool spaced[DUMP_QUOTES_MAX]; /* `> ` rather than `>`, by level */
    enum dump_line_kind before; /* what the line before was, but for a blank one behind what is unreadable */
    bool spaced_out;            /* there are blank lines everywhere, and they mean nothing */
};

void dump_reader_init(struct dump_reader *r, const char *text, size_t len);
bool dump_reader_next(struct dump_reader *r, struct dump_line *ret_line); /* false: that was all */

/* A printed value's bytes, into buf of len bytes. False: it was cut, damaged, or left out by a person.
 * `before`: how many columns of the line come before it. */
bool dump_value_decode(const struct dump_span *printed, size_t before, char *buf, size_t *ret_len);

#endif
