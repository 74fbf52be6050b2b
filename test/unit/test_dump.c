/* SPDX-License-Identifier: MIT */
/* Dumps: small texts, and what is known after reading them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "schemas/dump/node.h"
#include "schemas/mem.h"
#include "schemas/printable.h"
#include "test/lib/dump_text.h"

/* What was read: a line for each node, `path "value"` or `path ?` (a path alone: implied by others); `+`
 * behind it means that the directory has these children and no others. Then the notes: `!` warnings, `-`
 * harmless ones. */
struct out {
    char *text;
    size_t len, cap;
};

static void put(struct out *o, const char *text)
{
    size_t n = strlen(text);
    xgrow(&o->text, &o->cap, o->len + n + 1, 1);
    memcpy(o->text + o->len, text, n + 1);
    o->len += n;
}

static void put_node(struct out *o, const struct dump_node *n, const char *path)
{
    struct arena a = {0};
    char quoted[256];
    put(o, *path ? path : "/");
    if (n->line && n->presence == PRESENT && n->value_len) {
        printable_copy(quoted, sizeof quoted, n->value, n->value_len, false);
        put(o, arena_printf(&a, " \"%s\"", quoted));
    } else if (n->line && n->presence != PRESENT) {
        put(o, " ?");
    }
    put(o, n->listed && !n->holes ? "+\n" : n->line ? "\n" : " (implied)\n");
    for (const struct dump_node *c = n->first; c; c = c->next)
        put_node(o, c, arena_printf(&a, "%s/%s", path, c->name));
    arena_free(&a);
}

static char *rendered(const struct dump *d)
{
    struct out o = {0};
    size_t n;
    const struct dump_note *notes = dump_notes(d, &n);
    put_node(&o, d->root, "");
    for (size_t i = 0; i < n; i++) {
        char line[256];
        snprintf(line, sizeof line, "%s %u-%u %s\n", notes[i].harmless ? "-" : "!", notes[i].first,
                 notes[i].last, notes[i].text);
        put(&o, line);
    }
    return o.text;
}

static const struct {
    const char *name, *text, *want;
} cases[] = {
#include "test/unit/dump_cases.h"
#include "test/unit/dump_piece_cases.h"
};

START_TEST(test_reads)
{
    struct dump *d = parsed(cases[_i].text, strlen(cases[_i].text));
    char *got = rendered(d);
    ck_assert_msg(strcmp(got, cases[_i].want) == 0, "%s: got\n%swant\n%s", cases[_i].name, got,
                  cases[_i].want);
    free(got);
    dump_free(d);
}
END_TEST

/* Whatever is cut off at the end, nothing that is left says otherwise than the whole did. */
static void never_wrong(const struct dump *whole, const struct dump *part, const struct dump_node *n,
                        const char *path, const char *name)
{
    struct arena a = {0};
    struct value was = dump_lookup(whole, path), is = dump_lookup(part, path);
    bool same = is.presence == UNREADABLE || was.presence == UNREADABLE || value_equal(&was, &is);
    ck_assert_msg(same, "%s: %s is \"%s\"", name, path, is.presence == PRESENT ? is.text : "absent");
    for (const struct dump_node *c = n->first; c; c = c->next)
        never_wrong(whole, part, c, arena_printf(&a, "%s/%s", path, c->name), name);
    arena_free(&a);
}

#define STORE_TREE                                          \
    "tool = \"\"\n"                                         \
    " xenstored = \"\"\n"                                   \
    "local = \"\"\n"                                        \
    " domain = \"\"\n"                                      \
    "  0 = \"\"\n"                                          \
    "   backend = \"\"\n"                                   \
    "    vif = \"\"\n"                                      \
    "     7 = \"\"\n"                                       \
    "      0 = \"\"\n"                                      \
    "       frontend = \"/local/domain/7/device/vif/0\"\n"  \
    "       script = \"a \"b\" = \"c\\\\\"\n"               \
    "       state = \"4\"\n"                                \
    "  7 = \"\"\n"                                          \
    "   device = \"\"\n"                                    \
    "    vif = \"\"\n"                                      \
    "     0 = \"\"\n"                                       \
    "      backend = \"/local/domain/0/backend/vif/7/0\"\n" \
    "      state = \"4\"\n"
#define PATH_B "/local/domain/0/backend/vif/7/0"
#define PATH_F "/local/domain/7/device/vif/0"
#define STORE_PATHS                                                                                      \
    "/tool = \"\"   (n0)\n"                                                                              \
    "/tool/xenstored = \"\"   (n0)\n"                                                                    \
    "/local = \"\"   (n0)\n"                                                                             \
    "/local/domain = \"\"   (n0)\n"                                                                      \
    "/local/domain/0 = \"\"   (n0)\n"                                                                    \
    "/local/domain/0/backend = \"\"   (n0)\n"                                                            \
    "/local/domain/0/backend/vif = \"\"   (n0)\n"                                                        \
    "/local/domain/0/backend/vif/7 = \"\"   (n0)\n" PATH_B " = \"\"   (n0,r7)\n" PATH_B                  \
    "/frontend = \"" PATH_F "\"   (n0,r7)\n" PATH_B "/script = \"a \"b\" = \"c\\\\\"   (n0,r7)\n" PATH_B \
    "/state = \"4\"   (n0,r7)\n"                                                                         \
    "/local/domain/7 = \"\"   (n0,r7)\n"                                                                 \
    "/local/domain/7/device = \"\"   (n0,r7)\n"                                                          \
    "/local/domain/7/device/vif = \"\"   (n0,r7)\n" PATH_F " = \"\"   (n7,r0)\n" PATH_F                  \
    "/backend = \"" PATH_B "\"   (n7,r0)\n" PATH_F "/state = \"4\"   (n7,r0)\n"
static const char *const stores[] = {STORE_TREE, STORE_PATHS};

START_TEST(test_every_form_is_the_same_store)
{
    struct dump *tree = parsed(BYTES(STORE_TREE)), *paths = parsed(BYTES(STORE_PATHS));
    char *a = rendered(tree), *b = rendered(paths);
    ck_assert_str_eq(a, b);
    free(a);
    free(b);
    dump_free(tree);
    dump_free(paths);
}
END_TEST

/* A text that still parses although something is missing; refusing it is fine as well. */
static void check_part(const struct dump *whole, const char *text, size_t len, const char *name)
{
    struct dump *part = NULL;
    struct diagnostic why = {.line = 0};
    char *copy = exactly(text, len);
    if (dump_parse("x", copy, len, &part, &why) == 0) {
        never_wrong(whole, part, whole->root, "", name);
        dump_free(part);
    }
    free(copy);
}

/* Does the text seem to end with a whole node? */
static bool seems_whole(const char *text, size_t len)
{
    while (len && strchr(" \n", text[len - 1]))
        len--;
    return len && text[len - 1] == '"';
}

/* Cut off where a line ends, or could have ended, nothing shows that more followed. */
START_TEST(test_cut_anywhere)
{
    const char *text = stores[_i];
    struct dump *whole = parsed(text, strlen(text));
    for (size_t len = 1; len < strlen(text); len++)
        if (text[len] != '\n' && text[len - 1] != '\n' && (_i ? len > 20 : !seems_whole(text, len))) {
            char name[64];
            snprintf(name, sizeof name, "the first %zu bytes", len);
            check_part(whole, text, len, name);
        }
    dump_free(whole);
}
END_TEST

/* Every line but the last: by an elision, or by something that does not belong there. */
START_TEST(test_line_replaced)
{
    static const char *const with[] = {"...\n", "[snip]\n", "[ 12.345] xen-blkback: something\n"};
    const char *text = stores[_i];
    struct dump *whole = parsed(text, strlen(text));
    for (const char *line = text, *next; *line; line = next) {
        next = strchr(line, '\n') + 1;
        for (int i = 0; *next && i < COUNT(with); i++) {
            struct arena a = {0};
            const char *part = arena_printf(&a, "%.*s%s%s", (int)(line - text), text, with[i], next);
            check_part(whole, part, strlen(part), arena_printf(&a, "%s instead of %.30s", with[i], line));
            arena_free(&a);
        }
    }
    dump_free(whole);
}
END_TEST

/* As mailers do it, at every blank, and as terminals do it, at every column. */
START_TEST(test_line_wrapped)
{
    const char *text = stores[_i];
    struct dump *whole = parsed(text, strlen(text));
    for (size_t at = 1; at < strlen(text) - 1; at++) {
        struct arena a = {0};
        const char *line = text + at;
        while (line > text && line[-1] != '\n')
            line--;
        if (strspn(line, " ") >= (size_t)(text + at - line))
            continue; /* before anything is printed */
        bool blank = text[at] == ' ';
        const char *part = arena_printf(&a, "%.*s\n%s", (int)at, text, text + at + blank);
        check_part(whole, part, strlen(part), arena_printf(&a, "wrapped at %zu", at));
        arena_free(&a);
    }
    dump_free(whole);
}
END_TEST

/* ---- values ---- */

static const struct {
    const char *printed, *want; /* NULL: nobody knows */
    size_t len;
} values[] = {
    {"", "", 0},
    {"say \"hi\"", "say \"hi\"", 8},
    {"\"", "\"", 1},
    {"x\"   (n0)", "x\"   (n0)", 9},
    {"C:\\\\temp\\\\", "C:\\temp\\", 8},
    {"a\\001\\007\\x08\\x1b\\x7fz", "a\001\007\b\x1b\x7fz", 7},
    {"a\\tb\\nc\\rd", "a\tb\nc\rd", 7},
    {"a\\000b\\000", "a\0b\0", 4},
    {"caf\\xc3\\xa9", "caf\xc3\xa9", 5},
    {"\\\\...", "\\...", 4},
    {"abc\\...", NULL, 0},
    {"\\...", NULL, 0},
    {"...", NULL, 0},
    {"\xe2\x80\xa6", NULL, 0},
    {".", ".", 1},
    {"1...", "1...", 4},
    {"\\x1", NULL, 0},
    {"\\x1\\...", NULL, 0},
    {"\\xAB", NULL, 0},
    {"\\400", NULL, 0},
    {"\\08", NULL, 0},
    {"\\q", NULL, 0},
    {"\\", NULL, 0},
    {"012345678901234567890123456789012345\\\\...", NULL, 0}, /* perhaps cut within an escape */
};

START_TEST(test_values)
{
    static const char *const forms[] = {"/k = \"%s\"\n", "/k = \"%s\"   (n0,r7)\n", "/k = \"%s\"\r\n"};
    for (int i = 0; i < COUNT(forms); i++) {
        char text[128];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        int n = snprintf(text, sizeof text, forms[i], values[_i].printed);
#pragma GCC diagnostic pop
        struct dump *d = parsed(text, (size_t)n);
        struct value v = dump_lookup(d, "/k");
        ck_assert_msg((v.presence == PRESENT) == (values[_i].want != NULL), "%s is %s", text,
                      v.presence == PRESENT ? v.text : "unknown");
        if (values[_i].want) {
            ck_assert_uint_eq(v.len, values[_i].len);
            ck_assert_mem_eq(v.text, values[_i].want, v.len + 1);
        }
        dump_free(d);
    }
}
END_TEST

START_TEST(test_long_values)
{
    for (size_t n = DUMP_VALUE_MAX; n <= DUMP_VALUE_MAX + 1; n++) {
        struct arena a = {0};
        char *value = arena_alloc(&a, n + 1);
        memset(value, 'v', n);
        const char *text = arena_printf(&a, "/k = \"%s\"\n", value);
        struct dump *d = parsed(text, strlen(text));
        ck_assert_int_eq(dump_lookup(d, "/k").presence, n <= DUMP_VALUE_MAX ? PRESENT : UNREADABLE);
        dump_free(d);
        arena_free(&a);
    }
}
END_TEST

/* ---- asking ---- */

START_TEST(test_lookup)
{
    static const struct {
        const char *path;
        enum presence want;
    } asked[] = {
        {"/local/domain/0/backend/vif/7/0/state", PRESENT},
        {"/local/domain/0/backend/vif/7/0/online", ABSENT},
        {"/local/domain/0/backend/vif/8", ABSENT},
        {"/local/domain/0/backend/vif/8/0/state", ABSENT},
        {"/local/domain/0/backend", UNREADABLE}, /* it exists, but its value was not shown */
        {"/local/domain/0/device", UNREADABLE},
        {"/local/domain/7", UNREADABLE},
        {"/vm", UNREADABLE},
        {"local", UNREADABLE},
        {"", UNREADABLE},
    };
    static const char text[] = "/local/domain/0/backend/vif = \"\"\n"
                               "/local/domain/0/backend/vif/7 = \"\"\n"
                               "/local/domain/0/backend/vif/7/0 = \"\"\n"
                               "/local/domain/0/backend/vif/7/0/state = \"4\"\n";
    struct dump *d = parsed(BYTES(text));
    for (int i = 0; i < COUNT(asked); i++)
        ck_assert_msg(dump_lookup(d, asked[i].path).presence == asked[i].want, "%s", asked[i].path);
    ck_assert_uint_eq(dump_line_of(d, "/local/domain/0/backend/vif/7/0/state"), 4);
    ck_assert_uint_eq(dump_line_of(d, "/local/domain/0/backend"), 0);
    ck_assert_uint_eq(dump_line_of(d, "/vm"), 0);
    ck_assert(!dump_shows_domains(d));
    dump_free(d);
}
END_TEST

static void append(void *arg, const char *name)
{
    struct out *list = arg;
    put(list, name);
    put(list, " ");
}

START_TEST(test_children)
{
    struct out list = {0};
    struct dump *d = parsed(BYTES("/local = \"\"\n/local/domain = \"\"\n/local/domain/7 = \"\"\n"
                                  "/local/domain/0 = \"\"\n/local/domain/0/x = \"\\...\"\n/local/gone:\n"));
    ck_assert_int_eq(dump_children(d, "/local/domain", append, &list), PRESENT);
    ck_assert_str_eq(list.text, "7 0 ");
    ck_assert_int_eq(dump_children(d, "/local/domain/7", append, &list), PRESENT);
    ck_assert_int_eq(dump_children(d, "/local/domain/8", append, &list), ABSENT);
    ck_assert_int_eq(dump_children(d, "/local/gone", append, &list), UNREADABLE);
    ck_assert_int_eq(dump_children(d, "/local", append, &list), UNREADABLE); /* more may have followed */
    ck_assert_int_eq(dump_children(d, "local", append, &list), UNREADABLE);
    ck_assert_str_eq(list.text, "7 0 ");
    ck_assert(dump_shows_domains(d));
    dump_free(d);
    free(list.text);
}
END_TEST

static void append_device(void *arg, uint16_t self, const struct device_key *key)
{
    struct arena a = {0};
    char text[DEVICE_KEY_SIZE];
    device_key_format(key, text);
    put(arg, arena_printf(&a, "%u:%s ", self, text));
    arena_free(&a);
}

START_TEST(test_devices)
{
    struct out list = {0};
    struct dump *d = parsed(BYTES("/local/domain/0/backend/vif/7/0/state = \"4\"\n"
                                  "/local/domain/0/backend/vif/7/1 = \"\"\n"
                                  "/local/domain/0/backend/vif/x/1 = \"\"\n"
                                  "/local/domain/0/backend/vif/7/a@b = \"\"\n"
                                  "/local/domain/0/backend/v@f/7/1 = \"\"\n"
                                  "/local/domain/0/backend/vif/8 = \"\"\n"
                                  "/local/domain/99999/backend/vif/7/2 = \"\"\n"
                                  "/local/domain/12/backend/qdisk/3/51712 = \"\"\n"));
    dump_devices(d, append_device, &list);
    ck_assert_str_eq(list.text, "0:vif/7/0 0:vif/7/1 12:qdisk/3/51712 ");
    dump_free(d);
    free(list.text);
}
END_TEST

/* ---- cost ---- */

/* Ten times the nodes take about ten times as long, and a hundred thousand far less than a second. */
START_TEST(test_linear)
{
    static const struct {
        const char *root, *node;
    } forms[] = {
        {"local = \"\"\n domain = \"\"\n  0 = \"\"\n   backend = \"\"\n    vif = \"\"\n",
         "     %u = \"%u\"\n"},
        {"/a = \"\"\n", "/a/b%u = \"%u\"\n"},
        {"/a = \"\"\n", "/a/b%u = \"%u\"\n...\n"},
        {"/a = \"\"\n", "/a/b%u/c/d = \"%u\"\n"},
    };
    enum { NODES = 100000 };
    struct out o = {0};
    put(&o, forms[_i].root);
    for (unsigned i = 0; i < NODES; i++) {
        char line[64];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(line, sizeof line, forms[_i].node, i, i);
#pragma GCC diagnostic pop
        put(&o, line);
    }
    clock_t begin = clock();
    struct dump *d = parsed(o.text, o.len);
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    ck_assert_uint_ge(d->n_nodes, NODES);
    ck_assert_msg(seconds < 2, "%f seconds", seconds); /* under sanitizers, too */
    dump_free(d);
    free(o.text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dump");
    TCase *t = tcase_create("dump");
    tcase_add_loop_test(t, test_reads, 0, COUNT(cases));
    tcase_add_test(t, test_every_form_is_the_same_store);
    tcase_add_loop_test(t, test_cut_anywhere, 0, COUNT(stores));
    tcase_add_loop_test(t, test_line_replaced, 0, COUNT(stores));
    tcase_add_loop_test(t, test_line_wrapped, 0, COUNT(stores));
    tcase_add_loop_test(t, test_values, 0, COUNT(values));
    tcase_add_test(t, test_long_values);
    tcase_add_test(t, test_lookup);
    tcase_add_test(t, test_children);
    tcase_add_test(t, test_devices);
    tcase_add_loop_test(t, test_linear, 0, 4);
    suite_add_tcase(s, t);
    return run_suite(s);
}
