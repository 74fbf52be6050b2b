/* SPDX-License-Identifier: MIT */
/* The daemon's client of the store: asynchronous, on a libuv loop, one connection for requests and watches.
 *
 * Responsible for: pipelining (requests made in one turn of the loop go out in one write, up to
 * XS_CLIENT_IN_FLIGHT at once, the others in order), noticing loss at once, pacing, and the time for the
 * deadlines of xs_link.h. Not for reconnecting: after `lost`, or in it, the user may call xs_client_connect()
 * again; watches are gone then.
 *
 * Speaks to xenstored's socket, and to /dev/xen/xenbus, which wants one whole message per write(2), and the
 * next one not before the answer: Linux keeps one message for each open file, and passes it on later (tried
 * on 6.1: with more in flight the store gets one request's length with another's text). There the kernel
 * itself handles XS_WATCH and waits for the store meanwhile.
 *
 * Everything runs on the loop's thread. The client owns its handles, its descriptor and copies of the
 * requests. Nothing runs while nothing is outstanding, no timer either. Errors are negative errno.
 * Completions, events and `lost` are called from the loop (and at close), never from a request; they may make
 * requests and may close the client. */
#ifndef XENRECON_XS_CLIENT_H
#define XENRECON_XS_CLIENT_H

#include <uv.h>

#include "controller/store/store.h"
#include "controller/store/xs_link.h"

enum { XS_CLIENT_IN_FLIGHT = 128 };

struct xs_client;

/* Makes a client that is not connected. path NULL: store_path_default(), which is asked at every connect. */
struct xs_client *xs_client_new(uv_loop_t *loop, const char *path);
/* Makes one on a connected descriptor, which it takes over; for tests. It cannot be connected a second time.
 */
struct xs_client *xs_client_new_fd(uv_loop_t *loop, int fd, bool one_message_per_write);

struct store *xs_client_store(struct xs_client *c);

/* Does not block. -EISCONN: it is connected; otherwise errors as of open(2) and connect(2). Requests without
 * a connection are answered with -ECONNRESET. */
int xs_client_connect(struct xs_client *c);

/* Outstanding requests are answered with -ECANCELED before this returns, and so are those that completions
 * make meanwhile: they must not try again. Nothing is answered after it, and `lost` is not called. The client
 * is freed on the loop; then `closed` is called, unless it is NULL. */
void xs_client_close(struct xs_client *c, void (*closed)(void *arg), void *arg);

const struct xs_counters *xs_client_counters(const struct xs_client *c);
const struct store_abilities *xs_client_abilities(const struct xs_client *c);
/* For how many milliseconds something is outstanding and nothing was answered; 0: for less than a deadline.
 */
uint64_t xs_client_silent(const struct xs_client *c);

/* Another deadline than XS_LINK_DEADLINE, in milliseconds; for tests. */
void xs_client_set_deadline(struct xs_client *c, unsigned deadline);

#endif
