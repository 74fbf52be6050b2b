/* SPDX-License-Identifier: MIT */
#include "controller/observe/leaks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/device.h"
#include "schemas/mem.h"
#include "schemas/value.h"
#include "schemas/xenbus.h"

/* A guest can make as many frontends as its quota lets it: of each guest so many are told one by one. */
enum { DANGLING_MAX = 16 };

struct leak {
    enum finding_code code;
    enum severity severity;
    const char *message;
};

struct leaks {
    struct leaks_request req;
    struct arena arena;
    bool alive[DOMID_MAX + 1]; /* whether a domain has a directory */
    bool domains_known;
    struct dangling {
        unsigned n;                  /* frontends without a backend */
        enum severity worst_of_rest; /* of those beyond DANGLING_MAX */
    } dangling[DOMID_MAX + 1];       /* by the frontend's domain */
    struct leak *list;
    size_t n, cap;
    unsigned pending;
};

/* What a directory is, which says what the names in it are. */
enum leaks_level {
    DOMAINS,        /* /local/domain */
    BACKENDS,       /* .../backend */
    BACKEND_TYPES,  /* .../backend/<type> */
    BACKEND_GUESTS, /* .../backend/<type>/<domid> */
    FRONTENDS,      /* .../device */
    FRONTEND_TYPES, /* .../device/<type> */
};

struct step {
    struct leaks *l;
    enum leaks_level level;
    uint16_t domid; /* the domain that the directory is named after, or belongs to */
    const char *path;
    const char *backend; /* the backend that the frontend names */
};

static struct step *step(struct leaks *l, enum leaks_level level, uint16_t domid, const char *path)
{
    struct step *s = arena_alloc(&l->arena, sizeof *s);
    *s = (struct step){.l = l, .level = level, .domid = domid, .path = path};
    l->pending++;
    return s;
}

static void leak(struct leaks *l, enum finding_code code, enum severity severity, const char *message)
{
    xgrow(&l->list, &l->cap, l->n + 1, sizeof *l->list);
    l->list[l->n++] = (struct leak){code, severity, message};
}

static int by_message(const void *a, const void *b)
{
    const struct leak *x = a, *y = b;
    return x->code == y->code ? strcmp(x->message, y->message) : (int)x->code - (int)y->code;
}

/* Those of a guest that are not told one by one. */
static void tell_rest(struct leaks *l)
{
    for (unsigned domid = 0; domid <= DOMID_MAX; domid++) {
        const struct dangling *d = &l->dangling[domid];
        if (d->n > DANGLING_MAX)
            leak(l, FINDING_DANGLING_FRONTEND, d->worst_of_rest,
                 arena_printf(&l->arena, "domain %u has %u more frontends whose backends are not there",
                              domid, d->n - DANGLING_MAX));
    }
}

static void answered(struct leaks *l)
{
    if (--l->pending)
        return;
    tell_rest(l);
    if (l->n)
        qsort(l->list, l->n, sizeof *l->list, by_message);
    for (size_t i = 0; i < l->n; i++)
        plan_add_finding(l->req.host, l->list[i].code, l->list[i].severity, "%s", l->list[i].message);
    struct leaks_request req = l->req;
    arena_free(&l->arena);
    free(l->list);
    free(l);
    req.done(req.arg);
}

/* ---- frontends ---- */

/* A frontend that is Closed is no leak: a toolstack removes it a moment after the backend. */
static void on_state(void *arg, int status, const char *data, size_t len)
{
    struct step *s = arg;
    enum xenbus_state state;
    bool active = status == 0 && !xenbus_state_parse(data, len, &state) && state >= XENBUS_INIT_WAIT &&
                  state <= XENBUS_CLOSING;
    enum severity severity = active ? SEVERITY_WARNING : SEVERITY_INFO;
    struct dangling *d = &s->l->dangling[s->domid];
    if (++d->n <= DANGLING_MAX)
        leak(s->l, FINDING_DANGLING_FRONTEND, severity,
             arena_printf(&s->l->arena, "%s names the backend %s, which is not there", s->path, s->backend));
    else if (severity > d->worst_of_rest)
        d->worst_of_rest = severity;
    answered(s->l);
}

static void on_backend(void *arg, int status, const char *data, size_t len)
{
    struct step *s = arg;
    struct leaks *l = s->l;
    (void)data;
    (void)len;
    if (status == -ENOENT) {
        l->pending++;
        store_read(l->req.store, 0, arena_printf(&l->arena, "%s/state", s->path), on_state, s);
    }
    answered(l);
}

/* A guest can write this. So it is followed only into a backend tree that is looked at, and only to a device.
 */
static void on_backend_key(void *arg, int status, const char *data, size_t len)
{
    struct step *s = arg;
    struct leaks *l = s->l;
    struct device_key key;
    const char *rest;
    char prefix[32];
    uint64_t owner;
    int n = snprintf(prefix, sizeof prefix, "/local/domain/");
    size_t digits = status == 0 && len > (size_t)n ? strcspn(data + n, "/") : 0;
    if (status == 0 && memchr(data, '\0', len) == NULL && strncmp(data, prefix, (size_t)n) == 0 &&
        parse_decimal(data + n, digits, DOMID_MAX, &owner) == 0 &&
        (l->req.everywhere || owner == l->req.backend_domid) &&
        device_locate((uint16_t)owner, data, &key, &rest) == BACKEND_DEVICE) {
        s->backend = arena_strndup(&l->arena, data, len);
        l->pending++;
        store_read(l->req.store, 0, data, on_backend, s);
    }
    answered(l);
}

/* ---- directories ---- */

static void descend(struct leaks *l, enum leaks_level level, uint16_t domid, const char *path);

static void on_name(struct step *s, const char *name)
{
    struct leaks *l = s->l;
    uint64_t domid = s->domid;
    if (!device_name_valid(name, strlen(name)))
        return;
    const char *path = arena_printf(&l->arena, "%s/%s", s->path, name);
    bool numbered = s->level == DOMAINS || s->level == BACKEND_TYPES;
    if (numbered && parse_decimal(name, strlen(name), DOMID_MAX, &domid))
        return;
    switch (s->level) {
    case DOMAINS:
        l->alive[domid] = true;
        if (l->req.everywhere || domid == l->req.backend_domid)
            descend(l, BACKENDS, (uint16_t)domid, arena_printf(&l->arena, "%s/backend", path));
        descend(l, FRONTENDS, (uint16_t)domid, arena_printf(&l->arena, "%s/device", path));
        break;
    case BACKENDS:
        descend(l, BACKEND_TYPES, s->domid, path);
        break;
    case BACKEND_TYPES:
        descend(l, BACKEND_GUESTS, (uint16_t)domid, path);
        break;
    case BACKEND_GUESTS: /* these are devices, not leaks */
        break;
    case FRONTENDS:
        descend(l, FRONTEND_TYPES, s->domid, path);
        break;
    case FRONTEND_TYPES:
        store_read(l->req.store, 0, arena_printf(&l->arena, "%s/backend", path), on_backend_key,
                   step(l, FRONTEND_TYPES, s->domid, path));
        break;
    }
}

static void empty(struct step *s)
{
    struct leaks *l = s->l;
    bool orphan = s->level == BACKEND_GUESTS && l->domains_known && !l->alive[s->domid];
    if (orphan)
        leak(l, FINDING_LEAK, SEVERITY_WARNING,
             arena_printf(&l->arena, "%s is empty, and domain %u is gone", s->path, s->domid));
    else if (s->level == BACKEND_GUESTS || s->level == BACKEND_TYPES)
        leak(l, FINDING_LEAK, SEVERITY_INFO, arena_printf(&l->arena, "%s is empty", s->path));
}

static void on_names(void *arg, int status, const char *data, size_t len)
{
    struct step *s = arg;
    struct leaks *l = s->l;
    if (s->level == DOMAINS && status) /* a driver domain may not list them: its own tree is left */
        descend(l, BACKENDS, l->req.backend_domid,
                arena_printf(&l->arena, "/local/domain/%u/backend", l->req.backend_domid));
    l->domains_known |= s->level == DOMAINS && !status && !l->req.some_domains;
    if (status == 0 && len == 0)
        empty(s);
    for (size_t at = 0; status == 0 && at < len; at += strlen(data + at) + 1)
        on_name(s, data + at);
    answered(l);
}

static void descend(struct leaks *l, enum leaks_level level, uint16_t domid, const char *path)
{
    store_directory(l->req.store, 0, path, on_names, step(l, level, domid, path));
}

void leaks_find(const struct leaks_request *request)
{
    struct leaks *l = xcalloc(1, sizeof *l);
    l->req = *request;
    descend(l, DOMAINS, 0, "/local/domain");
}
