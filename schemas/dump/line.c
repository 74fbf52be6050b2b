/* SPDX-License-Identifier: MIT */
#include "schemas/dump/line.h"

#include <ctype.h>
#include <string.h>

#include "schemas/dump/dump.h"

#define LITERAL(s) (s), (sizeof(s) - 1)

static bool starts(const char *p, const char *end, const char *with, size_t len)
{
    return (size_t)(end - p) >= len && memcmp(p, with, len) == 0;
}

static const char *find(const char *p, const char *end, const char *what, size_t len)
{
    return p < end ? memmem(p, (size_t)(end - p), what, len) : NULL;
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool name_char(char c)
{
    return digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || memchr("-_@:/", c, 5) != NULL;
}

/* ---- what a line is ---- */

/* Walks back over one group of permissions; NULL: there is none at the end. */
static const char *before_perms(const char *p, const char *end)
{
    const char *at = end - 1;
    if (end - p < 4 || *at != ')')
        return NULL;
    do {
        const char *behind = at--; /* a closing bracket or a comma */
        while (at > p && digit(*at))
            at--;
        if (at + 1 == behind || at == p || !strchr("nrwb", *at))
            return NULL;
        at--;
    } while (at > p && *at == ',');
    return *at == '(' ? at : NULL;
}

/* The value that begins at the quote q: what the last quote of the line ends, and one group of permissions
 * may follow. The tree form leads to it with dots. */
static enum dump_line_kind value_at(struct dump_line *l, const char *q, const char *end)
{
    const char *close = end - 1, *perms = before_perms(q, end);
    l->value = (struct dump_span){q + 1, (size_t)(end - q - 1)};
    if (perms) {
        for (close = perms - 1; close > q && (*close == ' ' || *close == '.'); close--)
            ;
        if (close == perms - 1)
            perms = NULL; /* a quote that is followed by a blank at least */
    }
    if (close <= q || *close != '"' || (!perms && close != end - 1))
        return LINE_OPEN;
    l->perms = perms != NULL;
    l->value.len = (size_t)(close - q - 1);
    return LINE_NODE;
}

/* How mail and web pages show `"`, `=` and a blank. */
static const struct dump_span marks[] = {
    {LITERAL("&quot;")},       {LITERAL("&#34;")},        {LITERAL("&#39;")},
    {LITERAL("\xe2\x80\x9c")}, {LITERAL("\xe2\x80\x9d")}, {LITERAL("\xe2\x80\x9e")},
    {LITERAL("\xc2\xab")},     {LITERAL("\xc2\xa0")},     {LITERAL("&nbsp;")},
    {LITERAL("\x93")},         {LITERAL("\xe2\x80\xb3")}, {LITERAL("\\\"")},
};

static bool mark_at(const char *p, const char *end, size_t *ret_len)
{
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (starts(p, end, marks[i].at, marks[i].len)) {
            *ret_len = marks[i].len;
            return true;
        }
    return false;
}

/* Something before the name that should be blanks, or something behind the `=` that should be a quote. */
static bool mangled(const char *p, const char *end)
{
    size_t n = 0;
    bool before = false;
    while (p < end && (*p == ' ' || *p == '\t' || *p == '<' || mark_at(p, end, &n))) {
        const char *tag = *p == '<' ? memchr(p, '>', (size_t)(end - p)) : NULL;
        if (*p == '<' && !tag)
            return false;
        before |= *p != ' ';
        p = tag ? tag + 1 : *p == ' ' || *p == '\t' ? p + 1 : p + n;
    }
    const char *name = p;
    while (p < end && name_char(*p))
        p++;
    if (p == name)
        return false;
    const char *blank = p;
    while (p < end && (*p == ' ' || mark_at(p, end, &n)))
        p += *p == ' ' ? 1 : n;
    if (p == end || *p != '=')
        return false;
    before |= p != blank + 1 || *blank != ' ';
    p++;
    if (starts(p, end, LITERAL("3D"))) /* quoted-printable */
        return find(p, end, LITERAL("\"")) != NULL;
    while (p < end && *p == ' ')
        p++;
    return mark_at(p, end, &n) || (before && p < end && *p == '"');
}

static bool elision(const char *p, const char *end)
{
    static const char *const words[] = {"snip", "snipped", "cut", "skipped", "omitted", "etc", "more"};
    bool dots = find(p, end, LITERAL("..")) || find(p, end, LITERAL("\xe2\x80\xa6"));
    char word[16];
    size_t n = 0;
    for (const char *at = p; at < end; at++) {
        if (!isalnum((unsigned char)*at))
            continue;
        if (n == sizeof word - 1)
            return false;
        word[n++] = (char)tolower((unsigned char)*at);
    }
    word[n] = '\0';
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i]) == 0)
            return dots || ispunct((unsigned char)*p) || ispunct((unsigned char)end[-1]);
    return n == 0 && dots;
}

/* What is typed before the program's name: `root@dom0:~# sudo /usr/sbin/`, or nothing. Prose speaks of it in
 * mid-sentence. */
static bool prompted(const char *p, const char *at)
{
    static const char words[][7] = {"sudo ", "time ", "watch "};
    for (const char *c = p; c < at; c++)
        if (strchr("#$%>", *c) && (c + 1 == at || c[1] == ' '))
            return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (starts(p, at, words[i], strlen(words[i])))
            return true;
    return p == at || (*p == '/' && !memchr(p, ' ', (size_t)(at - p)));
}

/* A prompt with the command: its arguments are the name then. */
static bool command(struct dump_line *l, const char *p, const char *end)
{
    const char *at = find(p, end, LITERAL("xenstore-ls"));
    if (!at)
        at = find(p, end, LITERAL("xenstore ls"));
    if (!at || find(p, at, LITERAL("\"")) || !prompted(p, at))
        return false;
    at += strlen("xenstore-ls");
    if (at < end && *at != ' ')
        return false;
    l->name = (struct dump_span){at, (size_t)(end - at)};
    return true;
}

static enum dump_line_kind without_name(struct dump_line *l, const char *p, const char *end)
{
    const char *q = p;
    if (*q == '=')
        for (q++; q < end && *q == ' '; q++)
            ;
    if (q < end && *q == '"') {
        enum dump_line_kind kind = value_at(l, q, end);
        return kind == LINE_NODE ? LINE_TAIL : LINE_OTHER;
    }
    const char *perms = before_perms(p, end);
    while (perms && perms > p && (perms[-1] == ' ' || perms[-1] == '.'))
        perms--;
    if (perms == p)
        return LINE_PERMS;
    return LINE_OTHER;
}

static enum dump_line_kind with_name(struct dump_line *l, const char *p, const char *end)
{
    const char *name = p;
    while (p < end && name_char(*p))
        p++;
    l->name = (struct dump_span){name, (size_t)(p - name)};
    if (p == end && p - name > 1 && p[-1] == ':') {
        l->name.len--;
        return LINE_UNREADABLE;
    }
    if (starts(p, end, LITERAL(" = \"")))
        return value_at(l, p + 3, end);
    if (p == end || (end - p == 2 && memcmp(p, " =", 2) == 0))
        return LINE_HEAD;
    return LINE_OTHER;
}

static enum dump_line_kind kind_of(struct dump_line *l)
{
    const char *p = l->text.at, *end = p + l->text.len;
    if (l->text.len == 0)
        return LINE_BLANK;
    if (l->text.len > DUMP_LINE_MAX)
        return LINE_OTHER;
    enum dump_line_kind kind = name_char(*p) ? with_name(l, p, end) : without_name(l, p, end);
    if (kind == LINE_NODE || kind == LINE_OPEN || kind == LINE_UNREADABLE || kind == LINE_TAIL ||
        kind == LINE_PERMS)
        return kind;
    if (mangled(p, end))
        return LINE_MANGLED;
    if (starts(p, end, LITERAL("xenstore-ls: ")))
        return LINE_ERROR;
    if (command(l, p, end))
        return LINE_COMMAND;
    return elision(p, end) ? LINE_ELISION : kind;
}

/* ---- reading ---- */

enum { TAB = 8 };

static bool raw_next(struct dump_reader *r, struct dump_line *l)
{
    if (r->at == r->end)
        return false;
    const char *p = r->at, *newline = memchr(p, '\n', (size_t)(r->end - p));
    const char *end = newline ? newline : r->end;
    r->at = newline ? newline + 1 : r->end;
    *l = (struct dump_line){.number = ++r->number, .last = !newline};
    while (end > p && (end[-1] == '\r' || end[-1] == ' ' || end[-1] == '\t'))
        end--;
    for (unsigned i = 0; i < r->quotes && p < end && *p == '>'; i++) {
        p++;
        l->quoted++;
        if (r->spaced[i] && p < end && *p == ' ')
            p++;
    }
    const char *text = p;
    for (; text < end && (*text == ' ' || *text == '\t'); text++)
        l->indent += *text == ' ' ? 1 : TAB - l->indent % TAB;
    l->text = (struct dump_span){text, (size_t)(end - text)};
    return true;
}

/* Is `name:` a node, rather than somebody's word for what follows? Then it comes behind others, and its
 * permissions or nothing behind it. */
static bool names_unreadable(const struct dump_reader *r)
{
    struct dump_reader look = *r;
    struct dump_line next;
    bool behind = r->before == LINE_NODE || r->before == LINE_OPEN || r->before == LINE_UNREADABLE ||
                  r->before == LINE_PERMS || r->before == LINE_TAIL;
    return behind && (!raw_next(&look, &next) || next.text.len == 0 || kind_of(&next) == LINE_PERMS);
}

bool dump_reader_next(struct dump_reader *r, struct dump_line *ret_line)
{
    if (!raw_next(r, ret_line))
        return false;
    ret_line->kind = kind_of(ret_line);
    if (ret_line->kind == LINE_UNREADABLE && !ret_line->last && !names_unreadable(r))
        ret_line->kind = LINE_OTHER;
    if (ret_line->kind != LINE_BLANK || r->before != LINE_UNREADABLE)
        r->before = ret_line->kind;
    return true;
}

static bool is_node(enum dump_line_kind kind)
{
    return kind == LINE_NODE || kind == LINE_OPEN;
}

/* Is it a node behind all marks? */
static bool quotes_node(const struct dump_line *l)
{
    struct dump_line inner = *l;
    for (; inner.text.len && strchr("> \t", *inner.text.at); inner.text.at++)
        inner.text.len--;
    return inner.text.len && is_node(kind_of(&inner));
}

/* One level more, if there is a listing in such lines: it may be one of several, and not all of it. Where no
 * blank belongs to the mark, some node follows it at once. */
static bool find_quoting(struct dump_reader *r)
{
    enum { ENOUGH = 3 };
    struct dump_reader look = *r;
    struct dump_line l;
    size_t nodes = 0, quoted = 0;
    bool spaced = true;
    while (raw_next(&look, &l)) {
        bool node = quotes_node(&l);
        nodes += node;
        if (l.text.len == 0 || *l.text.at != '>' || l.indent)
            continue;
        quoted += node;
        struct dump_line inner = {.text = {l.text.at + 1, l.text.len - 1}};
        if (inner.text.len &&
            (*inner.text.at == '>' || (*inner.text.at != ' ' && kind_of(&inner) == LINE_NODE)))
            spaced = false;
    }
    if ((quoted < ENOUGH && quoted * 2 <= nodes) || r->quotes == DUMP_QUOTES_MAX)
        return false;
    r->spaced[r->quotes++] = spaced;
    return true;
}

void dump_reader_init(struct dump_reader *r, const char *text, size_t len)
{
    *r = (struct dump_reader){.at = text, .end = text + len};
    if (starts(text, text + len, LITERAL("\xef\xbb\xbf"))) /* an editor's byte order mark */
        r->at += 3;
    while (find_quoting(r))
        ;
}

/* ---- values ---- */

/* -1: it is none. */
static int hex_digit(char c)
{
    return digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte of an escape (p is behind its backslash), and its length; 0: it is none. */
static size_t unescape(const char *p, const char *end, char *ret_byte)
{
    static const char letters[] = "t\tn\nr\r\\\\";
    if (p == end)
        return 0;
    for (size_t i = 0; letters[i]; i += 2)
        if (*p == letters[i]) {
            *ret_byte = letters[i + 1];
            return 1;
        }
    if (end - p < 3)
        return 0;
    if (*p == 'x') {
        int high = hex_digit(p[1]), low = hex_digit(p[2]);
        if (high < 0 || low < 0)
            return 0;
        *ret_byte = (char)(high * 16 + low);
        return 3;
    }
    for (int i = 0; i < 3; i++)
        if (p[i] < '0' || p[i] > '7')
            return 0;
    if (p[0] > '3')
        return 0;
    *ret_byte = (char)((p[0] - '0') * 64 + (p[1] - '0') * 8 + (p[2] - '0'));
    return 3;
}

/* xenstore-ls cuts what it has escaped already, so `\\...` is either backslash and dots, or a value cut
 * within an escaped backslash. No terminal is so narrow that it would cut a line this short. */
enum { UNCUT_COLUMNS = 40 };

static bool may_be_cut(const struct dump_span *s, size_t before)
{
    static const struct dump_span end = {LITERAL("\\\\...")};
    return s->len >= end.len && memcmp(s->at + s->len - end.len, end.at, end.len) == 0 &&
           before + s->len + 2 >= UNCUT_COLUMNS;
}

static bool left_out(const struct dump_span *s)
{
    static const struct dump_span ellipsis = {LITERAL("\xe2\x80\xa6")};
    if (s->len == ellipsis.len && memcmp(s->at, ellipsis.at, s->len) == 0)
        return true;
    size_t dots = 0;
    while (dots < s->len && s->at[dots] == '.')
        dots++;
    return dots >= 2 && dots == s->len;
}

bool dump_value_decode(const struct dump_span *printed, size_t before, char *buf, size_t *ret_len)
{
    const char *p = printed->at, *end = p + printed->len;
    size_t n = 0;
    if (left_out(printed) || may_be_cut(printed, before))
        return false;
    while (p < end) {
        if (*p != '\\') {
            buf[n++] = *p++;
            continue;
        }
        size_t taken = unescape(++p, end, &buf[n]);
        if (!taken)
            return false;
        p += taken;
        n++;
    }
    if (n > DUMP_VALUE_MAX)
        return false;
    *ret_len = n;
    return true;
}
