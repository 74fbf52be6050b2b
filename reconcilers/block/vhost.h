/* SPDX-License-Identifier: MIT */
/* The engine of a disk that another process keeps, one that knows images of all formats: requests go to it
 * by a virtio ring in shared memory, in which the data lies, too (vhost_user.h has how they meet).
 *
 * What it answers is checked. When it is gone, or answers what cannot be, nothing more is done: requests that
 * are under way stay so, and the next worker does them again. Owns socket, memory and events. On the loop's
 * thread. */
#ifndef XENRECON_BLOCK_VHOST_H
#define XENRECON_BLOCK_VHOST_H

struct uv_loop_s;
struct engine;
struct io;
struct vhost;
struct vhost_user_disk;

struct vhost_config {
    struct uv_loop_s *loop;
    /* Never from inside a call. */
    void (*gone)(void *arg, const char *why);
    void *arg;
};

/* Takes the socket over. Waits for the other side, so it is for before there is a loop. */
int vhost_open(int socket, struct vhost **ret_vhost, struct vhost_user_disk *ret_disk, char ret_why[256]);
/* One request, for as long as it takes; before vhost_begin(). `arg` is the vhost. */
int vhost_do_now(void *arg, struct io *io);
void vhost_begin(struct vhost *v, const struct vhost_config *config);
void vhost_close(struct vhost *v); /* NULL is fine; gone when the loop has turned */

struct engine *vhost_engine(struct vhost *v);

#endif
