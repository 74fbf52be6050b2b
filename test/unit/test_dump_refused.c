/* SPDX-License-Identifier: MIT */
/* Dumps that are refused, and what is too long, too deep or too much in one. */
#include <errno.h>
#include <stdio.h>

#include "schemas/dump/node.h"
#include "schemas/mem.h"
#include "test/lib/dump_text.h"

static const struct {
    const char *text;
    size_t len;
    unsigned line;
    const char *says;
} refused[] = {
    {BYTES(""), 0, "it is empty"},
    {BYTES("a\0 = \"\"\n"), 0, "16-bit"},
    {BYTES("hello\nworld\n"), 0, "no line of it"},
    {BYTES("\n\n"), 0, "no line of it"},
    {BYTES(">>>>>>>>>/a = \"\"\n>>>>>>>>>/b = \"\"\n"), 0, "no line of it"}, /* quoted once too often */
    {BYTES("local = &quot;&quot;\n domain = &quot;&quot;\n"), 1, "mangled"},
    {BYTES("local = \xe2\x80\x9c\xe2\x80\x9d\n domain = \xe2\x80\x9c\xe2\x80\x9d\n"), 1, "mangled"},
    {BYTES("local = \"\"\n\xc2\xa0"
           "domain = \"\"\n"),
     2, "mangled"},
    {BYTES("local = \"\"\n&nbsp;domain = \"\"\n"), 2, "mangled"},
    {BYTES("local\xc2\xa0= \"\"\n domain\xc2\xa0= \"\"\n"), 1, "mangled"},
    {BYTES("local =\xc2\xa0\"\"\n"), 1, "mangled"},
    {BYTES("local =3D \"\"\n domain =3D \"\"\n"), 1, "mangled"},
    {BYTES("local = \\\"\\\"\n"), 1, "mangled"},
    {BYTES("local\x93= \"\"\n domain\x93= \"\"\n"), 1, "mangled"},
    {BYTES("<br>local = \"\"\n<br> domain = \"\"\n"), 1, "mangled"},
    {BYTES("local = \"\"\n\tdomain = \"\"\n"), 1, "blanks"},
    {BYTES("local = \"\"\ndomain = \"\"\n0 = \"\"\n"), 1, "blanks"},
    {BYTES("local = \"\"\n domain = \"\"\n 0 = \"\"\n state = \"1\"\n state = \"2\"\n"), 1, "blanks"},
    {BYTES("local = \"\"\n  domain = \"\"\n    0 = \"\"\n       state = \"1\"\n"), 1, "blanks"},
    {BYTES("> > local = \"\"\n> >  domain = \"\"\n> >   0 = \"\"\n> >    name = \"Domain-\n> 0\"\n"), 4,
     "broken"},
    {BYTES("> > /a = \"\"\n> > /a/b =\n> \"1\"\n> > /a/c = \"\"\n"), 2, "broken"},
    {BYTES("> /a = \"\"\n> /a/b = \"1\"\n> /a/lon\ng = \"2\"\n> /a/c = \"\"\n"), 3, "broken"},
    {BYTES("> /a = \"1\" > /b = \"2\"\n> /c = \"\"\n"), 1, "put together"},
};

START_TEST(test_refused)
{
    struct dump *d = NULL;
    struct diagnostic why = {.line = 0};
    char *copy = exactly(refused[_i].text, refused[_i].len);
    ck_assert_int_eq(dump_parse("x", copy, refused[_i].len, &d, &why), -EINVAL);
    free(copy);
    ck_assert_ptr_null(d);
    ck_assert_msg(strstr(why.message, refused[_i].says) != NULL, "%s", why.message);
    ck_assert_msg(strstr(why.message, "xenstore-ls -fp > file") != NULL, "%s", why.message);
    ck_assert_uint_eq(why.line, refused[_i].line);
}
END_TEST

static char *repeated(const char *line, size_t times, size_t *ret_len)
{
    size_t n = strlen(line);
    char *text = xcalloc(times, n + 1);
    for (size_t i = 0; i < times; i++)
        memcpy(text + i * n, line, n + 1);
    *ret_len = n * times;
    return text;
}

START_TEST(test_too_large)
{
    struct dump *d = NULL;
    struct diagnostic why = {.line = 0};
    char *text = xcalloc(1, (size_t)DUMP_SIZE_MAX + 1);
    memset(text, '\n', (size_t)DUMP_SIZE_MAX + 1);
    ck_assert_int_eq(dump_parse("x", text, (size_t)DUMP_SIZE_MAX + 1, &d, &why), -E2BIG);
    ck_assert_str_eq(why.message, "a dump has at most 64 MiB");
    ck_assert_int_eq(dump_parse("x", text, DUMP_SIZE_MAX, &d, &why), -EINVAL);
    free(text);
}
END_TEST

START_TEST(test_too_long_a_path)
{
    size_t len;
    char *path = repeated("/a", STORE_PATH_MAX / 2 + 1, &len);
    struct arena a = {0};
    const char *text = arena_printf(&a, "/b = \"1\"\n%s = \"\"\n%s = \"\"\n", path + 2, path);
    struct dump *d = parsed(text, strlen(text));
    size_t n;
    const struct dump_note *notes = dump_notes(d, &n);
    ck_assert_int_eq(dump_lookup(d, path + 2).presence, PRESENT);
    ck_assert_int_eq(dump_lookup(d, "/b").presence, PRESENT);
    ck_assert_uint_eq(n, 2);
    ck_assert_uint_eq(notes[0].first, 3);
    ck_assert_str_eq(notes[0].text, "its path is longer than any in a store");
    dump_free(d);
    arena_free(&a);
    free(path);
}
END_TEST

START_TEST(test_too_long_a_line)
{
    size_t len, n;
    char *value = repeated("x", DUMP_LINE_MAX, &len);
    struct arena a = {0};
    const char *text = arena_printf(&a, "/a = \"\"\n/b = \"%s\"\n/c = \"\"\n", value);
    struct dump *d = parsed(text, strlen(text));
    const struct dump_note *notes = dump_notes(d, &n);
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(notes[0].first, 2);
    ck_assert_int_eq(dump_lookup(d, "/b").presence, UNREADABLE);
    ck_assert_int_eq(dump_lookup(d, "/c").presence, PRESENT);
    dump_free(d);
    arena_free(&a);
    free(value);
}
END_TEST

START_TEST(test_too_deep_a_tree)
{
    enum { DEPTH = STORE_PATH_MAX / 2 + 2 };
    char *text = xcalloc(DEPTH + 1, DEPTH + 8);
    size_t len = 0, n;
    for (int i = 0; i < DEPTH; i++)
        len += (size_t)sprintf(text + len, "%*sa = \"\"\n", i, "");
    len += (size_t)sprintf(text + len, "vm = \"\"\n");
    struct dump *d = parsed(text, len);
    const struct dump_note *notes = dump_notes(d, &n);
    ck_assert_uint_ge(n, 1);
    ck_assert_uint_eq(notes[0].first, STORE_PATH_MAX / 2 + 1);
    ck_assert_str_eq(notes[0].text, "its path is longer than any in a store");
    dump_free(d);
    free(text);
}
END_TEST

START_TEST(test_too_long_a_name)
{
    size_t len, n;
    char *name = repeated("a", STORE_PATH_MAX + 1, &len);
    struct arena a = {0};
    const char *text = arena_printf(&a, "/b = \"\"\n/%s = \"\"\n/%s/x = \"\"\n/c = \"\"\n", name, name);
    struct dump *d = parsed(text, strlen(text));
    const struct dump_note *notes = dump_notes(d, &n);
    ck_assert_uint_eq(n, 1);
    ck_assert(notes[0].first == 2 && notes[0].last >= 2);
    ck_assert_int_eq(dump_lookup(d, "/c").presence, PRESENT);
    dump_free(d);
    arena_free(&a);
    free(name);
}
END_TEST

/* What follows a value without an end may be a part of it, but not for ever. */
START_TEST(test_many_lines_of_a_value)
{
    size_t len, n;
    char *lines = repeated("y z\n", 100, &len);
    struct arena a = {0};
    const char *text = arena_printf(&a, "/a = \"x\n%s/b = \"\"\n", lines);
    struct dump *d = parsed(text, strlen(text));
    const struct dump_note *notes = dump_notes(d, &n);
    ck_assert_uint_eq(n, 2);
    ck_assert(notes[0].first == 1 && notes[0].last == 81);
    ck_assert_str_eq(notes[0].text, "its value was cut or wrapped");
    ck_assert(notes[1].first == 82 && notes[1].last == 101);
    ck_assert_int_eq(dump_lookup(d, "/a").presence, UNREADABLE);
    ck_assert_int_eq(dump_lookup(d, "/b").presence, PRESENT);
    dump_free(d);
    arena_free(&a);
    free(lines);
}
END_TEST

/* Cut short, but there is no room for one more note. */
START_TEST(test_no_note_to_amend)
{
    size_t len, n;
    char *text = repeated("/a = \"\"\n...\n", 100, &len);
    struct arena a = {0};
    const char *cut = arena_printf(&a, "%s/b = \"x", text);
    struct dump *d = parsed(cut, strlen(cut));
    const struct dump_note *notes = dump_notes(d, &n);
    ck_assert_uint_eq(n, DUMP_NOTES_MAX + 1);
    ck_assert_str_eq(notes[n - 1].text, "81 more lines, or runs of lines, could not be used");
    dump_free(d);
    arena_free(&a);
    free(text);
}
END_TEST

START_TEST(test_notes_are_capped)
{
    size_t len, n;
    char *text = repeated("/a = \"\"\n...\n", 100, &len);
    struct dump *d = parsed(text, len);
    const struct dump_note *notes = dump_notes(d, &n);
    ck_assert_uint_eq(n, DUMP_NOTES_MAX + 1);
    ck_assert_uint_eq(notes[n - 1].first, 0);
    ck_assert_str_eq(notes[n - 1].text, "80 more lines, or runs of lines, could not be used");
    dump_free(d);
    free(text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dumps refused");
    TCase *t = tcase_create("dump");
    tcase_add_loop_test(t, test_refused, 0, COUNT(refused));
    tcase_add_test(t, test_too_large);
    tcase_add_test(t, test_too_long_a_path);
    tcase_add_test(t, test_too_long_a_line);
    tcase_add_test(t, test_too_deep_a_tree);
    tcase_add_test(t, test_too_long_a_name);
    tcase_add_test(t, test_many_lines_of_a_value);
    tcase_add_test(t, test_no_note_to_amend);
    tcase_add_test(t, test_notes_are_capped);
    suite_add_tcase(s, t);
    return run_suite(s);
}
