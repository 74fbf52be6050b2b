/* SPDX-License-Identifier: MIT */
#include "schemas/row.h"

struct row_text {
    const char *name, *condition, *effect;
};

static const struct row_text rows[] = {
#define X(name, text, condition, effect) [ROW_##name] = {(text), (condition), (effect)},
    ROWS(X)
#undef X
};
_Static_assert(sizeof rows / sizeof *rows == ROW_COUNT, "every row has a name, a condition and an effect");

const char *row_name(enum row row)
{
    return rows[row].name;
}

const char *row_condition(enum row row)
{
    return rows[row].condition;
}

const char *row_effect(enum row row)
{
    return rows[row].effect;
}
