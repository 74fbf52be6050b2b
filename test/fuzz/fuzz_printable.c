/* SPDX-License-Identifier: MIT */
/* Any bytes, made printable: what comes out may be sent to a terminal, fits its buffer, and where it is
 * quoted it says which bytes they were. The first byte says how large the buffer is. */
#include "schemas/printable.h"

#include "test/fuzz/fuzz.h"

static unsigned hex(char c)
{
    const char *digits = "0123456789abcdef", *d = strchr(digits, c);
    holds(c && d, "0x%02x is no digit", (unsigned char)c);
    return (unsigned)(d - digits);
}

/* What is between the quotes, read as it is meant. */
static size_t unquote(const char *s, char *buf)
{
    size_t n = 0;
    while (*s) {
        holds(*s != '"', "a quote within quotes");
        if (*s != '\\') {
            buf[n++] = *s++;
        } else if (s[1] == 'x') {
            buf[n++] = (char)(hex(s[2]) << 4 | hex(s[3]));
            s += 4;
        } else {
            holds(s[1] == '"' || s[1] == '\\', "unknown escape");
            buf[n++] = s[1];
            s += 2;
        }
    }
    return n;
}

static void check_copy(const char *text, size_t len, size_t size, bool quoted)
{
    size_t whole_size = len * 4 + 1;
    char *whole = malloc(whole_size), *part = malloc(size), *again = malloc(whole_size);
    holds(whole && part && again);
    size_t n = printable_copy(whole, whole_size, text, len, quoted);
    holds(n < whole_size && whole[n] == '\0' && strlen(whole) == n && n >= len, "length %zu of %zu", n, len);
    holds_printable(whole, n, false);
    if (quoted) {
        size_t got = unquote(whole, again);
        holds(got == len && memcmp(again, text, len) == 0, "%s says something else", whole);
    }
    size_t m = printable_copy(part, size, text, len, quoted);
    holds(m < size && part[m] == '\0' && m <= n && memcmp(part, whole, m) == 0, "cut to %zu", size);
    holds(m == n || size - m <= 4, "%zu of %zu are left empty", size - m, size);
    holds_printable(part, m, false);
    if (quoted)
        unquote(part, again);
    free(whole);
    free(part);
    free(again);
}

static void check_string(const char *text, size_t len)
{
    struct arena a = {0};
    const char *plain = printable(&a, text), *quoted = printable_quoted(&a, text);
    size_t n = strlen(quoted);
    char *again = arena_alloc(&a, n);
    holds_printable(plain, strlen(plain), false);
    holds_printable(quoted, n, false);
    holds(n >= 2 && quoted[0] == '"' && quoted[n - 1] == '"', "%s", quoted);
    size_t got = unquote(arena_strndup(&a, quoted + 1, n - 2), again);
    holds(got == len && memcmp(again, text, len) == 0, "%s says something else", quoted);
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct choices c = {data, size};
    size_t room = 1 + take_byte(&c);
    char *exact = malloc(c.left ? c.left : 1);
    holds(exact);
    if (c.left)
        memcpy(exact, c.at, c.left);
    check_copy(exact, c.left, room, false);
    check_copy(exact, c.left, room, true);
    char *string = fuzz_string(c.at, c.left);
    check_string(string, strlen(string));
    free(string);
    free(exact);
    return 0;
}
