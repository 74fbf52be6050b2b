/* SPDX-License-Identifier: MIT */
#include "controller/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/mem.h"

enum {
    DIRECTORY_MAX = 16 << 20, /* bytes of names: more than any store that could be served has */
    DIRECTORY_RESTARTS = 16,
    GENERATION_SIZE = 24, /* holds a decimal of 64 bits */
};

/* Sends two strings, the first with its NUL. */
static void request_pair(struct store *s, enum xsd_sockmsg_type type, uint32_t tx, const char *first,
                         const char *second, size_t second_len, store_reply_fn *done, void *arg)
{
    char small[512];
    size_t first_len = strlen(first) + 1, len = first_len + second_len;
    char *body = len <= sizeof small ? small : xcalloc(1, len);

    memcpy(body, first, first_len);
    memcpy(body + first_len, second, second_len);
    s->ops->request(s, type, tx, body, len, done, arg);
    if (body != small)
        free(body);
}

static void request_string(struct store *s, enum xsd_sockmsg_type type, uint32_t tx, const char *body,
                           store_reply_fn *done, void *arg)
{
    s->ops->request(s, type, tx, body, strlen(body) + 1, done, arg);
}

void store_read(struct store *s, uint32_t tx, const char *path, store_reply_fn *done, void *arg)
{
    request_string(s, XS_READ, tx, path, done, arg);
}

void store_write(struct store *s, uint32_t tx, const char *path, const char *value, store_reply_fn *done,
                 void *arg)
{
    request_pair(s, XS_WRITE, tx, path, value, strlen(value), done, arg);
}

void store_remove(struct store *s, uint32_t tx, const char *path, store_reply_fn *done, void *arg)
{
    request_string(s, XS_RM, tx, path, done, arg);
}

void store_watch(struct store *s, const char *path, const char *token, store_reply_fn *done, void *arg)
{
    request_pair(s, XS_WATCH, 0, path, token, strlen(token) + 1, done, arg);
}

void store_unwatch(struct store *s, const char *path, const char *token, store_reply_fn *done, void *arg)
{
    request_pair(s, XS_UNWATCH, 0, path, token, strlen(token) + 1, done, arg);
}

void store_begin(struct store *s, store_reply_fn *done, void *arg)
{
    request_string(s, XS_TRANSACTION_START, 0, "", done, arg);
}

void store_end(struct store *s, uint32_t tx, bool commit, store_reply_fn *done, void *arg)
{
    request_string(s, XS_TRANSACTION_END, tx, commit ? "T" : "F", done, arg);
}

void store_is_introduced(struct store *s, uint16_t domid, store_reply_fn *done, void *arg)
{
    char body[8];
    snprintf(body, sizeof body, "%u", (unsigned)domid);
    request_string(s, XS_IS_DOMAIN_INTRODUCED, 0, body, done, arg);
}

/* A directory that is being read. One that does not fit into a message is answered with E2BIG. Then it is
 * read in parts, each with the node's generation, which tells whether the parts belong together. */
struct directory {
    struct store *store;
    uint32_t tx;
    store_reply_fn *done;
    void *arg;
    char *names;
    size_t len, cap;
    unsigned restarts;
    char generation[GENERATION_SIZE]; /* the first part's; empty before that */
    char path[];
};

static void directory_finish(struct directory *d, int status, const char *data, size_t len)
{
    char *names = d->names;
    store_reply_fn *done = d->done;
    void *arg = d->arg;

    free(d);
    done(arg, status, status ? NULL : data, status ? 0 : len);
    free(names);
}

static void on_part(void *arg, int status, const char *data, size_t len);

static void directory_ask(struct directory *d)
{
    char offset[24];
    int n = snprintf(offset, sizeof offset, "%zu", d->len);
    request_pair(d->store, XS_DIRECTORY_PART, d->tx, d->path, offset, (size_t)n + 1, on_part, d);
}

/* *ret_len: how many bytes of whole names there are. An empty name may only be the last: it ends the list
 * (*ret_end), and is not counted. */
static int part_names(const char *names, size_t len, size_t *ret_len, bool *ret_end)
{
    size_t at = 0;
    while (at < len) {
        const char *nul = memchr(names + at, '\0', len - at);
        if (!nul)
            return -EPROTO;
        size_t name = (size_t)(nul - names) - at;
        if (name == 0 && at + 1 != len)
            return -EPROTO;
        if (name == 0) {
            *ret_len = at;
            *ret_end = true;
            return 0;
        }
        at += name + 1;
    }
    if (len == 0) /* it has neither a name nor the end: it would be asked for without end */
        return -EPROTO;
    *ret_len = len;
    *ret_end = false;
    return 0;
}

/* 0: the part was added. 1: the directory has changed, and must be read again. */
static int directory_add(struct directory *d, const char *data, size_t len, bool *ret_end)
{
    const char *nul = memchr(data, '\0', len);
    size_t n, generation = nul ? (size_t)(nul - data) + 1 : 0;

    if (generation < 2 || generation > sizeof d->generation)
        return -EPROTO;
    if (d->len > 0 && strcmp(d->generation, data) != 0)
        return 1;
    int err = part_names(data + generation, len - generation, &n, ret_end);
    if (err)
        return err;
    if (d->len + n > DIRECTORY_MAX)
        return -E2BIG;
    memcpy(d->generation, data, generation);
    xgrow(&d->names, &d->cap, d->len + n + 1, 1);
    memcpy(d->names + d->len, data + generation, n);
    d->len += n;
    d->names[d->len] = '\0';
    return 0;
}

static void on_part(void *arg, int status, const char *data, size_t len)
{
    struct directory *d = arg;
    bool end = false, first = !*d->generation;

    if (first && status != -ENOENT)
        store_judge(&d->store->abilities, ABILITY_PARTS, status);
    if (first && status && store_lacks(&d->store->abilities, ABILITY_PARTS))
        status = -E2BIG;
    int err = status ? status : directory_add(d, data, len, &end);
    if (err == 1) {
        d->len = 0;
        err = ++d->restarts > DIRECTORY_RESTARTS ? -EAGAIN : 0;
    }
    if (err || end)
        directory_finish(d, err, d->names, d->len);
    else
        directory_ask(d);
}

static void on_directory(void *arg, int status, const char *data, size_t len)
{
    struct directory *d = arg;
    if (status == -E2BIG && !store_lacks(&d->store->abilities, ABILITY_PARTS))
        directory_ask(d);
    else
        directory_finish(d, status, data, len);
}

void store_directory(struct store *s, uint32_t tx, const char *path, store_reply_fn *done, void *arg)
{
    size_t size = strlen(path) + 1;
    struct directory *d = xcalloc(1, sizeof *d + size);

    d->store = s;
    d->tx = tx;
    d->done = done;
    d->arg = arg;
    memcpy(d->path, path, size);
    request_string(s, XS_DIRECTORY, tx, path, on_directory, d);
}
