/* SPDX-License-Identifier: MIT */
/* A worker's end of the conversation with the controller, as xenrecon-worker(7) has it: says hello, and when
 * the connection is lost, comes back for as long as it takes; the guest is served meanwhile.
 *
 * On the loop's thread. Owns the socket. A controller that does not read what it is told is taken for lost:
 * whatever it missed is said again after the next welcome. */
#ifndef XENRECON_BLOCK_LINK_H
#define XENRECON_BLOCK_LINK_H

#include "schemas/message.h"

struct uv_loop_s;
struct link;

struct link_config {
    struct uv_loop_s *loop;
    const char *path;   /* of the socket, as it is seen when the loop runs */
    const char *device; /* qdisk/7/51712 */
    const char *token;  /* 32 hex digits */
    /* All that comes, from `welcome` on. What it points to is gone when it returns. */
    void (*message)(void *arg, const struct message *m);
    void *arg;
};

/* The strings are kept, not copied. Connects when the loop runs. */
struct link *link_new(const struct link_config *config);
/* What was sent still arrives. Gone when the loop has turned. */
void link_free(struct link *l);

/* A finished message; not delivered when the controller is not there. */
void link_send(struct link *l, struct message_line *m);

/* For the handler of a signal that ends the process: has the controller hear `error` with this text, on a
 * connection of its own, as the link's may be in any state or not there yet. Comes back when it was heard, or
 * nobody listens. */
void link_last_words(const char *text);

#endif
