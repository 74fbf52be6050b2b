/* SPDX-License-Identifier: MIT */
/* The store as the engine sees it: requests and completions, never a call that blocks. It is implemented by
 * the daemon's asynchronous client, by a blocking one for one-shot commands, by dumps, and by tests.
 *
 * Rules for an implementation:
 *  - requests are answered in any order, each exactly once, never from inside the call that made them;
 *  - when the store is lost, every outstanding request is answered with -ECONNRESET, then `lost` is called;
 *  - a body is copied during the call; the data handed to a completion is only good until it returns;
 *  - a body longer than XENSTORE_PAYLOAD_MAX is answered with -E2BIG;
 *  - a request that the store does not answer is answered with -ETIMEDOUT: nobody knows whether it was done.
 *
 * One thread. Status is 0 or a negative errno as xenstored named it. */
#ifndef XENRECON_STORE_H
#define XENRECON_STORE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/io/xs_wire.h>

#include "controller/store/store_ability.h"

struct store;

/* There was no answer: the store was lost, or the client was closed. */
static inline bool store_gone(int status)
{
    return status == -ECONNRESET || status == -ECANCELED;
}

/* `data` has a NUL behind its `len` bytes; it is NULL unless `status` is 0. */
typedef void store_reply_fn(void *arg, int status, const char *data, size_t len);

struct store_ops {
    void (*request)(struct store *s, enum xsd_sockmsg_type type, uint32_t tx, const void *body, size_t len,
                    store_reply_fn *done, void *arg);
};

struct store {
    const struct store_ops *ops;
    /* the user of the store sets these */
    void (*event)(void *arg, const char *path, const char *token);
    void (*lost)(void *arg, const char *why);
    void *arg;
    struct store_abilities abilities;
};

/* tx is 0 outside transactions. */
void store_read(struct store *s, uint32_t tx, const char *path, store_reply_fn *done, void *arg);
/* The answer is names, each with its NUL. A directory too long for one message is put together from its
 * parts; -E2BIG: the store cannot do that. */
void store_directory(struct store *s, uint32_t tx, const char *path, store_reply_fn *done, void *arg);
void store_write(struct store *s, uint32_t tx, const char *path, const char *value, store_reply_fn *done,
                 void *arg);
void store_remove(struct store *s, uint32_t tx, const char *path, store_reply_fn *done, void *arg);
void store_watch(struct store *s, const char *path, const char *token, store_reply_fn *done, void *arg);
void store_unwatch(struct store *s, const char *path, const char *token, store_reply_fn *done, void *arg);
/* The reply's data is the transaction's id in decimal. */
void store_begin(struct store *s, store_reply_fn *done, void *arg);
void store_end(struct store *s, uint32_t tx, bool commit, store_reply_fn *done, void *arg);
/* The reply's data is "T" or "F". */
void store_is_introduced(struct store *s, uint16_t domid, store_reply_fn *done, void *arg);

#endif
