/* SPDX-License-Identifier: MIT */
/* The store over libxenstore, for one-shot commands: a request is queued, and performed when its turn comes
 * in xs_blocking_step() or xs_blocking_run(), which wait for the store. Nothing else waits, and no completion
 * runs from inside the request. Requests for which libxenstore has no call are answered with -ENOSYS.
 *
 * One thread. Owns the libxenstore handle. Errors are negative errno. */
#ifndef XENRECON_XS_BLOCKING_H
#define XENRECON_XS_BLOCKING_H

#include "controller/store/store.h"

struct xs_blocking;

int xs_blocking_open(struct xs_blocking **ret_blocking);
/* Outstanding requests are answered with -ECANCELED before this returns. Not from inside a completion. */
void xs_blocking_close(struct xs_blocking *b);
struct store *xs_blocking_store(struct xs_blocking *b);

/* Performs the oldest request, and delivers events that have come. False: there was nothing to do. */
bool xs_blocking_step(struct xs_blocking *b);
/* Steps until *done is set: 0. -EDEADLK: no request is left that could set it. */
int xs_blocking_run(struct xs_blocking *b, const bool *done);

#endif
