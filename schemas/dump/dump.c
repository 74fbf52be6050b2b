/* SPDX-License-Identifier: MIT */
#include "schemas/dump/dump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/dump/listing.h"
#include "schemas/dump/node.h"
#include "schemas/dump/place.h"
#include "schemas/mem.h"

#define FLATTENED "the blanks before its lines are not those that were printed"
#define HOW       "make the dump with `xenstore-ls -fp > file`, as root, and pass that file unchanged"

struct whole {
    const char *name, *text;
    size_t len;
    struct diagnostic *why;
    struct dump_reader reader; /* at its beginning */
    size_t nodes;              /* lines that are some */
};

static int refuse(const struct whole *w, unsigned line, const char *what)
{
    diagnostic_set(w->why, w->name, line, line ? 1 : 0, line ? w->text : NULL, w->len, "%s: " HOW, what);
    return -EINVAL;
}

/* Before anything is made of it. */
static int check_text(const struct whole *w)
{
    if (w->len > DUMP_SIZE_MAX) {
        diagnostic_set(w->why, w->name, 0, 0, NULL, 0, "a dump has at most %d MiB", DUMP_SIZE_MAX >> 20);
        return -E2BIG;
    }
    if (w->len == 0)
        return refuse(w, 0, "it is empty");
    if (memchr(w->text, '\0', w->len))
        return refuse(w, 0, "it is no text, or one of 16-bit characters");
    return 0;
}

/* Is the line before the rest of this one, which a mailer broke after it had been quoted? Where it was broken
 * no longer shows, nor whether blanks went with it. */
static bool broken_quote(const struct dump_line *before, const struct dump_line *l, bool listing)
{
    bool open = before->kind == LINE_OPEN || (before->kind == LINE_HEAD && listing);
    return open && before->quoted > l->quoted && l->text.len;
}

/* Were lines put together, with the marks of quoting between them? */
static bool joined_quote(const struct dump_line *l)
{
    return l->quoted && l->kind == LINE_NODE && memmem(l->value.at, l->value.len, "\" >", strlen("\" >"));
}

/* Mail and web pages change all lines alike: a few that look so are only unusable. */
static int check_mangled(struct whole *w)
{
    struct dump_reader r;
    struct dump_line l, before = {.kind = LINE_OTHER};
    size_t nodes = 0, spaced = 0, mangled = 0;
    unsigned first = 0;
    bool listing = false; /* the line before the one before was a node, too */
    dump_reader_init(&w->reader, w->text, w->len);
    for (r = w->reader; dump_reader_next(&r, &l); before = l) {
        bool node = l.kind == LINE_NODE || l.kind == LINE_OPEN;
        if (broken_quote(&before, &l, listing))
            return refuse(w, before.number, "its quoted lines were broken in the middle");
        if (joined_quote(&l))
            return refuse(w, l.number, "its quoted lines were put together");
        listing = before.kind == LINE_NODE || before.kind == LINE_OPEN;
        nodes += node;
        spaced += node && before.kind == LINE_BLANK;
        if (l.kind == LINE_MANGLED && mangled++ == 0)
            first = l.number;
    }
    w->reader.spaced_out = spaced * 4 > nodes * 3;
    w->nodes = nodes;
    if (mangled && mangled * 8 >= nodes)
        return refuse(w, first, "it was mangled by mail or HTML: quotes or blanks were replaced");
    if (!nodes)
        return refuse(w, 0, "no line of it is one that xenstore-ls prints");
    return 0;
}

static int read_listings(const struct whole *w, struct dump *d)
{
    struct dump_reader r = w->reader;
    struct dump_listing_result result = {0};
    while (dump_listing_read(d, &r, &result)) {
        if (d->n_nodes > DUMP_NODES_MAX) { /* GCOVR_EXCL_START: so many take too long for a test */
            diagnostic_set(w->why, w->name, 0, 0, NULL, 0, "no store has more than %d nodes", DUMP_NODES_MAX);
            return -E2BIG;
        } /* GCOVR_EXCL_STOP */
        if (result.flattened && result.survey.nodes * 2 >= w->nodes)
            return refuse(w, result.flattened, FLATTENED);
        if (result.flattened)
            dump_note_add(d, result.survey.first, result.survey.last, false, FLATTENED);
    }
    dump_place(d);
    return 0;
}

int dump_parse(const char *name, const char *text, size_t len, struct dump **ret_dump,
               struct diagnostic *ret_why)
{
    struct whole w = {.name = name, .text = text, .len = len, .why = ret_why};
    int error = check_text(&w);
    if (!error)
        error = check_mangled(&w);
    if (error)
        return error;
    struct dump *d = xcalloc(1, sizeof *d);
    d->root = dump_root_new(d);
    error = read_listings(&w, d);
    if (error) {
        dump_free(d);
        return error;
    }
    if (d->n_more) {
        const char *more =
            arena_printf(&d->arena, "%zu more lines, or runs of lines, could not be used", d->n_more);
        xgrow(&d->notes, &d->cap_notes, d->n_notes + 1, sizeof *d->notes);
        d->notes[d->n_notes++] = (struct dump_note){.text = more};
    }
    *ret_dump = d;
    return 0;
}

void dump_free(struct dump *d)
{
    if (!d)
        return;
    arena_free(&d->arena);
    free(d->buckets);
    free(d->notes);
    free(d->pieces);
    free(d);
}

const struct dump_note *dump_notes(const struct dump *d, size_t *ret_n)
{
    *ret_n = d->n_notes;
    return d->notes;
}
