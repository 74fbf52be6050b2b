/* SPDX-License-Identifier: MIT */
/* The store for one-shot commands, which wait for it: requests are sent, and answers awaited, in
 * xs_blocking_step() or xs_blocking_run(). Nothing else waits, and no completion runs from inside the
 * request. A store that answers nothing is given up after twice the deadline of xs_link.h, which is logged.
 *
 * One thread. Owns the connection. Errors are negative errno. */
#ifndef XENRECON_XS_BLOCKING_H
#define XENRECON_XS_BLOCKING_H

#include "controller/store/store.h"

struct xs_blocking;

int xs_blocking_open(struct xs_blocking **ret_blocking);
/* Outstanding requests are answered with -ECANCELED before this returns. Not from inside a completion. */
void xs_blocking_close(struct xs_blocking *b);
struct store *xs_blocking_store(struct xs_blocking *b);

/* Sends what waits, and delivers what has come; waits a while if something is outstanding. False: there was
 * nothing to do. */
bool xs_blocking_step(struct xs_blocking *b);
/* Steps until *done is set: 0. -EDEADLK: no request is left that could set it. */
int xs_blocking_run(struct xs_blocking *b, const bool *done);

#endif
