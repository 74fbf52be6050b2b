/* SPDX-License-Identifier: MIT */
#include "controller/store/xs_blocking.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#include "controller/store/xs_requests.h"
#include "schemas/mem.h"

struct xs_blocking {
    struct store store;
    struct xs_handle *handle;
    bool lost, watching;
    struct xs_requests requests; /* only the queues of it are used */
};

/* The answer to a request; the caller frees its data. */
struct xs_outcome {
    int status;
    char *data;
    size_t len;
};

/* A request's strings. Bodies come from our own code, but may be incomplete all the same. */
struct body {
    const char *first, *second; /* NULL: missing */
    size_t second_len;
};

static struct body body_split(const struct xs_request *r)
{
    struct body b = {0};
    const char *nul = r->len ? memchr(r->body, '\0', r->len) : NULL;

    if (!nul)
        return b;
    b.first = r->body;
    b.second_len = (size_t)(r->body + r->len - (nul + 1));
    b.second = nul + 1;
    return b;
}

/* As the store sends a text: its NUL counts, and there is another behind it. */
static struct xs_outcome text(const char *s)
{
    struct xs_outcome o = {.len = strlen(s) + 1};
    o.data = xcalloc(1, o.len + 1);
    memcpy(o.data, s, o.len);
    return o;
}

static struct xs_outcome failed(int e)
{
    return (struct xs_outcome){.status = e > 0 ? -e : -EIO};
}

static struct xs_outcome truth(bool ok)
{
    return ok ? text("OK") : failed(errno);
}

static struct xs_outcome do_read(struct xs_handle *h, uint32_t tx, const char *path)
{
    unsigned len;
    char *value = xs_read(h, tx, path, &len); /* with a NUL behind len */
    return value ? (struct xs_outcome){.data = value, .len = len} : failed(errno);
}

static struct xs_outcome do_directory(struct xs_handle *h, uint32_t tx, const char *path)
{
    struct xs_outcome o = {0};
    size_t cap = 0;
    unsigned n;
    char **names = xs_directory(h, tx, path, &n);

    if (!names)
        return failed(errno);
    xgrow(&o.data, &cap, 1, 1);
    for (unsigned i = 0; i < n; i++) {
        size_t len = strlen(names[i]) + 1;
        xgrow(&o.data, &cap, o.len + len + 1, 1);
        memcpy(o.data + o.len, names[i], len);
        o.len += len;
    }
    o.data[o.len] = '\0';
    free(names);
    return o;
}

static struct xs_outcome do_begin(struct xs_handle *h)
{
    char id[16];
    xs_transaction_t tx = xs_transaction_start(h);
    if (tx == XBT_NULL)
        return failed(errno);
    snprintf(id, sizeof id, "%u", (unsigned)tx);
    return text(id);
}

static struct xs_outcome do_is_introduced(struct xs_handle *h, const char *domid)
{
    errno = 0; /* errno alone tells "no" from "could not ask" */
    bool is = xs_is_domain_introduced(h, (unsigned)strtoul(domid, NULL, 10));
    if (!is && errno)
        return failed(errno);
    return text(is ? "T" : "F");
}

static bool wants_second(enum xsd_sockmsg_type type)
{
    return type == XS_WATCH || type == XS_UNWATCH;
}

static struct xs_outcome perform(struct xs_blocking *b, const struct xs_request *r)
{
    struct xs_handle *h = b->handle;
    struct body body = body_split(r);

    if (r->len > XENSTORE_PAYLOAD_MAX)
        return failed(E2BIG);
    if (!body.first || (wants_second(r->type) && (!body.second_len || body.second[body.second_len - 1])))
        return failed(EINVAL);
    if (r->type == XS_READ)
        return do_read(h, r->tx, body.first);
    if (r->type == XS_DIRECTORY)
        return do_directory(h, r->tx, body.first);
    if (r->type == XS_WRITE)
        return truth(xs_write(h, r->tx, body.first, body.second, (unsigned)body.second_len));
    if (r->type == XS_MKDIR)
        return truth(xs_mkdir(h, r->tx, body.first));
    if (r->type == XS_RM)
        return truth(xs_rm(h, r->tx, body.first));
    if (r->type == XS_WATCH) {
        struct xs_outcome o = truth(xs_watch(h, body.first, body.second));
        b->watching |= !o.status;
        return o;
    }
    if (r->type == XS_UNWATCH)
        return truth(xs_unwatch(h, body.first, body.second));
    if (r->type == XS_TRANSACTION_START)
        return do_begin(h);
    if (r->type == XS_TRANSACTION_END)
        return truth(xs_transaction_end(h, r->tx, body.first[0] != 'T'));
    if (r->type == XS_IS_DOMAIN_INTRODUCED)
        return do_is_introduced(h, body.first);
    return failed(ENOSYS);
}

/* libxenstore closes its descriptor when the store is lost; the store itself never answers with these errors.
 */
static bool is_loss(int status)
{
    return status == -EPIPE || status == -EBADF || status == -ECONNRESET;
}

static void lose(struct xs_blocking *b, const struct xs_request *r, int status)
{
    b->lost = true;
    xs_requests_fail(&b->requests, r->done, r->arg, -ECONNRESET);
    xs_requests_fail_all(&b->requests, -ECONNRESET);
    xs_requests_settle(&b->requests, xs_requests_failed(&b->requests));
    if (b->store.lost)
        b->store.lost(b->store.arg, strerror(-status));
}

static bool deliver_event(struct xs_blocking *b)
{
    char **v = b->watching && !b->lost ? xs_check_watch(b->handle) : NULL;
    if (!v)
        return false;
    if (b->store.event)
        b->store.event(b->store.arg, v[XS_WATCH_PATH], v[XS_WATCH_TOKEN]);
    free(v);
    return true;
}

bool xs_blocking_step(struct xs_blocking *b)
{
    struct xs_request *r = xs_requests_next(&b->requests);
    bool worked = r || b->requests.failed.head;

    if (r) {
        struct xs_outcome o = perform(b, r);
        if (is_loss(o.status))
            lose(b, r, o.status);
        else
            r->done(r->arg, o.status, o.status ? NULL : o.data, o.len);
        free(o.data);
        free(r);
    }
    xs_requests_settle(&b->requests, xs_requests_failed(&b->requests));
    return deliver_event(b) || worked;
}

int xs_blocking_run(struct xs_blocking *b, const bool *done)
{
    while (!*done)
        if (!xs_blocking_step(b))
            return -EDEADLK;
    return 0;
}

static void blocking_request(struct store *s, enum xsd_sockmsg_type type, uint32_t tx, const void *body,
                             size_t len, store_reply_fn *done, void *arg)
{
    struct xs_blocking *b = (struct xs_blocking *)s;
    if (b->lost)
        xs_requests_fail(&b->requests, done, arg, -ECONNRESET);
    else
        xs_requests_wait(&b->requests, type, tx, body, len, done, arg);
}

static const struct store_ops blocking_ops = {.request = blocking_request};

int xs_blocking_open(struct xs_blocking **ret_blocking)
{
    struct xs_handle *handle = xs_open(0);
    if (!handle)
        return errno ? -errno : -EIO;
    struct xs_blocking *b = xcalloc(1, sizeof *b);
    b->store.ops = &blocking_ops;
    b->handle = handle;
    xs_requests_init(&b->requests);
    *ret_blocking = b;
    return 0;
}

void xs_blocking_close(struct xs_blocking *b)
{
    if (!b)
        return;
    b->lost = true;
    xs_requests_fail_all(&b->requests, -ECANCELED);
    xs_requests_settle(&b->requests, SIZE_MAX);
    xs_close(b->handle);
    free(b);
}

struct store *xs_blocking_store(struct xs_blocking *b)
{
    return &b->store;
}
