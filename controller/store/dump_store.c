/* SPDX-License-Identifier: MIT */
#include "controller/store/dump_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/store/xs_requests.h"
#include "schemas/mem.h"

struct dump_store {
    struct store store;
    const struct dump *dump;
    struct xs_requests requests; /* only the queues of it are used */
    struct dump_store_miss misses[DUMP_NOTES_MAX];
    size_t n_misses;
    bool takes_parts;
};

static void missed(struct dump_store *s, const char *path)
{
    unsigned line = dump_line_of(s->dump, path);
    if (!line || s->n_misses == DUMP_NOTES_MAX)
        return;
    for (size_t i = 0; i < s->n_misses; i++)
        if (s->misses[i].line == line)
            return;
    s->misses[s->n_misses++] = (struct dump_store_miss){line, xstrdup(path)};
}

static int status_of(enum presence presence)
{
    return presence == PRESENT ? 0 : presence == ABSENT ? -ENOENT : -EIO;
}

static void do_read(struct dump_store *s, const struct xs_request *r)
{
    struct value v = dump_lookup(s->dump, r->body);
    if (v.presence == UNREADABLE)
        missed(s, r->body);
    r->done(r->arg, status_of(v.presence), v.presence == PRESENT ? v.text : NULL, v.len);
}

struct names {
    char *data;
    size_t len, cap;
};

static void on_child(void *arg, const char *name)
{
    struct names *n = arg;
    size_t len = strlen(name) + 1;
    xgrow(&n->data, &n->cap, n->len + len + 1, 1);
    memcpy(n->data + n->len, name, len);
    n->len += len;
}

static void do_directory(struct dump_store *s, const struct xs_request *r)
{
    struct names n = {0};
    xgrow(&n.data, &n.cap, 1, 1);
    int status = status_of(dump_children(s->dump, r->body, on_child, &n));
    if (status == -EIO && s->takes_parts) {
        dump_shown_children(s->dump, r->body, on_child, &n);
        status = n.len ? 0 : status;
    }
    n.data[n.len] = '\0';
    r->done(r->arg, status, status ? NULL : n.data, status ? 0 : n.len);
    free(n.data);
}

static bool changes_store(enum xsd_sockmsg_type type)
{
    return type == XS_WRITE || type == XS_MKDIR || type == XS_RM || type == XS_SET_PERMS ||
           type == XS_TRANSACTION_START || type == XS_TRANSACTION_END;
}

bool dump_store_step(struct dump_store *s)
{
    struct xs_request *r = xs_requests_next(&s->requests);
    if (!r)
        return false;
    if (changes_store(r->type))
        r->done(r->arg, -EROFS, NULL, 0);
    else if (r->type != XS_READ && r->type != XS_DIRECTORY)
        r->done(r->arg, -ENOSYS, NULL, 0);
    else if (!r->len || r->body[r->len - 1])
        r->done(r->arg, -EINVAL, NULL, 0);
    else if (r->type == XS_READ)
        do_read(s, r);
    else
        do_directory(s, r);
    free(r);
    return true;
}

int dump_store_run(struct dump_store *s, const bool *done)
{
    while (!*done)
        if (!dump_store_step(s))
            return -EDEADLK;
    return 0;
}

static void dump_request(struct store *store, enum xsd_sockmsg_type type, uint32_t tx, const void *body,
                         size_t len, store_reply_fn *done, void *arg)
{
    struct dump_store *s = (struct dump_store *)store;
    xs_requests_wait(&s->requests, type, tx, body, len, done, arg);
}

static const struct store_ops dump_ops = {.request = dump_request};

struct dump_store *dump_store_new(const struct dump *dump)
{
    struct dump_store *s = xcalloc(1, sizeof *s);
    s->store.ops = &dump_ops;
    s->dump = dump;
    xs_requests_init(&s->requests);
    return s;
}

void dump_store_free(struct dump_store *s)
{
    if (!s)
        return;
    xs_requests_fail_all(&s->requests, -ECANCELED);
    xs_requests_settle(&s->requests, SIZE_MAX);
    for (size_t i = 0; i < s->n_misses; i++)
        free(s->misses[i].path);
    free(s);
}

struct store *dump_store_store(struct dump_store *s)
{
    return &s->store;
}

void dump_store_take_parts(struct dump_store *s, bool take)
{
    s->takes_parts = take;
}

const struct dump_store_miss *dump_store_misses(const struct dump_store *s, size_t *ret_n)
{
    *ret_n = s->n_misses;
    return s->misses;
}
