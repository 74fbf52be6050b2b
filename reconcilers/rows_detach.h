/* SPDX-License-Identifier: MIT */
/* Rows of the handshake table about the end of a device: detached, or closed by the toolstack. They are read
 * like those in rows_handshake.c, and stand in its table. */
#ifndef XENRECON_ROWS_DETACH_H
#define XENRECON_ROWS_DETACH_H

#include "reconcilers/situation.h"

bool destroy(const struct situation *s);
bool closing_down(const struct situation *s); /* row close-wait, and a part of close-idle */
bool close_idle(const struct situation *s);
bool toolstack_closed(const struct situation *s);
bool toolstack_close(const struct situation *s);
enum outcome on_destroy(struct situation *s);
enum outcome on_close_wait(struct situation *s);
enum outcome on_close_idle(struct situation *s);
enum outcome on_toolstack_closed(struct situation *s);
enum outcome on_toolstack_close(struct situation *s);

#endif
