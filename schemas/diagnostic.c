/* SPDX-License-Identifier: MIT */
#include "schemas/diagnostic.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "schemas/printable.h"

enum {
    EXCERPT_COLUMNS = 100,
    EXCERPT_LEAD = 60, /* columns kept before the caret when the line is too long */
};

/* Bytes of the character at s, and whether it may be shown. */
static size_t character(const char *s, size_t len, bool *ret_printable)
{
    size_t n = printable_char(s, len);
    *ret_printable = n > 0;
    if (n > 0)
        return n;
    n = 1;
    if ((unsigned char)s[0] >= 0xc0)
        while (n < 4 && n < len && ((unsigned char)s[n] & 0xc0) == 0x80)
            n++;
    return n;
}

/* Bytes of the line break at s, as YAML counts lines; 0: there is none. */
static size_t line_break(const char *s, size_t len)
{
    if (len >= 2 && s[0] == '\r' && s[1] == '\n')
        return 2;
    if (s[0] == '\n' || s[0] == '\r')
        return 1;
    if (len >= 2 && memcmp(s, "\xc2\x85", 2) == 0)
        return 2;
    if (len >= 3 && (memcmp(s, "\xe2\x80\xa8", 3) == 0 || memcmp(s, "\xe2\x80\xa9", 3) == 0))
        return 3;
    return 0;
}

/* Copies at most `columns` characters, a column for each, so that the caret stands where it should; what must
 * not be shown becomes `?`. Returns how many. */
static unsigned copy_columns(const char *s, size_t len, unsigned columns, char *buf, size_t size)
{
    size_t used = 0;
    unsigned column = 0;
    while (len > 0 && column < columns) {
        bool shown;
        size_t n = character(s, len, &shown);
        if (used + n >= size)
            break;
        if (shown)
            memcpy(buf + used, s, n);
        else
            buf[used] = *s == '\t' ? ' ' : '?';
        used += shown ? n : 1;
        s += n, len -= n;
        column++;
    }
    buf[used] = '\0';
    return column;
}

static void set_excerpt(struct diagnostic *d, const char *text, size_t len)
{
    size_t begin = 0, end;
    for (unsigned line = 1; begin < len && line < d->line;) {
        size_t n = line_break(text + begin, len - begin);
        line += n > 0;
        begin += n ? n : 1;
    }
    for (end = begin; end < len && line_break(text + end, len - end) == 0;)
        end++;

    unsigned column = d->column ? d->column : 1;
    unsigned skip = column > EXCERPT_COLUMNS - 10 ? column - EXCERPT_LEAD : 0;
    for (unsigned i = 0; i < skip && begin < end; i++) {
        bool shown;
        begin += character(text + begin, end - begin, &shown);
    }
    const char *dots = skip ? "..." : "";
    size_t lead = strlen(dots);
    memcpy(d->excerpt, dots, lead + 1);
    unsigned n =
        copy_columns(text + begin, end - begin, EXCERPT_COLUMNS, d->excerpt + lead, sizeof d->excerpt - lead);
    unsigned caret = column - skip;
    d->caret = (unsigned)lead + (caret > n + 1 ? n + 1 : caret);
}

void diagnostic_set(struct diagnostic *d, const char *file, unsigned line, unsigned column, const char *text,
                    size_t len, const char *format, ...)
{
    char message[sizeof d->message];
    va_list ap;
    va_start(ap, format);
    vsnprintf(message, sizeof message, format, ap);
    va_end(ap);

    memset(d, 0, sizeof *d);
    printable_copy(d->file, sizeof d->file, file, strlen(file), false);
    printable_copy(d->message, sizeof d->message, message, strlen(message), false);
    d->line = line;
    d->column = column;
    if (text && line)
        set_excerpt(d, text, len);
}

void diagnostic_locate(const char *text, size_t len, size_t offset, unsigned *ret_line, unsigned *ret_column)
{
    unsigned line = 1, column = 1;
    for (size_t at = 0; at < offset && at < len;) {
        size_t n = line_break(text + at, len - at);
        bool shown;
        if (n) {
            line++;
            column = 1;
            at += n;
        } else {
            column++;
            at += character(text + at, len - at, &shown);
        }
    }
    *ret_line = line;
    *ret_column = column;
}

const char *diagnostic_format(const struct diagnostic *d, char *buf, size_t size)
{
    if (d->line == 0)
        snprintf(buf, size, "%s: %s\n", d->file, d->message);
    else if (d->excerpt[0] == '\0')
        snprintf(buf, size, "%s:%u:%u: %s\n", d->file, d->line, d->column, d->message);
    else
        snprintf(buf, size, "%s:%u:%u: %s\n%5u | %s\n      | %*s\n", d->file, d->line, d->column, d->message,
                 d->line, d->excerpt, (int)d->caret, "^");
    return buf;
}

void mistakes_add(struct mistakes *m, const struct diagnostic *mistake)
{
    if (m->n++ == 0)
        m->first = *mistake;
    if (m->each)
        m->each(m->arg, mistake);
}
