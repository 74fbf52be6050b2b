/* SPDX-License-Identifier: MIT */
#include "schemas/dump/hosts.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/dump/command.h"
#include "schemas/dump/line.h"
#include "schemas/dump/node.h"
#include "schemas/mem.h"

enum { HOSTS_MAX = 1000 };

/* A part of the text that is of one host, as far as one can see by itself. */
struct section {
    const char *at, *end;
    unsigned first, last;  /* lines */
    struct dump_span name; /* of the machine, as its prompt says; `at` NULL: it does not */
    struct dump_span node; /* what its first line is of */
    bool placed;           /* one knows where in a store it is, without the others */
    bool of_domain_0;      /* it has a part of domain 0's directories */
    size_t host;
};

struct sections {
    struct section *list;
    size_t n, cap;
};

/* ---- the text in sections ---- */

/* Paths, by their hashes: two that are taken for one only make one more section. */
struct seen {
    uint64_t *slots; /* 0: free */
    size_t n, cap;
};

static bool see(struct seen *s, uint64_t hash)
{
    hash = hash ? hash : 1;
    if (s->n * 2 >= s->cap) {
        struct seen more = {.cap = s->cap ? s->cap * 2 : 256, .n = s->n};
        more.slots = xcalloc(more.cap, sizeof *more.slots);
        for (size_t i = 0; i < s->cap; i++) {
            size_t at = (size_t)s->slots[i] & (more.cap - 1);
            while (s->slots[i] && more.slots[at])
                at = (at + 1) & (more.cap - 1);
            if (s->slots[i])
                more.slots[at] = s->slots[i];
        }
        free(s->slots);
        *s = more;
    }
    size_t at = (size_t)hash & (s->cap - 1);
    while (s->slots[at] && s->slots[at] != hash)
        at = (at + 1) & (s->cap - 1);
    if (s->slots[at] == hash)
        return true;
    s->slots[at] = hash;
    s->n++;
    return false;
}

static void forget(struct seen *s)
{
    free(s->slots);
    *s = (struct seen){0};
}

static bool begins(const struct dump_span *s, const char *with)
{
    size_t n = strlen(with);
    return s->len >= n && memcmp(s->at, with, n) == 0;
}

/* `root@host-a:~#`, `[root@host-a ~]#`, `$ ssh root@host-a xenstore-ls`: what is behind the last @ before the
 * command. */
static struct dump_span machine(const struct dump_line *command)
{
    const char *end = command->name.at, *at = NULL, *p;
    for (p = command->text.at; p < end; p++)
        if (*p == '@')
            at = p + 1;
    if (!at)
        return (struct dump_span){0};
    for (p = at; p < end && (isalnum((unsigned char)*p) || strchr("-_.", *p)); p++)
        ;
    return (struct dump_span){p > at ? at : NULL, (size_t)(p - at)};
}

struct scan {
    struct sections *s;
    struct dump_reader r;
    struct seen seen;
    const char *gap; /* where what is no listing began; NULL: a listing goes on */
    unsigned gap_line;
    bool root; /* in a tree, `local` was seen at its top */
    unsigned base;
    bool nodes;
};

static struct section *now(struct scan *x)
{
    return &x->s->list[x->s->n - 1];
}

/* The section before ends where what is between them begins. */
static void cut(struct scan *x, const char *at, unsigned line)
{
    if (x->s->n) {
        if (!x->nodes)
            return;
        now(x)->end = x->gap ? x->gap : at;
        now(x)->last = (x->gap ? x->gap_line : line) - 1;
        at = now(x)->end;
        line = now(x)->last + 1;
    }
    xgrow(&x->s->list, &x->s->cap, x->s->n + 1, sizeof *x->s->list);
    x->s->list[x->s->n++] = (struct section){.at = at, .end = x->r.end, .first = line};
    forget(&x->seen);
    x->root = x->nodes = false;
}

static void take_command(struct scan *x, const struct dump_line *l)
{
    struct dump_command c;
    struct section *s = now(x);
    dump_command_read(&l->name, &c);
    s->name = machine(l);
    s->placed = c.listed.at && *c.listed.at == '/';
    s->of_domain_0 = s->placed && (c.listed.len == 1 || begins(&c.listed, "/local/domain/0") ||
                                   (begins(&c.listed, "/local/domain") && c.listed.len <= 14));
}

/* Is this a place of which the section has a line already? In a tree that can be seen of its top only. */
static bool again(struct scan *x, const struct dump_line *l)
{
    if (*l->name.at == '/')
        return see(&x->seen, hash_bytes(HASH_INIT, l->name.at, l->name.len));
    if (!x->nodes)
        x->base = l->indent;
    if (l->indent != x->base)
        return false;
    bool before = see(&x->seen, hash_bytes(HASH_INIT, l->name.at, l->name.len));
    bool root = x->root;
    x->root |= l->name.len == 5 && begins(&l->name, "local");
    return before && root;
}

static bool same(const struct dump_span *a, const struct dump_span *b)
{
    return a->len == b->len && memcmp(a->at, b->at, a->len) == 0;
}

/* With nothing in between, a listing that comes again begins where it began; else only a line came again. */
static void take_node(struct scan *x, const struct dump_line *l, const char *at)
{
    if (again(x, l) && (x->gap || same(&now(x)->node, &l->name))) {
        cut(x, at, l->number);
        again(x, l);
    }
    struct section *s = now(x);
    if (!x->nodes)
        s->node = l->name;
    x->nodes = true;
    x->gap = NULL;
    s->placed |= *l->name.at == '/' || x->root;
    s->of_domain_0 |= begins(&l->name, "/local/domain/0/") || x->root;
}

static void find_sections(const char *text, size_t len, struct sections *s)
{
    struct scan x = {.s = s};
    struct dump_line l;
    dump_reader_init(&x.r, text, len);
    cut(&x, text, 1);
    for (const char *at = x.r.at; dump_reader_next(&x.r, &l); at = x.r.at) {
        bool node = l.kind == LINE_NODE || l.kind == LINE_OPEN;
        bool part = node || l.kind == LINE_TAIL || l.kind == LINE_PERMS || l.kind == LINE_UNREADABLE;
        if (!part && !x.gap) {
            x.gap = at;
            x.gap_line = l.number;
        }
        if (l.kind == LINE_COMMAND) {
            cut(&x, at, l.number);
            take_command(&x, &l);
        } else if (node) {
            take_node(&x, &l, at);
        }
        now(&x)->last = l.number;
    }
    forget(&x.seen);
}

/* ---- sections of hosts ---- */

/* Is there anything of which another part says that it is otherwise, or not there? */
static bool contradicts(const struct dump_node *n, const struct dump *other, char path[static 4096],
                        size_t len)
{
    for (const struct dump_node *c = n->first; c; c = c->next) {
        if (len + c->name_len + 2 > 4096)
            continue;
        path[len] = '/';
        memcpy(path + len + 1, c->name, c->name_len);
        path[len + 1 + c->name_len] = '\0';
        const struct dump_node *o = dump_find(other, path);
        if (!o && c->line && dump_lookup(other, path).presence == ABSENT)
            return true; /* that was listed to its end, and is not there */
        if (!o)
            continue;
        if (c->line && o->line && c->presence == PRESENT && o->presence == PRESENT &&
            (c->value_len != o->value_len || memcmp(c->value, o->value, c->value_len) != 0))
            return true;
        if (contradicts(c, other, path, len + 1 + c->name_len))
            return true;
    }
    return false;
}

struct grouping {
    struct sections *s;
    struct dump **dumps; /* of each section by itself; NULL: it is none */
    size_t n_hosts;
};

static bool same_name(const struct section *a, const struct section *b)
{
    return a->name.at && b->name.at && same(&a->name, &b->name);
}

static bool fits(const struct grouping *g, size_t i, size_t host)
{
    const struct section *s = &g->s->list[i];
    char path[4096];
    for (size_t j = 0; j < i; j++) {
        const struct section *o = &g->s->list[j];
        if (o->host != host)
            continue;
        bool others = s->name.at && o->name.at && !same_name(s, o);
        if (others && s->of_domain_0 && o->of_domain_0)
            return false;
        if (s->placed && o->placed && g->dumps[i] && g->dumps[j] &&
            (contradicts(g->dumps[i]->root, g->dumps[j], path, 0) ||
             contradicts(g->dumps[j]->root, g->dumps[i], path, 0)))
            return false;
    }
    return true;
}

/* That of its name, or the one before it; else another. */
static size_t host_of(const struct grouping *g, size_t i)
{
    const struct section *s = &g->s->list[i];
    for (size_t j = i; j-- > 0;)
        if (same_name(s, &g->s->list[j]) && fits(g, i, g->s->list[j].host))
            return g->s->list[j].host;
    if (i && fits(g, i, g->s->list[i - 1].host))
        return g->s->list[i - 1].host;
    return i ? g->n_hosts : 0;
}

static void group(struct grouping *g, const char *name)
{
    struct diagnostic why;
    g->dumps = xcalloc(g->s->n + 1, sizeof(struct dump *));
    for (size_t i = 0; i < g->s->n; i++) {
        struct section *s = &g->s->list[i];
        if (dump_parse(name, s->at, (size_t)(s->end - s->at), &g->dumps[i], &why))
            g->dumps[i] = NULL;
        s->host = host_of(g, i);
        if (s->host == g->n_hosts)
            g->n_hosts++;
    }
    for (size_t i = 0; i < g->s->n; i++)
        dump_free(g->dumps[i]);
    free(g->dumps);
}

/* A host's sections, with blank lines for those of others, so that lines keep their numbers. */
static int parse_host(const struct sections *s, size_t host, const char *name, struct dump_host *ret_host,
                      struct diagnostic *ret_why)
{
    char *text = NULL;
    size_t len = 0;
    unsigned line = 1;
    FILE *to = open_memstream(&text, &len);
    if (!to)
        abort(); /* as for any memory */
    for (size_t i = 0; i < s->n; i++) {
        const struct section *one = &s->list[i];
        if (one->host != host)
            continue;
        for (; line < one->first; line++)
            fputc('\n', to);
        fwrite(one->at, 1, (size_t)(one->end - one->at), to);
        line = one->last + 1;
        if (!ret_host->first)
            ret_host->first = one->first;
        ret_host->last = one->last;
        if (one->name.at && !*ret_host->name)
            snprintf(ret_host->name, sizeof ret_host->name, "%.*s", (int)one->name.len, one->name.at);
    }
    fclose(to);
    int error = dump_parse(name, text, len, &ret_host->dump, ret_why);
    free(text);
    return error;
}

/* Of two of one name, and of one without, the lines say which it is. */
static void name_hosts(struct dump_hosts *h)
{
    for (size_t i = 0; i < h->n; i++) {
        struct dump_host *one = &h->list[i];
        char name[sizeof one->name];
        size_t alike = 0;
        for (size_t j = 0; j < i; j++)
            alike += *one->name && strncmp(h->list[j].name, one->name, strlen(one->name)) == 0;
        snprintf(name, sizeof name, "%.40s%slines %u-%u", one->name, *one->name ? ", " : "", one->first,
                 one->last);
        if (alike || !*one->name)
            memcpy(one->name, name, sizeof name);
    }
}

int dump_hosts_parse(const char *name, const char *text, size_t len, struct dump_hosts *ret_hosts,
                     struct diagnostic *ret_why)
{
    struct dump_hosts h = {0};
    struct sections s = {0};
    int error = 0;
    if (len && len <= DUMP_SIZE_MAX && !memchr(text, '\0', len))
        find_sections(text, len, &s);
    struct grouping g = {.s = &s};
    if (s.n > 1 && s.n <= HOSTS_MAX)
        group(&g, name);
    if (g.n_hosts < 2) {
        struct dump_host whole = {.first = 1};
        error = dump_parse(name, text, len, &whole.dump, ret_why);
        g.n_hosts = 0;
        if (!error) {
            xgrow(&h.list, &h.cap, 1, sizeof *h.list);
            h.list[h.n++] = whole;
        }
    }
    for (size_t i = 0; i < g.n_hosts && !error; i++) {
        struct dump_host one = {0};
        error = parse_host(&s, i, name, &one, ret_why);
        if (!error) {
            xgrow(&h.list, &h.cap, h.n + 1, sizeof *h.list);
            h.list[h.n++] = one;
        }
    }
    free(s.list);
    if (error) {
        dump_hosts_clear(&h);
        return error;
    }
    if (h.n > 1)
        name_hosts(&h);
    *ret_hosts = h;
    return 0;
}

void dump_hosts_clear(struct dump_hosts *h)
{
    for (size_t i = 0; i < h->n; i++)
        dump_free(h->list[i].dump);
    free(h->list);
    *h = (struct dump_hosts){0};
}
