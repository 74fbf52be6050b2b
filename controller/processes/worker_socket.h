/* SPDX-License-Identifier: MIT */
/* The workers' socket: who may connect, and lines in and out. A connection belongs to whom its process
 * belongs to, from its beginning; strangers cost an accept() and nothing more. What is malformed, too long,
 * too slow to be read, or not a worker's to say ends the connection. The protocol is in xenrecon-worker(7).
 *
 * One thread, the loop's. Connections belong to the socket; a pointer to one is good until `lost` or
 * worker_socket_hang_up(). No callback is called from inside a call. */
#ifndef XENRECON_WORKER_SOCKET_H
#define XENRECON_WORKER_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "schemas/message.h"

struct uv_loop_s;
struct worker_socket;
struct worker_connection;

enum { SOCKET_SILENT_MAX = 4 /* connections of one worker that have not said hello */ };

struct worker_socket_config {
    struct uv_loop_s *loop;
    uint32_t hello_within; /* milliseconds */
    void *arg;             /* for all of these */
    /* Whose process that is, of that user; NULL: a stranger's. */
    void *(*whose)(void *arg, pid_t pid, uid_t uid);
    /* NULL: welcome, and `c` is good from now on; or why not. */
    const char *(*hello)(void *arg, void *whose, struct worker_connection *c, const struct message *m);
    /* One that was welcome says something else. NULL; or what is wrong with it: the connection is lost. */
    const char *(*message)(void *arg, void *whose, const struct message *m);
    /* One that was welcome is gone. NULL: it left; or what it did, a phrase such as "said something
     * that is too long". */
    void (*lost)(void *arg, void *whose, const char *wrong);
};

/* Takes over a listening socket. */
struct worker_socket *worker_socket_new(const struct worker_socket_config *config, int listening);

/* Whoever was welcome was closed before, or is not used any more. Gone when the loop has turned. */
void worker_socket_close(struct worker_socket *s);

/* Closes whatever connections they have. */
void worker_socket_forget(struct worker_socket *s, const void *whose);

/* Ends the line, and sends it. -EMSGSIZE: it is too long; -EPIPE: nobody reads it, and the connection
 * will be lost. */
int worker_socket_send(struct worker_connection *c, struct message_line *line);

void worker_socket_hang_up(struct worker_connection *c);

#endif
