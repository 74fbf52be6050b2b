/* SPDX-License-Identifier: MIT */
/* What the fuzz targets share: how they say that something does not hold, and how they take the input apart
 * where it is not a text but a list of choices. An input that is too short goes on in zeroes. */
#ifndef XENRECON_TEST_FUZZ_H
#define XENRECON_TEST_FUZZ_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libFuzzer calls these. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

#define holds(condition, ...)                                             \
    do {                                                                  \
        if (!(condition))                                                 \
            fuzz_broken(__FILE__, __LINE__, #condition, " " __VA_ARGS__); \
    } while (0)

__attribute__((noreturn, format(printf, 4, 5))) static inline void
fuzz_broken(const char *file, int line, const char *condition, const char *format, ...)
{
    va_list ap;
    fprintf(stderr, "%s:%d: does not hold: %s:", file, line, condition);
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}

struct choices {
    const uint8_t *at;
    size_t left;
};

static inline unsigned take_byte(struct choices *c)
{
    if (!c->left)
        return 0;
    c->left--;
    return *c->at++;
}

static inline unsigned take_below(struct choices *c, unsigned n)
{
    return take_byte(c) % n;
}

static inline bool take_flag(struct choices *c)
{
    return take_byte(c) & 1;
}

static inline uint64_t take_number(struct choices *c, unsigned bytes)
{
    uint64_t n = 0;
    while (bytes--)
        n = n << 8 | take_byte(c);
    return n;
}

/* A length, and as many bytes: a copy with nothing but its NUL behind it. For free(). */
static inline char *take_text(struct choices *c, size_t *ret_len)
{
    size_t len = take_byte(c);
    len = len < c->left ? len : c->left;
    char *text = calloc(1, len + 1);
    holds(text);
    if (len)
        memcpy(text, c->at, len);
    c->at += len;
    c->left -= len;
    *ret_len = len;
    return text;
}

/* A whole input as a string: up to its first NUL, if any. For free(). */
static inline char *fuzz_string(const uint8_t *data, size_t size)
{
    char *text = calloc(1, size + 1);
    holds(text);
    if (size)
        memcpy(text, data, size);
    return text;
}

/* Bytes of a UTF-8 sequence, 0 when it is none; found out in another way than schemas/printable.c does. */
static inline size_t fuzz_utf8(const unsigned char *s, size_t len, uint32_t *ret_code)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t least;
    } forms[] = {{0x80, 0, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t n = 1; n <= 4 && n <= len; n++) {
        if ((s[0] & forms[n - 1].mask) != forms[n - 1].lead)
            continue;
        uint32_t code = s[0] & (unsigned char)~forms[n - 1].mask;
        for (size_t i = 1; i < n; i++) {
            if (s[i] >> 6 != 2)
                return 0;
            code = code << 6 | (s[i] & 0x3fu);
        }
        *ret_code = code;
        return code >= forms[n - 1].least && code <= 0x10ffff && code >> 11 != 0x1b ? n : 0;
    }
    return 0;
}

/* What a terminal may be sent: whole characters, no controls, nothing that turns the text around. */
static inline void holds_printable(const char *text, size_t len, bool lines)
{
    const unsigned char *s = (const unsigned char *)text;
    for (size_t at = 0, n; at < len; at += n) {
        uint32_t c = 0;
        n = fuzz_utf8(s + at, len - at, &c);
        holds(n, "byte %zu, 0x%02x, is no UTF-8", at, s[at]);
        holds((c == '\n' && lines) || (c >= 0x20 && c != 0x7f && (c < 0x80 || c > 0x9f)),
              "byte %zu: control character 0x%02x", at, c);
        holds((c < 0x202a || c > 0x202e) && (c < 0x2066 || c > 0x2069) && c != 0x200e && c != 0x200f,
              "byte %zu: U+%04X turns the text around", at, c);
    }
}

#endif
