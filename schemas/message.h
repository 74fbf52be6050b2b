/* SPDX-License-Identifier: MIT */
/* Messages between the controller and its workers: one line of words each, as xenrecon-worker(7) describes
 * them. Parsing happens in place and allocates nothing; what is parsed points into the caller's line. What
 * message_end() found fit to be sent, message_parse() understands (with its arguments, and no key twice). */
#ifndef XENRECON_MESSAGE_H
#define XENRECON_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MESSAGE_MAX = 8192, /* bytes of a line, its newline included */
    MESSAGE_KEYS_MAX = 128,
    MESSAGE_VERSION = 1,
    TOKEN_DIGITS = 32, /* 128 bits */
    RING_DIGITS = 16,
};

/* How the text of an `error` begins that tells of lost data. */
#define MESSAGE_LOST_WRITE "lost-write: "

/* name, text, arguments */
#define MESSAGES(X)                    \
    X(HELLO, "hello", 3)               \
    X(READY, "ready", 0)               \
    X(CONNECTED, "connected", 1)       \
    X(DISCONNECTED, "disconnected", 0) \
    X(ERROR, "error", 1)               \
    X(WRITES, "writes", 1)             \
    X(WELCOME, "welcome", 0)           \
    X(REFUSED, "refused", 1)           \
    X(CONNECT, "connect", 1)           \
    X(DISCONNECT, "disconnect", 0)     \
    X(STOP, "stop", 0)

enum message_kind {
#define X(name, text, n_args) MESSAGE_##name,
    MESSAGES(X)
#undef X
        MESSAGE_COUNT,
};

/* Decoded: NUL-terminated, and without a NUL before that. */
struct message_key {
    const char *name, *value;
};

struct message {
    enum message_kind kind;
    const char *args[3];
    struct message_key keys[MESSAGE_KEYS_MAX];
    size_t n_keys;
};

/* Parses a line without its newline, which it changes: the message points into it. NULL, or what is wrong
 * with it: a phrase such as "is no message that is known". `line[len]` must be writable. */
const char *message_parse(char *line, size_t len, struct message *ret_message);

/* The 16 hex digits of a ring. It is never 0, which means none. */
bool message_ring(const char *text, uint64_t *ret_ring);

/* A message being written. What does not fit sets `full`, and nothing more is added; so does what cannot be
 * said: an empty argument, a key's name that no key has, one key too many. */
struct message_line {
    char text[MESSAGE_MAX];
    size_t len, n_keys;
    bool full;
};
void message_begin(struct message_line *m, enum message_kind kind);
void message_arg(struct message_line *m, const char *text);
void message_arg_ring(struct message_line *m, uint64_t ring);
void message_key(struct message_line *m, const char *name, const char *value);
bool message_end(struct message_line *m); /* the newline; false: it did not fit */

/* Splits a stream into lines. Feed it what was read, then take the lines until there is none. */
struct message_reader {
    char data[MESSAGE_MAX];
    size_t len, taken;
};
/* Room for the next read; 0 bytes of it: the line is too long. */
char *message_room(struct message_reader *r, size_t *ret_size);
void message_fed(struct message_reader *r, size_t len);
/* The next whole line, to be parsed at once, or NULL. */
char *message_next(struct message_reader *r, size_t *ret_len);

#endif
