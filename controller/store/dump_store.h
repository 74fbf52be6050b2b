/* SPDX-License-Identifier: MIT */
/* A dump as a store that can be read: XS_READ and XS_DIRECTORY are answered from it, with -ENOENT for keys
 * that were not there and -EIO for those that cannot be known (never -EACCES: below F, that would mean "not
 * there" to a driver domain). Requests that would change a store are answered with -EROFS, all others with
 * -ENOSYS. Requests are queued; completions run in dump_store_step() and dump_store_run() only.
 *
 * One thread. The dump must live as long as this. */
#ifndef XENRECON_DUMP_STORE_H
#define XENRECON_DUMP_STORE_H

#include "controller/store/store.h"
#include "schemas/dump/dump.h"

struct dump_store;

struct dump_store *dump_store_new(const struct dump *dump);
/* Outstanding requests are answered with -ECANCELED before this returns. NULL is fine. */
void dump_store_free(struct dump_store *s);
struct store *dump_store_store(struct dump_store *s);

/* From now on a directory of which only a part is known is answered with that part, instead of -EIO: for
 * those who look for what is there. One of which nothing is known still has -EIO, so that an empty one is
 * empty. */
void dump_store_take_parts(struct dump_store *s, bool take);

/* Answers the oldest request. False: there was none. */
bool dump_store_step(struct dump_store *s);
/* Steps until *done is set: 0. -EDEADLK: no request is left that could set it. */
int dump_store_run(struct dump_store *s, const bool *done);

/* Lines that were asked for a value which they do not show, because it was cut or damaged. In the order of
 * the requests, up to DUMP_NOTES_MAX of them. */
struct dump_store_miss {
    unsigned line;
    char *path;
};
const struct dump_store_miss *dump_store_misses(const struct dump_store *s, size_t *ret_n);

#endif
