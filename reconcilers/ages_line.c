/* SPDX-License-Identifier: MIT */
#include "reconcilers/ages_line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- text ---- */

struct text {
    char *at;
    size_t len;
};

static void put(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *t, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(t->at + t->len, AGES_LINE_SIZE - t->len, format, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= AGES_LINE_SIZE - t->len)
        t->at[t->len] = '\0';
    else
        t->len += (size_t)n;
}

/* What is left of a value: words between commas. */
struct words {
    const char *at, *end;
};

static bool next(struct words *w, struct value *ret)
{
    const char *comma = w->at ? memchr(w->at, ',', (size_t)(w->end - w->at)) : NULL;
    if (!w->at)
        return false;
    *ret = (struct value){PRESENT, w->at, (size_t)((comma ? comma : w->end) - w->at)};
    w->at = comma ? comma + 1 : NULL;
    return ret->len > 0;
}

static bool take(struct words *w, uint64_t max, uint64_t *ret)
{
    struct value v;
    return next(w, &v) && !parse_decimal(v.text, v.len, max, ret);
}

static bool take_signed(struct words *w, int min, int max, int *ret)
{
    struct words negative = *w;
    uint64_t n;
    if (!w->at || w->at == w->end || *w->at != '-')
        return max >= 0 && take(w, (uint64_t)max, &n) ? (*ret = (int)n, true) : false;
    negative.at++;
    if (!take(&negative, (uint64_t)-min, &n))
        return false;
    *w = negative;
    *ret = -(int)n;
    return true;
}

static bool take_hex(struct words *w, uint64_t *ret)
{
    struct value v;
    uint64_t n = 0;
    if (!next(w, &v) || v.len != 16)
        return false;
    for (size_t i = 0; i < v.len; i++) {
        const char *digit = strchr("0123456789abcdef", v.text[i]);
        if (!digit || !*digit)
            return false;
        n = n << 4 | (uint64_t)(digit - "0123456789abcdef");
    }
    *ret = n;
    return true;
}

static const char *row_at(int i)
{
    return row_name((enum row)i);
}

static const char *code_at(int i)
{
    return finding_code_name((enum finding_code)i);
}

static const char *want_at(int i)
{
    return wanted_name((enum want)i);
}

static const char *who_at(int i)
{
    return waits_for_name((enum waits_for)i);
}

static bool take_name(struct words *w, const char *(*name)(int i), int n, int *ret)
{
    struct value v;
    if (!next(w, &v))
        return false;
    for (int i = 0; i < n; i++) {
        const char *s = name(i);
        if (s && strlen(s) == v.len && memcmp(s, v.text, v.len) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

/* ---- the parts of a line ---- */

/* Since when; never in the future. */
static bool take_since(struct words *w, uint64_t now, uint64_t *ret)
{
    return take(w, now, ret) && *ret;
}

static bool take_until(struct words *w, uint64_t now, uint64_t *ret)
{
    return take(w, now + UINT32_MAX, ret);
}

static void put_ends(const struct ages *a, struct text *t)
{
    put(t, " ends=%d,%d,%d", a->ends.backend, a->ends.frontend, a->ends.online);
}

static bool take_ends(struct words *w, uint64_t now, struct ages *a)
{
    int b, f;
    (void)now;
    if (!take_signed(w, XENBUS_ABSENT, XENBUS_INVALID, &b) ||
        !take_signed(w, XENBUS_ABSENT, XENBUS_INVALID, &f) || !take_signed(w, -1, 1, &a->ends.online))
        return false;
    a->ends.backend = (enum xenbus_state)b;
    a->ends.frontend = (enum xenbus_state)f;
    return true;
}

static void put_marker(const struct ages *a, struct text *t)
{
    if (a->marked)
        put(t, " marker=%016llx", (unsigned long long)a->identity);
}

static bool take_marker(struct words *w, uint64_t now, struct ages *a)
{
    (void)now;
    a->marked = true;
    return !a->identity && take_hex(w, &a->identity) && a->identity;
}

static void put_values(const struct ages *a, struct text *t)
{
    if (!a->marked)
        put(t, " values=%016llx", (unsigned long long)a->identity);
}

static bool take_values(struct words *w, uint64_t now, struct ages *a)
{
    (void)now;
    return !a->identity && take_hex(w, &a->identity) && a->identity;
}

static void put_wanted(const struct ages *a, struct text *t)
{
    const struct condition *c = &a->memory.condition;
    if (c->wanted_since)
        put(t, " wanted=%s,%llu", wanted_name(c->wanted), (unsigned long long)c->wanted_since);
    else if (c->wanted != WANTED_NOTHING)
        put(t, " wanted=%s", wanted_name(c->wanted));
}

static bool take_wanted(struct words *w, uint64_t now, struct ages *a)
{
    struct condition *c = &a->memory.condition;
    int wanted;
    if (!take_name(w, want_at, WANTED_GONE + 1, &wanted) || (w->at && !take_since(w, now, &c->wanted_since)))
        return false;
    c->wanted = (enum want)wanted;
    return true;
}

static void put_who(const struct ages *a, struct text *t)
{
    const struct condition *c = &a->memory.condition;
    if (c->who_since)
        put(t, " who=%s,%llu", waits_for_name(c->who), (unsigned long long)c->who_since);
}

static bool take_who(struct words *w, uint64_t now, struct ages *a)
{
    struct condition *c = &a->memory.condition;
    int who;
    if (!take_name(w, who_at, WAITS_FOR_TOOLSTACK + 1, &who) || !take_since(w, now, &c->who_since))
        return false;
    c->who = (enum waits_for)who;
    return true;
}

static void put_row(const struct ages *a, struct text *t)
{
    if (a->memory.row_since)
        put(t, " row=%s,%llu", row_name(a->memory.row), (unsigned long long)a->memory.row_since);
}

static bool take_row(struct words *w, uint64_t now, struct ages *a)
{
    int row;
    if (!take_name(w, row_at, ROW_COUNT, &row) || !take_since(w, now, &a->memory.row_since))
        return false;
    a->memory.row = (enum row)row;
    return true;
}

static void put_contended(const struct ages *a, struct text *t)
{
    if (a->memory.contended_since)
        put(t, " contended=%llu", (unsigned long long)a->memory.contended_since);
}

static bool take_contended(struct words *w, uint64_t now, struct ages *a)
{
    return take_since(w, now, &a->memory.contended_since);
}

static void put_cycles(const struct ages *a, struct text *t)
{
    const struct object *o = &a->memory.object;
    if (o->cycles)
        put(t, " cycles=%u,%llu", o->cycles, (unsigned long long)o->cycles_since);
}

static bool take_cycles(struct words *w, uint64_t now, struct ages *a)
{
    uint64_t n;
    if (!take(w, UINT8_MAX, &n) || !take_since(w, now, &a->memory.object.cycles_since))
        return false;
    a->memory.object.cycles = (uint8_t)n;
    return true;
}

static void put_object(const struct ages *a, struct text *t)
{
    const struct object *o = &a->memory.object;
    if (o->unpublished && !a->marked)
        put(t, " object=%016llx,%016llx", (unsigned long long)o->incarnation, (unsigned long long)o->command);
}

static bool take_object(struct words *w, uint64_t now, struct ages *a)
{
    struct object *o = &a->memory.object;
    (void)now;
    if (!take_hex(w, &o->incarnation) || !take_hex(w, &o->command) || !o->incarnation)
        return false;
    o->phase = OBJECT_DEAD;
    o->unpublished = true;
    return true;
}

static void put_failed(const struct ages *a, struct text *t)
{
    const struct failure *f = &a->memory.failure;
    if (f->error)
        put(t, " failed=%s,%u,%d,%llu,%016llx", row_name(f->row), f->attempt, f->error,
            (unsigned long long)f->until, (unsigned long long)f->digest);
}

enum { ERRNO_MAX = 4095 };

static bool take_failed(struct words *w, uint64_t now, struct ages *a)
{
    struct failure *f = &a->memory.failure;
    uint64_t attempt;
    int row;
    if (!take_name(w, row_at, ROW_COUNT, &row) || !take(w, UINT8_MAX, &attempt) ||
        !take_signed(w, -ERRNO_MAX, -1, &f->error) || !take_until(w, now, &f->until) ||
        !take_hex(w, &f->digest))
        return false;
    f->row = (enum row)row;
    f->attempt = (uint8_t)attempt;
    return true;
}

static void put_script(const struct ages *a, struct text *t)
{
    const struct script *s = &a->memory.object.script;
    if (s->added || s->failures)
        put(t, " script=%d,%d,%u,%d,%llu", s->added, s->removing, s->failures, s->error,
            (unsigned long long)s->until);
}

static bool take_script(struct words *w, uint64_t now, struct ages *a)
{
    struct script *s = &a->memory.object.script;
    uint64_t added, removing, failures;
    if (!take(w, 1, &added) || !take(w, 1, &removing) || !take(w, UINT8_MAX, &failures) ||
        !take_signed(w, -ERRNO_MAX, 0, &s->error) || !take_until(w, now, &s->until))
        return false;
    s->added = added;
    s->removing = removing;
    s->failures = (uint8_t)failures;
    return true;
}

/* As it is in the store's listings: what is no letter, digit or sign that is harmless is %hh. */
static void put_said(const struct ages *a, struct text *t)
{
    const char *before = a->said;
    size_t len = t->len;
    if (!*a->said || !a->memory.object.script.failures)
        return;
    put(t, " said=");
    for (; *before; before++) {
        bool plain = *before > ' ' && *before < 0x7f && !strchr("%,=", *before);
        size_t room = t->len;
        put(t, plain ? "%c" : "%%%02x", (unsigned char)*before);
        if (t->len == room)
            break;
    }
    if (t->len < len + strlen(" said=x")) {
        t->len = len;
        t->at[len] = '\0';
    }
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_said(struct words *w, uint64_t now, struct ages *a)
{
    struct value v;
    size_t n = 0;
    (void)now;
    if (!next(w, &v))
        return false;
    for (size_t i = 0; i < v.len; i++) {
        int c = (unsigned char)v.text[i];
        if (c == '%') {
            int high = i + 2 < v.len ? hex_digit(v.text[i + 1]) : -1,
                low = i + 2 < v.len ? hex_digit(v.text[i + 2]) : -1;
            c = high < 0 || low < 0 ? 0 : high << 4 | low;
            i += 2;
        }
        if (!c || n == AGES_SAID_MAX)
            return false;
        a->said[n++] = (char)c;
    }
    a->said[n] = '\0';
    return true;
}

static void put_found(const struct ages *a, struct text *t)
{
    const struct memory *m = &a->memory;
    for (size_t i = 0; i < m->n_said; i++)
        if (m->said[i].since)
            put(t, " found=%s,%llu", finding_code_name(m->said[i].code),
                (unsigned long long)m->said[i].since);
}

static bool take_found(struct words *w, uint64_t now, struct ages *a)
{
    struct memory *m = &a->memory;
    int code;
    if (m->n_said == SAID_MAX || !take_name(w, code_at, FINDING_COUNT, &code))
        return false;
    for (size_t i = 0; i < m->n_said; i++)
        if ((int)m->said[i].code == code)
            return false;
    m->said[m->n_said].code = (enum finding_code)code;
    return take_since(w, now, &m->said[m->n_said++].since);
}

static const struct part {
    const char *name;
    bool repeated;
    void (*put)(const struct ages *a, struct text *t);
    bool (*take)(struct words *w, uint64_t now, struct ages *a);
} parts[] = {
    {"marker", false, put_marker, take_marker},
    {"values", false, put_values, take_values},
    {"ends", false, put_ends, take_ends},
    {"wanted", false, put_wanted, take_wanted},
    {"who", false, put_who, take_who},
    {"row", false, put_row, take_row},
    {"contended", false, put_contended, take_contended},
    {"cycles", false, put_cycles, take_cycles},
    {"object", false, put_object, take_object},
    {"script", false, put_script, take_script},
    {"failed", false, put_failed, take_failed},
    {"found", true, put_found, take_found},
    {"said", false, put_said, take_said}, /* last, as it may be cut */
};
enum { PARTS_MAX = sizeof parts / sizeof *parts, NOT_SAID = -2 };

size_t ages_line_format(const struct ages *a, char ret_line[static AGES_LINE_SIZE])
{
    char key[DEVICE_KEY_SIZE];
    struct text t = {ret_line, 0};
    device_key_format(&a->key, key);
    put(&t, "%s", key);
    for (int i = 0; i < PARTS_MAX; i++)
        parts[i].put(a, &t);
    return t.len;
}

static const char *take_part(const char *from, const char *to, uint64_t now, unsigned *seen, struct ages *a)
{
    const char *equals = memchr(from, '=', (size_t)(to - from));
    size_t len = equals ? (size_t)(equals - from) : 0;
    for (int i = 0; i < PARTS_MAX; i++) {
        if (!equals || strlen(parts[i].name) != len || memcmp(parts[i].name, from, len) != 0)
            continue;
        struct words w = {equals + 1, to};
        if (*seen >> i & 1 && !parts[i].repeated)
            return "says one thing twice";
        *seen |= 1u << i;
        return parts[i].take(&w, now, a) && !w.at ? NULL : "has a value that cannot be";
    }
    return "says what is not known";
}

const char *ages_line_parse(const char *line, size_t len, uint64_t now, struct ages *ret)
{
    struct ages a;
    const char *end = line + len, *space = memchr(line, ' ', len), *wrong = NULL;
    unsigned seen = 0;
    memset(&a, 0, sizeof a);
    a.ends.online = NOT_SAID;
    if (device_key_parse(line, space ? (size_t)(space - line) : len, &a.key))
        return "does not begin with a device";
    while (space && !wrong) {
        const char *from = space + 1;
        space = memchr(from, ' ', (size_t)(end - from));
        wrong = take_part(from, space ? space : end, now, &seen, &a);
    }
    if (!wrong && (!a.identity || a.ends.online == NOT_SAID))
        wrong = "does not say which device it is";
    if (!wrong)
        *ret = a;
    return wrong;
}
