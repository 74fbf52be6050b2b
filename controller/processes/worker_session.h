/* SPDX-License-Identifier: MIT */
/* The conversation with a worker: its messages, and ours to it.
 *
 * One thread, the loop's. A worker that breaks the protocol loses its connection, and is killed when that
 * happens too often. */
#ifndef XENRECON_WORKER_SESSION_H
#define XENRECON_WORKER_SESSION_H

#include "controller/processes/supervised.h"

struct worker_socket *session_new(struct workers *w, int listening);
void session_hang_up(struct supervised *s); /* closes its connection; the caller sets the state */
/* Tells a READY one to connect, a CONNECTING or CONNECTED one to disconnect; others nothing. */
void session_connect(struct supervised *s, uint64_t ring, const struct published *keys, size_t n_keys);
void session_disconnect(struct supervised *s);

#endif
