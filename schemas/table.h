/* SPDX-License-Identifier: MIT */
/* A table for people: columns that do not fit on the terminal are left out, the least important first. Owns
 * what is in it. One thread; nothing here fails. */
#ifndef XENRECON_TABLE_H
#define XENRECON_TABLE_H

#include "schemas/terminal.h"

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
/* `more`: what stands behind the last column; "": nothing. */
void table_print_row(const struct table *t, size_t row, const char *more, const struct terminal *term,
                     FILE *to);

#endif
