/* SPDX-License-Identifier: MIT */
/* What is known of the terminal that our output goes to: its width, and whether it has colours. Also texts
 * for people: tables and ages. One thread; nothing here fails. */
#ifndef XENRECON_TERMINAL_H
#define XENRECON_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum colour {
    PLAIN,
    BOLD,
    GOOD,   /* green */
    UNSURE, /* yellow */
    BAD,    /* red */
    FAINT,
};

struct terminal {
    size_t width, height; /* SIZE_MAX: no limit */
    bool colour, interactive;
};

/* Parses the argument of --color: always, never or auto, which is where stdout is a terminal, $NO_COLOR is
 * not set and $TERM is not `dumb`. -1: it is none of these. */
int terminal_parse_colour(const char *text);
enum { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

/* stdout's; $COLUMNS and $LINES count more than what the terminal says. */
struct terminal terminal_of_stdout(int colour);

void terminal_begin(const struct terminal *t, enum colour c, FILE *to);
void terminal_end(const struct terminal *t, enum colour c, FILE *to);
/* Prints at most `width` characters of the text; one that is cut ends in `~`. Returns how many it printed. */
size_t terminal_print(const char *text, size_t width, FILE *to);

enum { LOCAL_TIME_SIZE = 32 };
/* `2026-11-30 09:15:02` in the reader's time zone, as in logs; `?` where there is none. Returns buf. */
const char *local_time_format(uint64_t milliseconds, char buf[static LOCAL_TIME_SIZE]);

/* ---- a table: columns that do not fit are left out, the least important first ---- */

struct table_column {
    const char *title;
    int importance; /* 0: never left out */
};

struct table;
struct table *table_new(const struct table_column *columns,
                        size_t n); /* the columns must live as long as the table */
void table_free(struct table *t);
/* Adds a row: a cell for each column, copied; NULL: `-`. */
void table_add(struct table *t, const char *const *cells, const enum colour *colours);
void table_hide(struct table *t, size_t column, bool hide); /* it is never shown */
void table_fit(struct table *t, size_t width);
void table_print_titles(const struct table *t, const struct terminal *term, FILE *to);
void table_print_row(const struct table *t, size_t row, const struct terminal *term, FILE *to);

#endif
