/* SPDX-License-Identifier: MIT */
/* The control socket, RUN/control: where `status`, `history`, `plan` and `explain` ask the running daemon.
 * For root alone: its mode is 0600, and requests are taken only from root and from our own user. Beside it
 * is, where a group is given, RUN/reader, of that group and mode 0660: the same, for those who may look, but
 * may not ask everything.
 *
 * A request is a line of JSON, at most CONTROL_REQUEST_MAX bytes with its newline:
 *
 *   {"protocol": 1, "request": NAME, ...}
 *
 * The answer is lines of JSON, each an object with one member, which says what the line is. The last one is
 * one of
 *
 *   {"end": true}
 *   {"error": {"code": CODE, "message": TEXT}}     code: bad-request, protocol, unknown-request, ...
 *
 * and then the next request may come. controller/daemon/status.h has the requests.
 *
 * Bounded: there are at most CONTROL_CLIENTS_MAX connections, of these at most CONTROL_READERS_MAX of
 * readers, who cannot keep root out; further ones are closed at once. Answers are made line by line, as they
 * are read. A client that reads nothing for CONTROL_PATIENCE, or asks nothing for as long, is dropped.
 *
 * One thread, the loop's. Errors are negative errno. */
#ifndef XENRECON_CONTROL_SERVER_H
#define XENRECON_CONTROL_SERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

enum {
    CONTROL_PROTOCOL = 1,
    CONTROL_REQUEST_MAX = 64 * 1024,
    CONTROL_CLIENTS_MAX = 16,
    CONTROL_READERS_MAX = 8,
    CONTROL_PATIENCE = 30 * 1000, /* milliseconds */
};

/* In the run directory */
#define CONTROL_SOCKET        "control"
#define CONTROL_READER_SOCKET "reader"

/* An answer in the making. */
struct control_answer {
    json_t *(*next)(void *state); /* the next line, which the caller releases; NULL: there are no more */
    void (*end)(void *state);     /* called after the last line, or when the client is gone */
    void *state;
};

struct uv_loop_s;
struct control_server;

struct control_server_config {
    struct uv_loop_s *loop;
    const char *run_dir;
    const gid_t *readers; /* who may use RUN/reader; NULL: nobody */
    struct control_answer (*ask)(void *arg, const json_t *request, bool reader);
    void *arg;
    unsigned patience; /* milliseconds; 0: CONTROL_PATIENCE. For tests */
};

struct control_server *control_server_new(const struct control_server_config *config); /* not listening yet */
/* Listens, unless it does so already; makes the run directory if it is missing. `take`: another process that
 * answers there loses the place; without it, -EADDRINUSE. Not logged. */
int control_server_listen(struct control_server *c, bool take);
/* Listens again where its socket is not there any more. Not logged. Returns 1 where that was so. */
int control_server_mend(struct control_server *c);
void control_server_close(struct control_server *c); /* NULL is fine. Gone when the loop has turned */

/* An answer that is an error. */
struct control_answer control_server_error(const char *code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
