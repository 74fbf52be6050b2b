/* SPDX-License-Identifier: MIT */
#include "schemas/dump/listing.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/dump/survey.h"
#include "schemas/mem.h"

/* Where lines are missing, there is a hole: from the node before it up to the directory that it shares with
 * the node behind it, nobody knows what else there was. In a tree a node's directory is only known from the
 * lines above it, so behind a hole nothing can be placed until the indentation says so again. */

enum { SWALLOW_MAX = 80 }; /* lines of one wrapped value */
#define CERTAIN SIZE_MAX

struct listing {
    struct dump *d;
    struct dump_reader *r;
    struct dump_survey s;
    struct dump_node *root;
    struct dump_node **open; /* a tree's open directories, from the root */
    size_t n_open, cap_open;
    struct dump_node **parents; /* of paths: directories that had no line of their own */
    size_t n_parents, cap_parents;
    struct dump_node *last; /* the node before */
    bool hole;
    size_t doubt;    /* deeper than this nothing can be placed */
    bool unfinished; /* the last value goes on, or is lost */
    unsigned swallowed;
    bool gave_up; /* the last node was unreadable: xenstore-ls ends there */
    bool jumped;  /* the doubt is there because the indentation grew by more than one */
    size_t repeated, jumps, max_depth;
    char *buf;
    size_t cap_buf;
};

static void note(struct listing *l, const struct dump_line *line, bool harmless, const char *text)
{
    dump_note_add(l->d, line->number, line->number, harmless, text);
}

/* ---- holes ---- */

/* `to` is above `from`, or NULL: up to the root. */
static void mark_hole(struct dump_node *from, const struct dump_node *to)
{
    struct dump_node *n = from;
    for (; n && n != to; n = n->parent)
        n->holes = true;
    if (n)
        n->holes = true;
}

/* Paths grow downwards, so their lengths lead two nodes to the directory that they share. */
static const struct dump_node *shared(const struct dump_node *a, const struct dump_node *b)
{
    while (a != b) /* the root at last */
        if (a->path_len >= b->path_len)
            a = a->parent;
        else
            b = b->parent;
    return a;
}

static void end_hole(struct listing *l, struct dump_node *parent)
{
    if (!l->hole)
        return;
    if (l->last)
        mark_hole(l->last, shared(l->last, parent));
    else
        mark_hole(parent, NULL);
    l->hole = false;
}

/* Lines are missing here, or cannot be used. */
static void begin_hole(struct listing *l, size_t doubt)
{
    l->hole = true;
    l->unfinished = false;
    if (doubt < l->doubt)
        l->doubt = doubt;
}

/* ---- nodes ---- */

static size_t depth_of(const struct listing *l, unsigned indent)
{
    return indent > l->s.base ? (indent - l->s.base) / l->s.unit : 0;
}

static struct dump_node *attach_name(struct listing *l, const struct dump_line *line)
{
    size_t depth = depth_of(l, line->indent);
    if (line->indent < l->s.base || (line->indent - l->s.base) % l->s.unit || depth > l->doubt ||
        depth >= l->n_open) {
        l->jumped |= l->doubt == CERTAIN && l->last;
        l->jumps += l->jumped;
        begin_hole(l, 0);
        note(l, line, false, "which directory it belongs to cannot be told");
        return NULL;
    }
    struct dump_node *parent = l->open[depth];
    struct dump_node *n = dump_child_make(l->d, parent, line->name.at, line->name.len);
    if (!n)
        return NULL;
    xgrow(&l->open, &l->cap_open, depth + 2, sizeof(struct dump_node *));
    l->open[depth + 1] = n;
    l->n_open = depth + 2;
    l->doubt = CERTAIN;
    l->jumped = false;
    if (depth > l->max_depth)
        l->max_depth = depth;
    return n;
}

static struct dump_node *attach_path(struct listing *l, const struct dump_line *line)
{
    const char *path = line->name.at;
    size_t len = line->name.len, dir;
    while (len && path[len - 1] == '/')
        len--;
    for (dir = len; dir && path[dir - 1] != '/'; dir--)
        ;
    struct dump_node *parent = dump_path_make(l->d, l->root, path, dir);
    struct dump_node *n = parent && len > dir ? dump_child_make(l->d, parent, path + dir, len - dir) : NULL;
    if (n && !parent->line && (l->n_parents == 0 || l->parents[l->n_parents - 1] != parent)) {
        xgrow(&l->parents, &l->cap_parents, l->n_parents + 1, sizeof(struct dump_node *));
        l->parents[l->n_parents++] = parent;
    }
    return n;
}

static struct dump_node *attach(struct listing *l, const struct dump_line *line)
{
    bool known = l->doubt == CERTAIN && !l->hole;
    l->hole |= l->unfinished && l->swallowed; /* nothing of that ended the value */
    struct dump_node *n = l->s.form == FORM_TREE ? attach_name(l, line) : attach_path(l, line);
    if (!n) {
        if (known && !l->hole)
            note(l, line, false, "its path is longer than any in a store");
        begin_hole(l, 0);
        return NULL;
    }
    end_hole(l, n->parent);
    l->repeated += n->line != 0;
    l->last = n;
    l->unfinished = false;
    l->gave_up = false;
    return n;
}

static void say(struct listing *l, struct dump_node *n, const struct dump_line *line, bool whole)
{
    size_t before = strlen(" = ") + (l->s.form == FORM_TREE ? line->indent + line->name.len : 0), len = 0;
    xgrow(&l->buf, &l->cap_buf, line->value.len + 1, 1);
    whole = whole && dump_value_decode(&line->value, before, l->buf, &len);
    if (!dump_node_say(l->d, n, line->number, whole ? PRESENT : UNREADABLE, l->buf, len))
        note(l, line, false, "contradicts an earlier line: is it of another host, or of another moment?");
}

/* The filter kept all lines with this in them, and what is below such a path has it, too. */
static bool kept(const struct listing *l, const struct dump_line *line)
{
    const struct dump_span *kept = &l->s.kept;
    return kept->at && l->s.form == FORM_ABSOLUTE &&
           memmem(line->name.at, line->name.len, kept->at, kept->len);
}

static bool peek(const struct listing *l, struct dump_reader *ret_behind, struct dump_line *ret_line)
{
    *ret_behind = *l->r;
    return dump_reader_next(ret_behind, ret_line);
}

/* `name = "value"`: the permissions must follow where they follow all others, or the value may have been
 * longer: it can look as if it had ended. */
static void on_node(struct listing *l, const struct dump_line *line)
{
    struct dump_reader behind;
    struct dump_line next;
    struct dump_node *n = attach(l, line);
    if (!n)
        return;
    bool whole = line->kind != LINE_OPEN && line->perms == l->s.perms;
    if (line->kind != LINE_OPEN && l->s.perms && !line->perms && peek(l, &behind, &next) &&
        next.kind == LINE_PERMS) {
        *l->r = behind; /* wrapped */
        whole = true;
    }
    say(l, n, line, whole);
    n->listed |= !l->s.filtered || kept(l, line);
    if (dump_survey_name_cut(&l->s, line))
        n->parent->holes = true;
    if (!whole) {
        note(l, line, false, "its value was cut or wrapped");
        l->unfinished = true;
        l->swallowed = 0;
    }
}

static void on_other(struct listing *l, const struct dump_line *line);

/* What a mailer wrapped at the `=`. */
static void on_head(struct listing *l, const struct dump_line *line)
{
    struct dump_reader behind;
    struct dump_line whole = *line, next;
    bool equals = line->text.at[line->text.len - 1] == '=';
    bool more = peek(l, &behind, &next);
    if (dump_survey_fits(&l->s, line) && more && next.kind == LINE_TAIL && (*next.text.at == '=') != equals) {
        *l->r = behind;
        whole.kind = LINE_NODE;
        whole.value = next.value;
        whole.perms = next.perms;
        on_node(l, &whole);
    } else if (equals && dump_survey_fits(&l->s, line)) {
        whole.kind = LINE_OPEN;
        whole.value = (struct dump_span){line->text.at, 0};
        on_node(l, &whole);
    } else {
        on_other(l, line);
    }
}

/* `name:` and on the next line its permissions, or nothing. */
static void on_unreadable(struct listing *l, const struct dump_line *line)
{
    struct dump_reader behind;
    struct dump_line next;
    bool more = peek(l, &behind, &next);
    if (line->number < l->s.first || !dump_survey_fits(&l->s, line) ||
        (more && next.kind != LINE_BLANK && next.kind != LINE_PERMS)) {
        on_other(l, line);
        return;
    }
    if (more)
        *l->r = behind;
    struct dump_node *n = attach(l, line);
    if (n) {
        dump_node_say(l->d, n, line->number, UNREADABLE, NULL, 0);
        l->gave_up = true;
    }
}

/* ---- what is no node ---- */

/* Could a value end with this line? */
static bool ends_value(const struct listing *l, const struct dump_line *line)
{
    return line->text.at[line->text.len - 1] == (l->s.perms ? ')' : '"');
}

/* Is this line a part of the value that the line before began? */
static bool swallow(struct listing *l, const struct dump_line *line)
{
    if (!l->unfinished || l->swallowed++ == SWALLOW_MAX)
        return false;
    note(l, line, false, "its value was cut or wrapped"); /* one note with the line before */
    if (ends_value(l, line))
        l->unfinished = false;
    return true;
}

/* The beginning of what could have been one more node. */
static bool cut_short(const struct listing *l, const struct dump_line *line)
{
    return line->last && (line->kind == LINE_HEAD || line->kind == LINE_UNREADABLE) && l->last &&
           (l->s.form != FORM_ABSOLUTE || line->name.at[0] == '/');
}

static void on_other(struct listing *l, const struct dump_line *line)
{
    /* one word before the first node may be the beginning of its line */
    bool outside = line->number > l->s.last || line->number + (line->kind == LINE_HEAD) < l->s.first;
    if (swallow(l, line))
        return;
    if (cut_short(l, line)) {
        note(l, line, false, "the dump ends in the middle of this line");
        begin_hole(l, 0);
    } else if (outside &&
               (line->kind == LINE_OTHER || line->kind == LINE_HEAD || line->kind == LINE_UNREADABLE)) {
        note(l, line, true, "not a part of the listing");
    } else {
        note(l, line, false, "not what xenstore-ls prints");
        /* a value with quotes in it may have been wrapped where it looked as if it had ended */
        if (l->last && l->last->line + 1 == line->number && ends_value(l, line))
            dump_node_say(l->d, l->last, line->number, UNREADABLE, NULL, 0);
        if (!outside)
            begin_hole(l, 0);
    }
}

/* Only blanks, and then nothing more: of a tree that was the beginning of a line. */
static void on_blank(struct listing *l, const struct dump_line *line)
{
    if (!line->last || l->s.form != FORM_TREE)
        return;
    note(l, line, false, "the dump ends in the middle of this line");
    begin_hole(l, 0);
}

static void on_elision(struct listing *l, const struct dump_line *line)
{
    note(l, line, false, "something was left out here");
    begin_hole(l, depth_of(l, line->indent));
}

/* What was asked for and is not there is known to be so; else the rest of the listing is lost. */
static void on_error(struct listing *l, const struct dump_line *line)
{
    static const char missing[] = "No such file or directory";
    bool nothing = !l->last && memmem(line->text.at, line->text.len, missing, sizeof missing - 1);
    note(l, line, nothing, nothing ? "xenstore-ls found nothing there" : "xenstore-ls failed there");
    if (!nothing)
        begin_hole(l, 0);
}

static void on_line(struct listing *l, const struct dump_line *line)
{
    switch (line->kind) {
    case LINE_COMMAND: /* GCOVR_EXCL_LINE: the next listing begins with it */
        break;         /* GCOVR_EXCL_LINE */
    case LINE_BLANK:
        on_blank(l, line);
        break;
    case LINE_NODE:
    case LINE_OPEN:
        if (dump_survey_fits(&l->s, line))
            on_node(l, line);
        else
            on_other(l, line);
        break;
    case LINE_HEAD:
        on_head(l, line);
        break;
    case LINE_UNREADABLE:
        on_unreadable(l, line);
        break;
    case LINE_ELISION:
        on_elision(l, line);
        break;
    case LINE_ERROR:
        on_error(l, line);
        break;
    case LINE_TAIL:
    case LINE_PERMS:
    case LINE_MANGLED:
    case LINE_OTHER:
        on_other(l, line);
        break;
    }
}

/* ---- the whole listing ---- */

/* A device's directory from which somebody seems to have picked out a few lines. */
static bool picked(const struct dump *d, const struct dump_node *n)
{
    const struct dump_node *of = n;
    for (int up = 0; of && up < 3; up++)
        of = of->parent;
    bool end = of && (strcmp(of->name, "backend") == 0 || dump_child(d, of, "device", strlen("device")));
    return end && !(dump_child(d, n, "state", 5) &&
                    (dump_child(d, n, "frontend", 8) || dump_child(d, n, "backend", 7)));
}

/* Which directory was listed: the one that all paths are below. Where there are several, lines were picked
 * out. */
static void find_listed(struct listing *l)
{
    struct dump_node *listed = NULL;
    for (size_t i = 0; i < l->n_parents; i++) {
        struct dump_node *n = l->parents[i];
        if (n->line || n == listed)
            continue;
        if (listed && l->s.filtered) /* that was said before */
            return;
        if (listed) {
            dump_note_add(
                l->d, n->first->line, n->first->line, false,
                "its directory is not in the listing: lines were left out, and what they said is not known");
            return;
        }
        listed = n;
    }
    if (listed && !l->s.filtered && (l->s.listed.at || !picked(l->d, listed)))
        listed->listed = true;
}

/* Where it belongs is found out when all listings have been read. */
static void keep(struct listing *l)
{
    struct dump *d = l->d;
    bool given = l->s.form == FORM_TREE && l->s.listed.at && *l->s.listed.at == '/' && !l->s.filtered;
    xgrow(&d->pieces, &d->cap_pieces, d->n_pieces + 1, sizeof *d->pieces);
    d->pieces[d->n_pieces++] = (struct dump_piece){
        .root = l->root,
        .first = l->s.first,
        .last = l->s.last,
        .given = given ? arena_strndup(&d->arena, l->s.listed.at, l->s.listed.len) : NULL,
        .relative = l->s.form == FORM_RELATIVE,
        .part = l->s.form == FORM_TREE && l->s.base,
    };
}

static unsigned flattened(const struct listing *l)
{
    if (l->s.form != FORM_TREE || l->s.nodes < 2)
        return 0;
    bool top =
        l->max_depth == 0 && dump_child(l->d, l->root, "local", 5) && dump_child(l->d, l->root, "domain", 6);
    return top || (l->repeated && l->max_depth <= 1) || l->jumps * 4 > l->s.nodes ? l->s.first : 0;
}

static unsigned finish(struct listing *l, bool at_end)
{
    if (l->unfinished && at_end) {
        l->hole = true;
        dump_note_amend(l->d, "the dump ends in the middle of this line");
    }
    if (l->gave_up && !l->hole) {
        l->hole = true;
        dump_note_add(l->d, l->last->line, l->last->line, true,
                      "xenstore-ls ends at a directory that it may not read: more may have followed");
    }
    if (l->hole)
        mark_hole(l->last ? l->last : l->root, NULL);
    if (l->s.form == FORM_TREE)
        l->root->listed = !l->s.filtered;
    else
        find_listed(l);
    unsigned flat = flattened(l);
    if (l->root != l->d->root && l->root->first && !flat)
        keep(l);
    free(l->open);
    free(l->parents);
    free(l->buf);
    return flat;
}

bool dump_listing_read(struct dump *d, struct dump_reader *r, struct dump_listing_result *ret_result)
{
    struct listing l = {.d = d, .r = r, .doubt = CERTAIN};
    struct dump_line line;
    struct dump_reader before = *r;
    if (!dump_reader_next(r, &line))
        return false;
    bool command = line.kind == LINE_COMMAND;
    if (!command)
        *r = before;
    dump_survey_take(r, command ? &line : NULL, &ret_result->survey, &l.s);
    if (command && l.s.filtered)
        note(&l, &line, false, "its output was filtered: what that left out is not known");
    else if (command)
        note(&l, &line, true, "not a part of the listing");
    l.root = l.s.form == FORM_ABSOLUTE ? d->root : dump_root_new(d);
    xgrow(&l.open, &l.cap_open, 1, sizeof(struct dump_node *));
    l.open[l.n_open++] = l.root;
    bool more; /* GCOVR_EXCL_BR_START: for more nodes than that, see dump.c */
    while (before = *r, (more = dump_reader_next(r, &line)) && line.kind != LINE_COMMAND &&
                            line.number != l.s.end && d->n_nodes <= DUMP_NODES_MAX)
        on_line(&l, &line);
    if (more && d->n_nodes <= DUMP_NODES_MAX)
        *r = before; /* GCOVR_EXCL_BR_STOP */
    ret_result->survey = l.s;
    ret_result->flattened = finish(&l, !more);
    return true;
}
