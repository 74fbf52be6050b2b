/* SPDX-License-Identifier: MIT */
/* What holds of every diagnostic: it points into the text, says something, and may be sent to a terminal. */
#ifndef XENRECON_TEST_FUZZ_DIAGNOSTICS_H
#define XENRECON_TEST_FUZZ_DIAGNOSTICS_H

#include "schemas/diagnostic.h"
#include "test/fuzz/fuzz.h"

/* The bytes of the text before a line; the text's length when it has fewer lines. */
static inline size_t text_line(const char *text, size_t len, unsigned line)
{
    size_t low = 0, high = len;
    while (low < high) {
        unsigned at_line, column;
        size_t middle = low + (high - low) / 2;
        diagnostic_locate(text, len, middle, &at_line, &column);
        if (at_line < line)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* `text` as it was parsed, without an editor's mark. */
static inline void check_diagnostic(const struct diagnostic *d, const char *file, const char *text,
                                    size_t len)
{
    char all[2 * sizeof *d];
    unsigned lines, column;
    holds(strcmp(d->file, file) == 0, "%s", d->file);
    holds(*d->message, "no message");
    holds_printable(d->message, strlen(d->message), false);
    holds_printable(d->excerpt, strlen(d->excerpt), false);
    diagnostic_format(d, all, sizeof all);
    holds(strlen(all) < sizeof all - 1 && all[strlen(all) - 1] == '\n', "%s", all);
    holds_printable(all, strlen(all), true);
    if (!d->line) {
        holds(!d->column && !*d->excerpt, "column %u of no line", d->column);
        return;
    }
    diagnostic_locate(text, len, len, &lines, &column);
    holds(d->line <= lines, "line %u of %u: %s", d->line, lines, d->message);
    size_t begin = text_line(text, len, d->line), end = text_line(text, len, d->line + 1);
    holds(d->column >= 1 && d->column <= end - begin + 1, "column %u of %zu bytes in line %u: %s", d->column,
          end - begin, d->line, d->message);
    holds(d->caret <= strlen(d->excerpt) + 1, "the caret is at %u of \"%s\"", d->caret, d->excerpt);
}

#endif
