/* SPDX-License-Identifier: MIT */
#include "schemas/printable.h"

#include <stdint.h>
#include <string.h>

/* The code point at s and its bytes, 0 where the encoding is broken, overlong or a surrogate. */
static size_t decode(const unsigned char *s, size_t len, uint32_t *ret)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    if (n == 0 || n > len)
        return 0;
    uint32_t c = n == 1 ? s[0] : s[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3fu);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *ret = c;
    return n;
}

static bool is_harmless(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } bad[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},        /* controls */
        {0xad, 0xad},     {0x61c, 0x61c},      /* soft hyphen, Arabic letter mark */
        {0x200b, 0x200f}, {0x2028, 0x202e},    /* zero width and direction marks, separators, embeddings */
        {0x2060, 0x206f}, {0xfeff, 0xfeff},    /* invisible operators, isolates, byte order mark */
        {0xfff0, 0xfffb}, {0xe0000, 0xe0fff},  /* annotations, tags */
        {0xe000, 0xf8ff}, {0xf0000, 0x10ffff}, /* private use */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (c >= bad[i].first && c <= bad[i].last)
            return false;
    return true;
}

size_t printable_char(const char *s, size_t len)
{
    uint32_t c;
    size_t n = decode((const unsigned char *)s, len, &c);
    return n && is_harmless(c) ? n : 0;
}

size_t printable_copy(char *buf, size_t size, const char *text, size_t len, bool quoted)
{
    static const char digits[] = "0123456789abcdef";
    size_t used = 0;
    for (size_t i = 0; i < len;) {
        char escaped[4] = {'\\', 'x'};
        const char *from = escaped;
        size_t take = printable_char(text + i, len - i), put = take;
        if (take == 0) {
            unsigned char byte = (unsigned char)text[i];
            escaped[2] = digits[byte >> 4];
            escaped[3] = digits[byte & 15];
            take = 1, put = 4;
        } else if (quoted && (text[i] == '"' || text[i] == '\\')) {
            escaped[1] = text[i];
            put = 2;
        } else {
            from = text + i;
        }
        if (used + put >= size)
            break;
        memcpy(buf + used, from, put);
        used += put;
        i += take;
    }
    buf[used] = '\0';
    return used;
}

const char *printable(struct arena *a, const char *text)
{
    size_t len = strlen(text), size = len * 4 + 1;
    char *p = arena_alloc(a, size);
    printable_copy(p, size, text, len, false);
    return p;
}

const char *printable_quoted(struct arena *a, const char *text)
{
    size_t len = strlen(text), size = len * 4 + 3;
    char *p = arena_alloc(a, size);
    p[0] = '"';
    size_t n = printable_copy(p + 1, size - 2, text, len, true);
    p[n + 1] = '"';
    return p;
}
