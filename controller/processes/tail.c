/* SPDX-License-Identifier: MIT */
#include "controller/processes/tail.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"
#include "schemas/printable.h"

void tail_add(struct tail *t, const char *text, size_t len)
{
    t->total += len;
    if (!len)
        return;
    if (!t->text)
        t->text = xcalloc(1, TAIL_MAX);
    if (len > TAIL_MAX) {
        text += len - TAIL_MAX;
        len = TAIL_MAX;
    }
    if (t->len + len > TAIL_MAX) {
        size_t kept = TAIL_MAX - len;
        memmove(t->text, t->text + t->len - kept, kept);
        t->len = kept;
    }
    memcpy(t->text + t->len, text, len);
    t->len += len;
}

void tail_clear(struct tail *t)
{
    free(t->text);
    *t = (struct tail){0};
}

static bool ends_line(char c)
{
    return c == '\n' || c == '\r';
}

/* Where the line before `end` begins; *end is moved to its end. Equal: there is none. */
static size_t line_before(const struct tail *t, size_t *end)
{
    while (*end > 0 && ends_line(t->text[*end - 1]))
        --*end;
    size_t at = *end;
    while (at > 0 && !ends_line(t->text[at - 1]))
        at--;
    return at;
}

void tail_lines(const struct tail *t, size_t max, char *buf, size_t size,
                void (*each)(void *arg, const char *line), void *arg)
{
    size_t from = t->len;
    for (size_t end = t->len; max > 0 && (end = from) > 0; max--)
        from = line_before(t, &end);
    for (size_t end; from < t->len; from = end + 1) {
        for (end = from; end < t->len && !ends_line(t->text[end]);)
            end++;
        if (end == from)
            continue;
        printable_copy(buf, size, t->text + from, end - from, false);
        each(arg, buf);
    }
}

bool tail_last(const struct tail *t, char *buf, size_t size)
{
    size_t end = t->len, at = line_before(t, &end);
    if (end > at)
        printable_copy(buf, size, t->text + at, end - at, false);
    return end > at;
}
