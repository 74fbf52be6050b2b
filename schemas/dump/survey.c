/* SPDX-License-Identifier: MIT */
#include "schemas/dump/survey.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/device.h"
#include "schemas/dump/command.h"
#include "schemas/mem.h"
#include "schemas/value.h"

/* ---- lines ---- */

static enum dump_form form_of(const struct dump_line *l)
{
    if (l->name.at[0] == '/')
        return FORM_ABSOLUTE;
    return memchr(l->name.at, '/', l->name.len) ? FORM_RELATIVE : FORM_TREE;
}

bool dump_survey_fits(const struct dump_survey *s, const struct dump_line *l)
{
    return form_of(l) == s->form;
}

static bool cut(const struct dump_span *value)
{
    static const char mark[] = "\\...";
    size_t n = strlen(mark);
    return value->len >= n && memcmp(value->at + value->len - n, mark, n) == 0;
}

/* xenstore-ls cuts what it prints of a node so that this many columns hold the name and ` = "\..."`. */
enum { COLUMNS_PIPED = 80 };

bool dump_survey_name_cut(const struct dump_survey *s, const struct dump_line *l)
{
    if (s->form != FORM_TREE)
        return false;
    if (l->value.len == 0)
        return l->indent + l->name.len + strlen(" = \"\\...\"") - 1 == s->columns;
    return l->value.len == 4 && cut(&l->value);
}

static bool is_node(const struct dump_line *l)
{
    return l->kind == LINE_NODE || l->kind == LINE_OPEN;
}

/* `name =`, with its value on the next line */
static bool is_head(const struct dump_line *l)
{
    return l->kind == LINE_HEAD && l->text.at[l->text.len - 1] == '=';
}

static bool named(const struct dump_line *l, const char *name)
{
    return l->name.len == strlen(name) && memcmp(l->name.at, name, l->name.len) == 0;
}

/* ---- names ---- */

/* Those at the top of a tree. */
struct names {
    struct dump_span *slots;
    size_t n, cap;
};

static struct dump_span *slot_of(const struct names *names, const struct dump_span *name)
{
    size_t i = (size_t)hash_bytes(HASH_INIT, name->at, name->len) & (names->cap - 1);
    while (names->slots[i].at &&
           (names->slots[i].len != name->len || memcmp(names->slots[i].at, name->at, name->len) != 0))
        i = (i + 1) & (names->cap - 1);
    return &names->slots[i];
}

static bool names_have(const struct names *names, const struct dump_span *name)
{
    return names->n && slot_of(names, name)->at;
}

static void names_add(struct names *names, const struct dump_span *name)
{
    enum { FIRST = 64 };
    if (names->n * 2 >= names->cap) {
        struct names more = {.cap = names->cap ? names->cap * 2 : FIRST, .n = names->n};
        more.slots = xcalloc(more.cap, sizeof *more.slots);
        for (size_t i = 0; i < names->cap; i++)
            if (names->slots[i].at)
                *slot_of(&more, &names->slots[i]) = names->slots[i];
        free(names->slots);
        *names = more;
    }
    struct dump_span *slot = slot_of(names, name);
    names->n += !slot->at;
    *slot = *name;
}

static void names_clear(struct names *names)
{
    free(names->slots);
    *names = (struct names){0};
}

/* ---- what is known of a part of the text ---- */

enum { NOWHERE = -1 };

struct part {
    size_t nodes, by_form[DUMP_FORMS];
    unsigned base;
    int column[2]; /* by side: of the keys that ends of that side have, and name the other; NOWHERE: there are
                      none */
    bool domid;    /* a domain's directory is at the top */
};

static void part_add(struct part *p, const struct dump_line *l)
{
    static const char *const keys[] = {[BACKEND] = "frontend", [FRONTEND] = "backend"};
    p->nodes++;
    p->by_form[form_of(l)]++;
    if (l->indent < p->base) {
        p->base = l->indent;
        p->domid = false;
    }
    p->domid |= l->indent == p->base && named(l, "domid");
    for (int side = 0; side < 2; side++)
        if (named(l, keys[side]) && (l->kind == LINE_HEAD || (l->value.len && *l->value.at == '/')) &&
            p->column[side] == NOWHERE)
            p->column[side] = (int)l->indent;
}

static const struct part nothing = {.base = UINT_MAX, .column = {NOWHERE, NOWHERE}};

enum gap {
    GAP_NONE,
    GAP_WORDS, /* lines that are no nodes */
    GAP_BLANK, /* a blank line among them */
};

/* What this line is between two nodes. */
static enum gap gap_of(const struct dump_reader *r, const struct dump_line *l, enum dump_line_kind before)
{
    if (l->kind == LINE_BLANK && r->spaced_out)
        return GAP_NONE;
    if (l->kind == LINE_BLANK) /* xenstore-ls prints one behind what it may not read */
        return before == LINE_UNREADABLE ? GAP_WORDS : GAP_BLANK;
    bool words = l->kind == LINE_OTHER || l->kind == LINE_ELISION || (l->kind == LINE_HEAD && !is_head(l));
    return words ? GAP_WORDS : GAP_NONE;
}

/* From the line on to the next gap. */
static struct part paragraph(const struct dump_reader *behind, const struct dump_line *first,
                             const struct names *top, unsigned base, bool *ret_again)
{
    struct dump_reader look = *behind;
    struct dump_line l = *first;
    struct part p = nothing;
    enum dump_line_kind before = l.kind;
    *ret_again = false;
    do {
        if (l.kind == LINE_COMMAND || gap_of(behind, &l, before))
            break;
        before = l.kind;
        if (!is_node(&l) && !is_head(&l))
            continue;
        part_add(&p, &l);
        *ret_again |= l.indent == base && names_have(top, &l.name);
    } while (dump_reader_next(&look, &l));
    return p;
}

/* ---- where another listing begins ---- */

struct surveyor {
    const struct dump_reader *r;
    struct dump_survey *s;
    struct part part;
    struct names top;
    struct dump_span directory; /* of the first path */
    size_t with, without;       /* permissions */
    unsigned quoted;            /* how often the node before was */
    unsigned indent,
        step; /* of the node before; by how much others are deeper than the one before, 1: it varies */
    unsigned deepest;
};

/* Ends of both sides are in one tree only below their domains. */
static bool apart(const struct part *all, int backend, int frontend)
{
    if (backend == NOWHERE || frontend == NOWHERE)
        return false;
    int depth = backend - (int)all->base;
    return frontend != backend - 1 || depth < 4 || (depth == 4 && !all->domid);
}

static bool differ(int a, int b)
{
    return a != NOWHERE && b != NOWHERE && a != b;
}

/* Does it say by itself where it belongs, and begin as high as what was before it? */
static bool stands_alone(const struct surveyor *v, const struct part *next)
{
    int base = (int)next->base;
    bool ends = (next->column[BACKEND] != NOWHERE && next->column[BACKEND] - base <= 3) ||
                (next->column[FRONTEND] != NOWHERE && next->column[FRONTEND] - base <= 2);
    return ends && next->base == v->part.base && (!v->s->listed.at || v->s->listed.len == 1);
}

/* Is it another of the few that are at the top of a store? */
static bool at_root(const struct surveyor *v, const struct dump_line *l)
{
    static const char *const names[] = {"local", "vm", "tool", "libxl"};
    bool there = false, one = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        there |= names_have(&v->top, &(struct dump_span){names[i], strlen(names[i])});
        one |= named(l, names[i]);
    }
    return there && one && l->indent == v->part.base && !names_have(&v->top, &l->name);
}

static bool tree_begins(const struct surveyor *v, const struct dump_line *l, const struct part *next,
                        bool again, enum gap gap)
{
    const struct part *p = &v->part;
    if (l->indent > next->base || at_root(v, l)) /* the first line of a listing is as high as any other */
        return false;
    if (l->indent < p->base || again || (gap == GAP_BLANK && stands_alone(v, next)))
        return true;
    for (int side = 0; side < 2; side++)
        if (differ(p->column[side], next->column[side]))
            return true;
    return apart(p, p->column[BACKEND], next->column[FRONTEND]) ||
           apart(p, next->column[BACKEND], p->column[FRONTEND]);
}

static bool below(const struct dump_span *directory, const struct dump_span *path)
{
    return path->len > directory->len &&
           (!directory->len || memcmp(path->at, directory->at, directory->len) == 0);
}

/* Behind a gap. Words alone may be the rest of a wrapped line, and so may one line behind them. */
static bool begins(const struct surveyor *v, const struct dump_reader *behind, const struct dump_line *l,
                   enum gap gap)
{
    bool again;
    struct part next = paragraph(behind, l, &v->top, v->part.base, &again);
    enum dump_form form = form_of(l);
    bool enough = gap == GAP_BLANK || next.nodes > 1;
    if (form != v->s->form)
        return enough && next.by_form[form] == next.nodes;
    if (form == FORM_TREE)
        return tree_begins(v, l, &next, again, gap);
    return enough && !below(&v->directory, &l->name);
}

/* Without a gap: a directory that comes a second time at the top. */
static bool comes_again(const struct surveyor *v, const struct dump_reader *behind, const struct dump_line *l)
{
    struct dump_reader look = *behind;
    struct dump_line next;
    return v->s->form == FORM_TREE && form_of(l) == FORM_TREE && l->indent == v->part.base &&
           names_have(&v->top, &l->name) && dump_reader_next(&look, &next) && is_node(&next) &&
           next.indent == l->indent + 1;
}

/* ---- the survey ---- */

/* xenstore-ls prints one blank for each level; editors and web pages make tabs or more of them, for all
 * alike. */
static void measure(struct surveyor *v, const struct dump_line *l)
{
    unsigned was = v->indent, is = l->indent;
    if (v->s->nodes && is > was)
        v->step = v->step == 0 || v->step == is - was ? is - was : 1;
    else if (v->step > 1 && (was - is) % v->step)
        v->step = 1;
    v->indent = is;
    if (is > v->deepest)
        v->deepest = is;
}

static unsigned unit_of(const struct surveyor *v)
{
    enum { LEVELS_MIN = 3 };
    bool scaled = v->step > 1 && (v->deepest - v->part.base) / v->step >= LEVELS_MIN;
    return scaled && v->s->form == FORM_TREE ? v->step : 1;
}

/* What the first path is in, which all others are below; of one that begins at a domain's own directory what
 * is there. */
static struct dump_span directory_of(const struct dump_line *l)
{
    struct dump_span d = l->name;
    const char *slash = memchr(d.at, '/', d.len);
    while (d.len > 1 && d.at[d.len - 1] != '/')
        d.len--;
    if (*d.at != '/')
        d.len = (size_t)(slash - d.at) + 1;
    return d;
}

static void add_node(struct surveyor *v, const struct dump_line *l)
{
    struct part *p = &v->part;
    struct dump_survey *s = v->s;
    if (l->indent < p->base)
        names_clear(&v->top);
    part_add(p, l);
    if (l->indent == p->base && form_of(l) == FORM_TREE)
        names_add(&v->top, &l->name);
    for (int form = 0; form < DUMP_FORMS; form++)
        if (p->by_form[form] > p->by_form[s->form])
            s->form = (enum dump_form)form;
    if (!is_node(l))
        return;
    if (!v->directory.at && form_of(l) != FORM_TREE)
        v->directory = directory_of(l);
    measure(v, l);
    v->quoted = l->quoted;
    v->with += l->kind == LINE_NODE && l->perms;
    v->without += l->kind == LINE_NODE && !l->perms;
    if (l->kind == LINE_NODE && cut(&l->value))
        s->columns = l->indent + l->name.len + strlen(" = \"") + l->value.len;
    if (!s->nodes++)
        s->first = l->number;
    s->last = l->number;
}

/* False: another listing begins with this line. */
static bool survey_line(struct surveyor *v, const struct dump_reader *behind, const struct dump_line *l,
                        enum gap *gap, enum dump_line_kind before)
{
    enum gap here = gap_of(v->r, l, before);
    if (l->kind == LINE_PERMS && before == LINE_NODE) { /* wrapped */
        v->with++;
        v->without -= v->without > 0;
    }
    if (v->s->nodes && l->quoted != v->quoted && is_node(l))
        here = GAP_BLANK; /* from another mail */
    if (here > *gap)
        *gap = here;
    if (!is_node(l) && !is_head(l))
        return true;
    if (v->s->nodes && is_node(l) && (*gap ? begins(v, behind, l, *gap) : comes_again(v, behind, l)))
        return false;
    *gap = GAP_NONE;
    add_node(v, l);
    return true;
}

void dump_survey_take(const struct dump_reader *r, const struct dump_line *command,
                      const struct dump_survey *before, struct dump_survey *ret_survey)
{
    struct dump_reader look = *r;
    struct dump_survey s = {.columns = COLUMNS_PIPED, .filtered = before->filtered, .kept = before->kept};
    struct surveyor v = {.r = r, .s = &s, .part = nothing};
    struct dump_line l;
    struct dump_command c;
    enum gap gap = GAP_NONE;
    if (command) {
        dump_command_read(&command->name, &c);
        s.listed = c.listed;
        s.filtered = c.filtered;
        s.kept = c.kept;
    }
    for (enum dump_line_kind kind = LINE_OTHER; dump_reader_next(&look, &l) && l.kind != LINE_COMMAND;
         kind = l.kind)
        if (!survey_line(&v, &look, &l, &gap, kind)) {
            s.end = l.number;
            break;
        }
    s.base = v.part.base;
    s.unit = unit_of(&v);
    s.perms = v.with && v.with >= v.without;
    names_clear(&v.top);
    *ret_survey = s;
}
