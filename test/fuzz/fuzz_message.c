/* SPDX-License-Identifier: MIT */
/* Messages: a stream of any bytes, cut into any pieces, is split and parsed; what is understood is written
 * again and understood as the same. */
#include <stdlib.h>
#include <string.h>

#include "schemas/message.h"

#define MUST(x)      \
    do {             \
        if (!(x))    \
            abort(); \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned count_args(const struct message *m)
{
    static const unsigned n_args[] = {
#define X(name, text, n) [MESSAGE_##name] = (n),
        MESSAGES(X)
#undef X
    };
    MUST(m->kind < MESSAGE_COUNT);
    return n_args[m->kind];
}

static void check_same(const struct message *a, const struct message *b)
{
    MUST(a->kind == b->kind && a->n_keys == b->n_keys);
    for (unsigned i = 0; i < count_args(a); i++)
        MUST(strcmp(a->args[i], b->args[i]) == 0);
    for (size_t i = 0; i < a->n_keys; i++) {
        MUST(strcmp(a->keys[i].name, b->keys[i].name) == 0);
        MUST(strcmp(a->keys[i].value, b->keys[i].value) == 0);
    }
}

static void check_understood(const struct message *m, size_t len)
{
    static struct message_line out;
    static struct message again;
    message_begin(&out, m->kind);
    for (unsigned i = 0; i < count_args(m); i++) {
        MUST(m->args[i][0]);
        message_arg(&out, m->args[i]);
    }
    MUST(m->n_keys <= MESSAGE_KEYS_MAX);
    for (size_t i = 0; i < m->n_keys; i++) {
        MUST(m->keys[i].name[0] && strlen(m->keys[i].name) <= 255);
        message_key(&out, m->keys[i].name, m->keys[i].value);
    }
    MUST(message_end(&out)); /* never longer than what was read: nothing is encoded without need */
    MUST(out.len <= len + 1 && out.text[out.len - 1] == '\n');
    MUST(!memchr(out.text, '\n', out.len - 1));
    MUST(!message_parse(out.text, out.len - 1, &again));
    check_same(m, &again);
}

static void check_line(const char *line, size_t len)
{
    static struct message m;
    char *copy = malloc(len + 1), *end = copy + len; /* with nothing behind it, for a sanitizer */
    MUST(copy);
    memcpy(copy, line, len);
    const char *wrong = message_parse(copy, len, &m);
    if (!wrong) {
        for (unsigned i = 0; i < count_args(&m); i++)
            MUST(m.args[i] >= copy && m.args[i] + strlen(m.args[i]) <= end);
        for (size_t i = 0; i < m.n_keys; i++)
            MUST(m.keys[i].name > copy && m.keys[i].value + strlen(m.keys[i].value) <= end);
        check_understood(&m, len);
    } else {
        MUST(*wrong);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct message_reader r;
    r.len = r.taken = 0;
    for (size_t at = 0; at < size;) {
        size_t room, len, piece = 1 + data[at] * 7u; /* pieces of sizes that the data says */
        char *to = message_room(&r, &room);
        if (room == 0)
            return 0; /* a line too long ends a stream */
        piece = piece < room ? piece : room;
        piece = piece < size - at ? piece : size - at;
        memcpy(to, data + at, piece);
        message_fed(&r, piece);
        at += piece;
        for (char *line; (line = message_next(&r, &len));) {
            MUST(len < MESSAGE_MAX && line[len] == '\n' && !memchr(line, '\n', len));
            check_line(line, len);
        }
    }
    return 0;
}
