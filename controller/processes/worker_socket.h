/* SPDX-License-Identifier: MIT */
/* The workers' socket: who may connect, and lines in and out. A connection belongs to whom its process
 * belongs to, from its beginning; strangers cost an accept() and nothing more. What is malformed, too long,
 * too slow to be read, or not a worker's to say ends the connection. The protocol is in xenrecon-worker(7).
 *
 * One thread, the loop's. Connections belong to the links; a pointer to one is good until `lost` or
 * worker_link_close(). No callback is called from inside a call. */
#ifndef XENRECON_WORKER_LINK_H
#define XENRECON_WORKER_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "schemas/message.h"

struct uv_loop_s;
struct worker_links;
struct worker_link;

enum { LINKS_SILENT_MAX = 4 /* connections of one worker that have not said hello */ };

struct worker_links_config {
    struct uv_loop_s *loop;
    uint32_t hello_within; /* milliseconds */
    void *arg;             /* for all of these */
    /* Whose process that is, of that user; NULL: a stranger's. */
    void *(*whose)(void *arg, pid_t pid, uid_t uid);
    /* NULL: welcome, and `link` is good from now on; or why not. */
    const char *(*hello)(void *arg, void *whose, struct worker_link *link, const struct message *m);
    /* One that was welcome says something else. NULL; or what is wrong with it: the link is lost. */
    const char *(*message)(void *arg, void *whose, const struct message *m);
    /* One that was welcome is gone. NULL: it left; or what it did, a phrase such as "said something
     * that is too long". */
    void (*lost)(void *arg, void *whose, const char *wrong);
};

/* Takes over a listening socket. */
struct worker_links *worker_links_new(const struct worker_links_config *config, int listening);

/* Whoever was welcome was closed before, or is not used any more. Gone when the loop has turned. */
void worker_links_close(struct worker_links *links);

/* Closes whatever connections they have. */
void worker_links_forget(struct worker_links *links, const void *whose);

/* Ends the line, and sends it. -EMSGSIZE: it is too long; -EPIPE: nobody reads it, and the link will be
 * lost. */
int worker_link_send(struct worker_link *link, struct message_line *line);

void worker_link_close(struct worker_link *link);

#endif
