/* SPDX-License-Identifier: MIT */
/* The workers' socket: which processes may connect, and lines in and out. From its beginning, a connection
 * belongs to the worker whose process has connected; a stranger costs an accept() and nothing more. A line
 * that is malformed, too long, or not a worker's to say ends the connection, and so does not reading. The
 * protocol is in xenrecon-worker(7).
 *
 * One thread, the loop's. Connections belong to the socket; a pointer to one is good until `lost` or
 * worker_socket_hang_up(). No callback is called from inside a call. In callbacks, `whose` is what cfg.whose
 * has returned for the process. */
#ifndef XENRECON_WORKER_SOCKET_H
#define XENRECON_WORKER_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "schemas/message.h"

struct uv_loop_s;
struct worker_socket;
struct worker_connection;

enum { SOCKET_SILENT_MAX = 4 /* so many connections of one worker may be without `hello` */ };

struct worker_socket_config {
    struct uv_loop_s *loop;
    uint32_t hello_within; /* milliseconds */
    void *arg;             /* for all callbacks */
    /* Whose worker this process of this user is; NULL: a stranger. */
    void *(*whose)(void *arg, pid_t pid, uid_t uid);
    /* A connection's first line. Returns NULL: it is welcome, and `c` is good from now on; or why not. */
    const char *(*hello)(void *arg, void *whose, struct worker_connection *c, const struct message *m);
    /* Any later line. Returns NULL; or what is wrong with it, and the connection is lost. */
    const char *(*message)(void *arg, void *whose, const struct message *m);
    /* A connection that was welcome is gone. `wrong`: NULL, the worker left; or what it did, a phrase such as
     * "said something that is too long". */
    void (*lost)(void *arg, void *whose, const char *wrong);
};

/* Takes over a listening socket. */
struct worker_socket *worker_socket_new(const struct worker_socket_config *config, int listening);

/* Listens on another socket instead, which is taken over; connections stay. */
void worker_socket_listen(struct worker_socket *s, int listening);

/* Closes all; those that were welcome were closed before or are not used any more. Freed when the loop has
 * turned. */
void worker_socket_close(struct worker_socket *s);

/* Closes all connections of a worker. */
void worker_socket_forget(struct worker_socket *s, const void *whose);

/* Ends the line, and sends it. -EMSGSIZE: it is too long. -EPIPE: the worker does not read, and the
 * connection will be lost. */
int worker_socket_send(struct worker_connection *c, struct message_line *line);

void worker_socket_hang_up(struct worker_connection *c);

#endif
