/* SPDX-License-Identifier: MIT */
#include "schemas/row.h"

struct row_text {
    const char *name, *condition;
};

static const struct row_text rows[] = {
#define X(name, text, condition) [ROW_##name] = {(text), (condition)},
    ROWS(X)
#undef X
};
_Static_assert(sizeof rows / sizeof *rows == ROW_COUNT, "every row has a name and a condition");

const char *row_name(enum row row)
{
    return rows[row].name;
}

const char *row_condition(enum row row)
{
    return rows[row].condition;
}
