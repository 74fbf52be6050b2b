/* SPDX-License-Identifier: MIT */
/* Messages between controller and workers: what is written is read again, and nothing else is. */
#include "schemas/message.h"

#include <stdio.h>

#include "test/lib/unit.h"

/* Parses a copy that has nothing behind its end but the byte that may be written. */
static const char *parse(const char *text, size_t len, struct message *ret, char **ret_line)
{
    *ret_line = exactly(text, len + 1);
    return message_parse(*ret_line, len, ret);
}

/* ---- what is right ---- */

static const struct {
    const char *line;
    enum message_kind kind;
    const char *args[3];
    struct message_key keys[3];
} good[] = {
    {"hello 1 qdisk/7/51712 0123456789abcdef0123456789abcdef",
     MESSAGE_HELLO,
     {"1", "qdisk/7/51712", "0123456789abcdef0123456789abcdef"},
     {{0}}},
    {"ready", MESSAGE_READY, {0}, {{0}}},
    {"ready sectors=2048 feature-barrier=0 x=",
     MESSAGE_READY,
     {0},
     {{"sectors", "2048"}, {"feature-barrier", "0"}, {"x", ""}}},
    {"ready a/b@_-9=a=b=c%20%25%ff%Ff%0a=", MESSAGE_READY, {0}, {{"a/b@_-9", "a=b=c %\xff\xff\n="}}},
    {"connected 00000000000000ff", MESSAGE_CONNECTED, {"00000000000000ff"}, {{0}}},
    {"disconnected", MESSAGE_DISCONNECTED, {0}, {{0}}},
    {"error No%20such%20file=here", MESSAGE_ERROR, {"No such file=here"}, {{0}}},
    {"error a code=2", MESSAGE_ERROR, {"a"}, {{"code", "2"}}},
    {"welcome", MESSAGE_WELCOME, {0}, {{0}}},
    {"refused wrong%20token", MESSAGE_REFUSED, {"wrong token"}, {{0}}},
    {"connect 0123456789abcdef ring-ref=8 event-channel=12",
     MESSAGE_CONNECT,
     {"0123456789abcdef"},
     {{"ring-ref", "8"}, {"event-channel", "12"}}},
    {"disconnect", MESSAGE_DISCONNECT, {0}, {{0}}},
    {"stop", MESSAGE_STOP, {0}, {{0}}},
};

START_TEST(test_good)
{
    struct message m;
    char *line;
    size_t n_args = 0, n_keys = 0;
    ck_assert_ptr_null(parse(good[_i].line, strlen(good[_i].line), &m, &line));
    ck_assert_int_eq(m.kind, good[_i].kind);
    for (; n_args < 3 && good[_i].args[n_args]; n_args++)
        ck_assert_str_eq(m.args[n_args], good[_i].args[n_args]);
    for (; n_keys < 3 && good[_i].keys[n_keys].name; n_keys++) {
        ck_assert_str_eq(m.keys[n_keys].name, good[_i].keys[n_keys].name);
        ck_assert_str_eq(m.keys[n_keys].value, good[_i].keys[n_keys].value);
    }
    ck_assert_uint_eq(m.n_keys, n_keys);
    free(line);
}
END_TEST

/* Written again, it is what was read, but for the digits' case and what needed no encoding. */
START_TEST(test_written_again)
{
    struct message m, again;
    struct message_line out;
    char *line;
    size_t n_args = 0;
    ck_assert_ptr_null(parse(good[_i].line, strlen(good[_i].line), &m, &line));
    message_begin(&out, m.kind);
    for (; n_args < 3 && good[_i].args[n_args]; n_args++)
        message_arg(&out, m.args[n_args]);
    for (size_t i = 0; i < m.n_keys; i++)
        message_key(&out, m.keys[i].name, m.keys[i].value);
    ck_assert(message_end(&out));
    ck_assert_int_eq(out.text[out.len - 1], '\n');
    ck_assert_ptr_null(message_parse(out.text, out.len - 1, &again));
    ck_assert_int_eq(again.kind, m.kind);
    ck_assert_uint_eq(again.n_keys, m.n_keys);
    for (size_t i = 0; i < n_args; i++)
        ck_assert_str_eq(again.args[i], m.args[i]);
    for (size_t i = 0; i < m.n_keys; i++) {
        ck_assert_str_eq(again.keys[i].name, m.keys[i].name);
        ck_assert_str_eq(again.keys[i].value, m.keys[i].value);
    }
    free(line);
}
END_TEST

START_TEST(test_every_byte)
{
    char value[256], want[1024] = "ready key=";
    struct message_line out;
    struct message m;
    size_t len = strlen(want);
    for (int i = 1; i < 256; i++) {
        value[i - 1] = (char)i;
        len += (size_t)sprintf(want + len, i > 0x20 && i < 0x7f && i != '%' ? "%c" : "%%%02x", i);
    }
    value[255] = '\0';
    message_begin(&out, MESSAGE_READY);
    message_key(&out, "key", value);
    ck_assert(message_end(&out));
    ck_assert_uint_eq(out.len, len + 1);
    ck_assert_mem_eq(out.text, want, len);
    ck_assert_ptr_null(message_parse(out.text, out.len - 1, &m));
    ck_assert_str_eq(m.keys[0].value, value);
}
END_TEST

/* ---- what is wrong ---- */

#define LETTERS_64  "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz-/_@01234567"
#define LETTERS_256 LETTERS_64 LETTERS_64 LETTERS_64 LETTERS_64

static const struct {
    const char *line;
    size_t len;
    const char *wrong;
} bad[] = {
    {BYTES(""), "has an empty word in it"},
    {BYTES(" "), "has an empty word in it"},
    {BYTES(" ready"), "has an empty word in it"},
    {BYTES("ready "), "has an empty word in it"},
    {BYTES("ready a=1  b=2"), "has an empty word in it"},
    {BYTES("error "), "has an empty word in it"},
    {BYTES("hello 1  token"), "has an empty word in it"},
    {BYTES("Ready"), "is no message that is known"},
    {BYTES("read"), "is no message that is known"},
    {BYTES("readyy"), "is no message that is known"},
    {BYTES("%72eady"), "is no message that is known"},
    {BYTES("ready\0"), "is no message that is known"},
    {BYTES("ready\r"), "is no message that is known"},
    {BYTES("ready\ta=1"), "is no message that is known"},
    {BYTES("hello"), "lacks an argument"},
    {BYTES("hello 1"), "lacks an argument"},
    {BYTES("hello 1 qdisk/7/51712"), "lacks an argument"},
    {BYTES("connected"), "lacks an argument"},
    {BYTES("ready a"), "has a word in it that is no NAME=VALUE"},
    {BYTES("ready =a"), "has a word in it that is no NAME=VALUE"},
    {BYTES("ready a.b=1"), "has a word in it that is no NAME=VALUE"},
    {BYTES("ready %41=1"), "has a word in it that is no NAME=VALUE"},
    {BYTES("ready a\0=1"), "has a word in it that is no NAME=VALUE"},
    {BYTES("ready \xe4=1"), "has a word in it that is no NAME=VALUE"},
    {BYTES("ready " LETTERS_256 "=1"), "has a word in it that is no NAME=VALUE"},
    {BYTES("stop now"), "has a word in it that is no NAME=VALUE"},
    {BYTES("connected 0123456789abcdef 0123456789abcdef"), "has a word in it that is no NAME=VALUE"},
    {BYTES("ready a=%"), "has a % in it without two hex digits"},
    {BYTES("ready a=%4"), "has a % in it without two hex digits"},
    {BYTES("ready a=%4 b=1"), "has a % in it without two hex digits"},
    {BYTES("ready a=%4g"), "has a % in it without two hex digits"},
    {BYTES("ready a=%g4"), "has a % in it without two hex digits"},
    {BYTES("error %%"), "has a % in it without two hex digits"},
    {BYTES("error a%00"), "has a NUL in it"},
    {BYTES("ready a=%00"), "has a NUL in it"},
    {BYTES("ready a=\0"), "has a byte in it that must be written as %XX"},
    {BYTES("ready a=\x7f"), "has a byte in it that must be written as %XX"},
    {BYTES("ready a=\x80"), "has a byte in it that must be written as %XX"},
    {BYTES("ready a=\t"), "has a byte in it that must be written as %XX"},
    {BYTES("ready a=\n"), "has a byte in it that must be written as %XX"},
    {BYTES("error caf\xc3\xa9"), "has a byte in it that must be written as %XX"},
    {BYTES("ready a=1 b=2 a=1"), "has a key in it twice"},
};

START_TEST(test_bad)
{
    struct message m = {.kind = MESSAGE_COUNT};
    char *line;
    const char *wrong = parse(bad[_i].line, bad[_i].len, &m, &line);
    ck_assert_pstr_eq(wrong, bad[_i].wrong);
    ck_assert_int_eq(m.kind, MESSAGE_COUNT); /* untouched */
    free(line);
}
END_TEST

/* ---- limits ---- */

START_TEST(test_longest_name)
{
    struct message_line out;
    struct message m;
    message_begin(&out, MESSAGE_READY);
    message_key(&out, &LETTERS_256[1], "1");
    ck_assert(message_end(&out));
    ck_assert_ptr_null(message_parse(out.text, out.len - 1, &m));
    ck_assert_str_eq(m.keys[0].name, &LETTERS_256[1]);
    message_begin(&out, MESSAGE_READY);
    message_key(&out, LETTERS_256, "1");
    ck_assert(!message_end(&out));
}
END_TEST

START_TEST(test_most_keys)
{
    struct message_line out;
    struct message m;
    char name[8], line[MESSAGE_MAX];
    message_begin(&out, MESSAGE_READY);
    for (int i = 0; i < MESSAGE_KEYS_MAX; i++) {
        snprintf(name, sizeof name, "k%d", i);
        message_key(&out, name, "v");
    }
    memcpy(line, out.text, out.len);
    size_t len = out.len + (size_t)sprintf(line + out.len, " more=1");
    ck_assert_pstr_eq(message_parse(line, len, &m), "has too many keys");
    struct message_line more = out;
    message_key(&more, "more", "1");
    ck_assert(!message_end(&more));
    ck_assert(message_end(&out));
    ck_assert_ptr_null(message_parse(out.text, out.len - 1, &m));
    ck_assert_uint_eq(m.n_keys, MESSAGE_KEYS_MAX);
    ck_assert_str_eq(m.keys[127].name, "k127");
}
END_TEST

/* "error " and so many letters, without the newline. */
static char *long_line(size_t len)
{
    char *line = malloc(len + 1);
    ck_assert_ptr_nonnull(line);
    memset(line, 'x', len);
    memcpy(line, "error ", 6);
    line[len] = '\0';
    return line;
}

START_TEST(test_longest_line)
{
    for (size_t len = MESSAGE_MAX - 2; len <= MESSAGE_MAX; len++) {
        char *line = long_line(len);
        struct message_line out;
        struct message m;
        bool fits = len < MESSAGE_MAX;
        message_begin(&out, MESSAGE_ERROR);
        message_arg(&out, line + 6);
        ck_assert_int_eq(message_end(&out), fits);
        if (fits) {
            ck_assert_uint_eq(out.len, len + 1);
            ck_assert_mem_eq(out.text, line, len);
        }
        ck_assert_pstr_eq(message_parse(line, len, &m), fits ? NULL : "is too long");
        free(line);
    }
}
END_TEST

/* An escape is not cut, and nothing is added behind what did not fit. */
START_TEST(test_escape_that_does_not_fit)
{
    char *line = long_line(MESSAGE_MAX - 1);
    struct message_line out;
    for (size_t cut = 1; cut <= 4; cut++) {
        line[MESSAGE_MAX - 1 - cut] = ' ';
        line[MESSAGE_MAX - cut] = '\0';
        message_begin(&out, MESSAGE_ERROR);
        message_arg(&out, line + 6);
        ck_assert_int_eq(message_end(&out), cut > 2);
        if (cut <= 2) {
            size_t len = out.len;
            ck_assert_int_eq(out.text[len - 1], 'x');
            message_key(&out, "k", "");
            ck_assert(!message_end(&out));
            ck_assert_uint_eq(out.len, len);
        }
    }
    free(line);
}
END_TEST

START_TEST(test_cannot_be_said)
{
    static const char *const names[] = {"", "a b", "a=b", "a%", "\xe4", "a.b"};
    struct message_line out;
    for (int i = 0; i < COUNT(names); i++) {
        message_begin(&out, MESSAGE_READY);
        message_key(&out, names[i], "1");
        ck_assert_msg(!message_end(&out), "%s", names[i]);
    }
    message_begin(&out, MESSAGE_ERROR);
    message_arg(&out, "");
    ck_assert(!message_end(&out));
}
END_TEST

/* ---- rings ---- */

START_TEST(test_ring)
{
    static const char *const wrong[] = {"",
                                        "0",
                                        "0000000000000000",
                                        "123456789abcdef",
                                        "0123456789abcdef0",
                                        "0123456789abcdeg",
                                        "0x23456789abcdef",
                                        " 123456789abcdef",
                                        "-123456789abcdef"};
    struct message_line out;
    uint64_t ring = 5;
    for (int i = 0; i < COUNT(wrong); i++)
        ck_assert_msg(!message_ring(wrong[i], &ring) && ring == 5, "%s", wrong[i]);
    ck_assert(message_ring("0123456789aBcDeF", &ring));
    ck_assert_uint_eq(ring, 0x0123456789abcdef);
    ck_assert(message_ring("ffffffffffffffff", &ring));
    ck_assert_uint_eq(ring, UINT64_MAX);
    message_begin(&out, MESSAGE_CONNECTED);
    message_arg_ring(&out, 0x0123456789abcdef);
    ck_assert(message_end(&out));
    ck_assert_mem_eq(out.text, "connected 0123456789abcdef\n", 27);
}
END_TEST

/* ---- lines of a stream ---- */

static void feed(struct message_reader *r, const char *text, size_t len)
{
    size_t size;
    char *room = message_room(r, &size);
    ck_assert_uint_ge(size, len);
    memcpy(room, text, len);
    message_fed(r, len);
}

/* Whatever the pieces are, the lines are the same. */
START_TEST(test_pieces)
{
    static const char stream[] = "ready a=1\nconnected 0123456789abcdef\n\nstop\nerr";
    static const char *const lines[] = {"ready a=1", "connected 0123456789abcdef", "", "stop"};
    struct message_reader r = {.len = 0};
    int n = 0;
    for (size_t at = 0, len = strlen(stream), piece; at < len; at += piece) {
        char *line;
        size_t line_len;
        piece = len - at < (size_t)_i ? len - at : (size_t)_i;
        feed(&r, stream + at, piece);
        while ((line = message_next(&r, &line_len))) {
            ck_assert_int_lt(n, COUNT(lines));
            line[line_len] = '\0';
            ck_assert_str_eq(line, lines[n++]);
        }
    }
    ck_assert_int_eq(n, COUNT(lines));
    ck_assert_uint_eq(r.len - r.taken, 3);
}
END_TEST

START_TEST(test_longest_line_of_a_stream)
{
    struct message_reader r = {.len = 0};
    struct message m;
    size_t len, size;
    char *text = long_line(MESSAGE_MAX - 1);
    feed(&r, text, MESSAGE_MAX - 1);
    ck_assert_ptr_null(message_next(&r, &len));
    message_room(&r, &size);
    ck_assert_uint_eq(size, 1);
    feed(&r, "\n", 1);
    char *line = message_next(&r, &len);
    ck_assert_ptr_nonnull(line);
    ck_assert_uint_eq(len, MESSAGE_MAX - 1);
    ck_assert_ptr_null(message_parse(line, len, &m));
    ck_assert_str_eq(m.args[0], text + 6);
    message_room(&r, &size);
    ck_assert_uint_eq(size, MESSAGE_MAX);
    free(text);
}
END_TEST

START_TEST(test_line_too_long)
{
    struct message_reader r = {.len = 0};
    size_t len, size;
    char *text = long_line(MESSAGE_MAX);
    feed(&r, "ready\n", 6);
    ck_assert_ptr_nonnull(message_next(&r, &len));
    feed(&r, text, MESSAGE_MAX);
    ck_assert_ptr_null(message_next(&r, &len));
    message_room(&r, &size);
    ck_assert_uint_eq(size, 0);
    free(text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("message");
    TCase *t = tcase_create("message");
    tcase_add_loop_test(t, test_good, 0, COUNT(good));
    tcase_add_loop_test(t, test_written_again, 0, COUNT(good));
    tcase_add_test(t, test_every_byte);
    tcase_add_loop_test(t, test_bad, 0, COUNT(bad));
    tcase_add_test(t, test_longest_name);
    tcase_add_test(t, test_most_keys);
    tcase_add_test(t, test_longest_line);
    tcase_add_test(t, test_escape_that_does_not_fit);
    tcase_add_test(t, test_cannot_be_said);
    tcase_add_test(t, test_ring);
    tcase_add_loop_test(t, test_pieces, 1, 50);
    tcase_add_test(t, test_longest_line_of_a_stream);
    tcase_add_test(t, test_line_too_long);
    suite_add_tcase(s, t);
    return run_suite(s);
}
