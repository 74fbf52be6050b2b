/* SPDX-License-Identifier: MIT */
#include "schemas/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"

enum { GAP = 2, COLUMNS_MAX = 16 };

struct cell {
    char *text;
    enum colour colour;
};

struct table {
    const struct table_column *columns;
    size_t n;
    struct cell *cells; /* row by row */
    size_t n_rows, cap;
    size_t width[COLUMNS_MAX];
    bool shown[COLUMNS_MAX], hidden[COLUMNS_MAX];
    size_t limit;
};

struct table *table_new(const struct table_column *columns, size_t n)
{
    struct table *t = xcalloc(1, sizeof *t);
    t->columns = columns;
    t->n = n < COLUMNS_MAX ? n : COLUMNS_MAX;
    table_fit(t, SIZE_MAX);
    return t;
}

void table_free(struct table *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n_rows * t->n; i++)
        free(t->cells[i].text);
    free(t->cells);
    free(t);
}

void table_add(struct table *t, const char *const *cells, const enum colour *colours)
{
    xgrow(&t->cells, &t->cap, (t->n_rows + 1) * t->n, sizeof *t->cells);
    for (size_t i = 0; i < t->n; i++)
        t->cells[t->n_rows * t->n + i] =
            (struct cell){xstrdup(cells[i] && *cells[i] ? cells[i] : "-"), colours[i]};
    t->n_rows++;
}

static size_t total(const struct table *t)
{
    size_t sum = 0;
    for (size_t i = 0; i < t->n; i++)
        sum += t->shown[i] ? t->width[i] + (sum ? GAP : 0) : 0;
    return sum;
}

/* The column to be left out next; n: none may be. */
static size_t least_important(const struct table *t)
{
    size_t least = t->n;
    for (size_t i = 0; i < t->n; i++)
        if (t->shown[i] && t->columns[i].importance &&
            (least == t->n || t->columns[i].importance > t->columns[least].importance))
            least = i;
    return least;
}

void table_hide(struct table *t, size_t column, bool hide)
{
    t->hidden[column] = hide;
}

void table_fit(struct table *t, size_t width)
{
    for (size_t i = 0; i < t->n; i++) {
        t->shown[i] = !t->hidden[i];
        t->width[i] = strlen(t->columns[i].title);
        for (size_t row = 0; row < t->n_rows; row++) {
            size_t len = strlen(t->cells[row * t->n + i].text);
            t->width[i] = len > t->width[i] ? len : t->width[i];
        }
    }
    t->limit = width;
    for (size_t out; total(t) > width && (out = least_important(t)) < t->n;)
        t->shown[out] = false;
}

static void print(const struct table *t, const struct cell *cells, const char *more,
                  const struct terminal *term, FILE *to)
{
    size_t left = t->limit, pad = 0;
    for (size_t i = 0; i < t->n && left > pad; i++) {
        if (!t->shown[i])
            continue;
        fprintf(to, "%*s", (int)pad, "");
        left -= pad;
        terminal_begin(term, cells[i].colour, to);
        size_t n = terminal_print(cells[i].text, left, to);
        terminal_end(term, cells[i].colour, to);
        left -= n;
        pad = t->width[i] - (n < t->width[i] ? n : t->width[i]) + GAP;
    }
    if (*more)
        fprintf(to, "%*s%s", (int)pad, "", more);
    fputc('\n', to);
}

void table_print_titles(const struct table *t, const struct terminal *term, FILE *to)
{
    struct cell titles[COLUMNS_MAX];
    for (size_t i = 0; i < t->n; i++) {
        titles[i].colour = BOLD;
        titles[i].text = xstrdup(t->columns[i].title);
    }
    print(t, titles, "", term, to);
    for (size_t i = 0; i < t->n; i++)
        free(titles[i].text);
}

void table_print_row(const struct table *t, size_t row, const char *more, const struct terminal *term,
                     FILE *to)
{
    print(t, &t->cells[row * t->n], more, term, to);
}
