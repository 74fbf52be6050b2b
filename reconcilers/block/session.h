/* SPDX-License-Identifier: MIT */
/* What the controller wants of this disk, and how it is told how the disk stands: turns the messages of
 * xenrecon-worker(7) into calls of serve.h, and back.
 *
 * On the loop's thread. Owns the link and the serving of the ring. */
#ifndef XENRECON_BLOCK_SESSION_H
#define XENRECON_BLOCK_SESSION_H

#include <stdbool.h>

struct uv_loop_s;
struct disk;
struct engine;
struct guest;
struct journal;
struct session;

struct session_config {
    struct uv_loop_s *loop;
    struct disk *disk; /* NULL with `failure` */
    struct engine *engine;
    struct guest *guest; /* likewise */
    struct journal *journal;
    const char
        *failure; /* why nothing can be served: told to the controller, then it is over. NULL: all is well */
    const char *device, *token;
    void (*finished)(void *arg,
                     bool well); /* the process should end: it was told to (well), or cannot go on */
    void *arg;
};

struct session *session_new(const struct session_config *config);
void session_begin(struct session *w,
                   const char *socket_path); /* speaks with the controller; kept, not copied */
void session_stop(struct session *w);        /* finished() when what is under way is answered */
/* Says why nothing more can be served, and finishes; what is under way is done again by the next worker. */
void session_give_up(struct session *w, const char *text);
void session_look_at_size(struct session *w);
void session_free(struct session *w); /* gone when the loop has turned */

#endif
