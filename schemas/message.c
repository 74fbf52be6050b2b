/* SPDX-License-Identifier: MIT */
#include "schemas/message.h"

#include <string.h>

enum { NAME_MAX_LEN = 255 /* of a key */ };

static const struct {
    const char *text;
    unsigned n_args;
} kinds[] = {
#define X(name, text, n_args) [MESSAGE_##name] = {text, n_args},
    MESSAGES(X)
#undef X
};
_Static_assert(sizeof kinds / sizeof *kinds == MESSAGE_COUNT, "one entry for each kind");

static bool is_plain(unsigned char c)
{
    return c > 0x20 && c < 0x7f && c != '%';
}

static bool name_valid(const char *name, size_t len)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-/_@";
    if (len == 0 || len > NAME_MAX_LEN)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!memchr(allowed, name[i], sizeof allowed - 1))
            return false;
    return true;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* ---- parsing ---- */

/* In place, and NUL-terminated. */
static const char *decode(char *text, size_t len)
{
    char *to = text;
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '%') {
            if (!is_plain((unsigned char)text[i]))
                return "has a byte in it that must be written as %XX";
            *to++ = text[i];
            continue;
        }
        int high = len - i > 2 ? hex_digit(text[i + 1]) : -1;
        int low = len - i > 2 ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0)
            return "has a % in it without two hex digits";
        if (high == 0 && low == 0)
            return "has a NUL in it";
        *to++ = (char)(high << 4 | low);
        i += 2;
    }
    *to = '\0';
    return NULL;
}

static const char *parse_key(char *word, size_t len, struct message *m)
{
    char *equals = memchr(word, '=', len);
    if (!equals || !name_valid(word, (size_t)(equals - word)))
        return "has a word in it that is no NAME=VALUE";
    if (m->n_keys == MESSAGE_KEYS_MAX)
        return "has too many keys";
    *equals = '\0';
    for (size_t i = 0; i < m->n_keys; i++)
        if (strcmp(m->keys[i].name, word) == 0)
            return "has a key in it twice";
    m->keys[m->n_keys++] = (struct message_key){word, equals + 1};
    return decode(equals + 1, len - (size_t)(equals + 1 - word));
}

static const char *parse_kind(const char *word, size_t len, struct message *m)
{
    for (unsigned i = 0; i < MESSAGE_COUNT; i++)
        if (strlen(kinds[i].text) == len && memcmp(kinds[i].text, word, len) == 0) {
            m->kind = (enum message_kind)i;
            return NULL;
        }
    return "is no message that is known";
}

const char *message_parse(char *line, size_t len, struct message *ret_message)
{
    struct message m; /* not cleared as a whole: it is large */
    const char *wrong = NULL;
    size_t n_words = 0;

    if (len >= MESSAGE_MAX)
        return "is too long";
    m.n_keys = 0;
    memset(m.args, 0, sizeof m.args);
    for (size_t at = 0, word_len; at <= len && !wrong; at += word_len + 1, n_words++) {
        char *word = line + at, *end = memchr(word, ' ', len - at);
        word_len = end ? (size_t)(end - word) : len - at;
        if (word_len == 0)
            return "has an empty word in it";
        if (n_words == 0) {
            wrong = parse_kind(word, word_len, &m);
        } else if (n_words <= kinds[m.kind].n_args) {
            m.args[n_words - 1] = word;
            wrong = decode(word, word_len);
        } else {
            wrong = parse_key(word, word_len, &m);
        }
    }
    if (!wrong && n_words <= kinds[m.kind].n_args)
        wrong = "lacks an argument";
    if (!wrong)
        *ret_message = m;
    return wrong;
}

bool message_ring(const char *text, uint64_t *ret_ring)
{
    uint64_t ring = 0;
    if (strlen(text) != RING_DIGITS)
        return false;
    for (; *text; text++) {
        int digit = hex_digit(*text);
        if (digit < 0)
            return false;
        ring = ring << 4 | (unsigned)digit;
    }
    if (ring)
        *ret_ring = ring;
    return ring != 0;
}

/* ---- writing ---- */

static const char digits[] = "0123456789abcdef";

/* Always leaves room for the newline. */
static void put(struct message_line *m, const char *text, size_t len)
{
    if (m->full || len >= sizeof m->text - m->len) {
        m->full = true;
        return;
    }
    memcpy(m->text + m->len, text, len);
    m->len += len;
}

static void put_encoded(struct message_line *m, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        const char escaped[] = {'%', digits[c >> 4], digits[c & 15]};
        if (is_plain(c))
            put(m, text, 1);
        else
            put(m, escaped, sizeof escaped);
    }
}

void message_begin(struct message_line *m, enum message_kind kind)
{
    m->len = m->n_keys = 0;
    m->full = false;
    put(m, kinds[kind].text, strlen(kinds[kind].text));
}

void message_arg(struct message_line *m, const char *text)
{
    put(m, " ", 1);
    put_encoded(m, text);
    if (!*text)
        m->full = true;
}

void message_arg_ring(struct message_line *m, uint64_t ring)
{
    char text[RING_DIGITS + 1];
    for (unsigned i = 0; i < RING_DIGITS; i++)
        text[i] = digits[ring >> (4 * (RING_DIGITS - 1 - i)) & 15];
    text[RING_DIGITS] = '\0';
    message_arg(m, text);
}

void message_key(struct message_line *m, const char *name, const char *value)
{
    put(m, " ", 1);
    put(m, name, strlen(name));
    put(m, "=", 1);
    put_encoded(m, value);
    if (++m->n_keys > MESSAGE_KEYS_MAX || !name_valid(name, strlen(name)))
        m->full = true;
}

bool message_end(struct message_line *m)
{
    if (!m->full)
        m->text[m->len++] = '\n'; /* put() left room */
    return !m->full;
}

/* ---- lines of a stream ---- */

char *message_room(struct message_reader *r, size_t *ret_size)
{
    memmove(r->data, r->data + r->taken, r->len - r->taken);
    r->len -= r->taken;
    r->taken = 0;
    *ret_size = sizeof r->data - r->len;
    return r->data + r->len;
}

void message_fed(struct message_reader *r, size_t len)
{
    r->len += len;
}

char *message_next(struct message_reader *r, size_t *ret_len)
{
    char *line = r->data + r->taken, *end = memchr(line, '\n', r->len - r->taken);
    if (!end)
        return NULL;
    *ret_len = (size_t)(end - line);
    r->taken += *ret_len + 1;
    return line;
}
