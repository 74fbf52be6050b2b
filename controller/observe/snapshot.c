/* SPDX-License-Identifier: MIT */
#include "controller/observe/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reconcilers/needs.h"
#include "schemas/mem.h"

enum { KEYS_MAX = 1024 }; /* of one side; what a guest makes up beyond them is not read */

struct snapshot {
    struct snapshot_request req;
    struct arena arena; /* of the requests' contexts */
    struct view *view;
    int step;
    unsigned pending;
    unsigned asked[2];      /* keys, by side */
    unsigned asked_needs;   /* enum need, as bits */
    const char **published; /* keys of B that a worker publishes, to be read */
    size_t n_published;
    bool unchanged;           /* F's state is as it was: the end */
    enum presence null_asked; /* of what makes a device model a null one */
    int error;
};

/* One request: a key to read, a directory to list for a pattern whose remaining components are in `rest`, or
 * something of which only the presence matters. */
struct question {
    struct snapshot *s;
    enum side side;
    const char *name;
    const char *rest;
    enum presence *ret_presence;
};

static void next_step(struct snapshot *s);

static void answered(struct snapshot *s)
{
    if (--s->pending == 0)
        next_step(s);
}

/* What a failed read means. Below F, an unprivileged domain gets EACCES for what is not there: xenstored
 * looks at the closest parent's permissions, and that one is not ours to read. */
static enum presence presence_of(struct snapshot *s, enum side side, int status)
{
    if (status == 0)
        return PRESENT;
    if (status == -ENOENT || (status == -EACCES && side == FRONTEND && s->req.backend_domid != 0))
        return ABSENT;
    if (store_gone(status))
        s->error = status;
    return UNREADABLE;
}

static struct question *question(struct snapshot *s, enum side side, const char *name, const char *rest)
{
    struct question *q = arena_alloc(&s->arena, sizeof *q);
    *q = (struct question){s, side, arena_strdup(&s->arena, name), rest, NULL};
    s->pending++;
    return q;
}

static void on_key(void *arg, int status, const char *data, size_t len)
{
    struct question *q = arg;
    view_add(q->s->view, q->side, q->name, presence_of(q->s, q->side, status), data, len);
    answered(q->s);
}

static void ask(struct snapshot *s, enum side side, const char *name)
{
    struct view *v = s->view;
    if (!v->path[side] || s->asked[side]++ >= KEYS_MAX)
        return;
    store_read(s->req.store, s->req.tx, view_key_path(v, side, name, &s->arena), on_key,
               question(s, side, name, NULL));
}

/* ---- patterns ---- */

static void ask_pattern(struct snapshot *s, enum side side, const char *base, const char *rest);

static void on_names(void *arg, int status, const char *data, size_t len)
{
    struct question *q = arg;
    struct snapshot *s = q->s;
    if (presence_of(s, q->side, status) == UNREADABLE) {
        /* all that could be there, as the policy names it; the directory may be a key of its own */
        const char *all =
            arena_printf(&s->arena, "%s%s*%s%s", q->name, *q->name ? "/" : "", *q->rest ? "/" : "", q->rest);
        view_add(s->view, q->side, all, UNREADABLE, NULL, 0);
    }
    for (size_t at = 0; status == 0 && at < len; at += strlen(data + at) + 1) {
        const char *full = *q->name ? arena_printf(&s->arena, "%s/%s", q->name, data + at) : data + at;
        ask_pattern(s, q->side, full, q->rest);
    }
    answered(s);
}

/* Reads what lies under `base` and fits the rest of the pattern, one `*` after the other. */
static void ask_pattern(struct snapshot *s, enum side side, const char *base, const char *rest)
{
    if (!*rest) {
        ask(s, side, base);
        return;
    }
    const char *star = strchr(rest, '*');
    size_t fixed = star ? (size_t)(star - rest) : strlen(rest); /* with the slash before the star */
    if (fixed && rest[fixed - 1] == '/')
        fixed--;
    const char *name = arena_printf(&s->arena, "%s%s%.*s", base, *base && fixed ? "/" : "", (int)fixed, rest);
    if (!star) {
        ask(s, side, name);
        return;
    }
    if (s->asked[side]++ >= KEYS_MAX)
        return;
    const char *path = *name ? view_key_path(s->view, side, name, &s->arena) : s->view->path[side];
    const char *behind = star[1] == '/' ? star + 2 : star + 1;
    store_directory(s->req.store, s->req.tx, path, on_names, question(s, side, name, behind));
}

/* The declared keys of this side that are among the needs. */
static void ask_declared(struct snapshot *s, enum side side, unsigned needs)
{
    const struct policy *p = s->req.policy;
    for (size_t i = 0; i < p->n_keys[side] && s->view->path[side]; i++) {
        const struct key_spec *spec = &p->keys[side][i];
        if (!needs_reads_key(needs, p, side, spec) || view_has(s->view, side, spec->name))
            continue;
        if (spec->pattern)
            ask_pattern(s, side, "", spec->name);
        else
            ask(s, side, spec->name);
    }
}

/* ---- the steps ---- */

static enum xenbus_state state_of(const struct view *v, enum side side)
{
    struct value value = view_get(v, side, "state");
    enum xenbus_state state = XENBUS_ABSENT;
    if (value.presence == PRESENT)
        xenbus_state_parse(value.text, value.len, &state);
    return state;
}

static void on_presence(void *arg, int status, const char *data, size_t len)
{
    struct question *q = arg;
    (void)data;
    (void)len;
    *q->ret_presence = presence_of(q->s, q->side, status);
    answered(q->s);
}

static struct question *presence_question(struct snapshot *s, enum side side, enum presence *ret_presence)
{
    struct question *q = question(s, side, "", NULL);
    q->ret_presence = ret_presence;
    return q;
}

/* The side says how a refusal is meant: see presence_of(). */
static void ask_presence(struct snapshot *s, enum side side, const char *path, enum presence *ret_presence)
{
    store_read(s->req.store, s->req.tx, path, on_presence, presence_question(s, side, ret_presence));
}

static void ask_frontend_presence(struct snapshot *s)
{
    if (s->view->path[FRONTEND])
        ask_presence(s, FRONTEND, s->view->path[FRONTEND], &s->view->front);
    /* which a driver domain may not read, there or not */
    ask_presence(s, BACKEND, arena_printf(&s->arena, "/local/domain/%u", s->req.device.domid),
                 &s->view->domain);
}

static void on_error_text(void *arg, int status, const char *data, size_t len)
{
    struct question *q = arg;
    if (presence_of(q->s, q->side, status) == PRESENT)
        view_set_error(q->s->view, q->side, PRESENT, data, len);
    answered(q->s);
}

/* If any of its keys is there, so is B. */
static bool find_directory(struct snapshot *s)
{
    bool unreadable = false;
    for (int i = 0; i < COMMON_BACKEND_KEYS; i++) {
        enum presence presence = view_get(s->view, BACKEND, common_key_names[i]).presence;
        if (presence == PRESENT)
            s->view->directory = PRESENT;
        unreadable |= presence == UNREADABLE;
    }
    return s->view->directory == PRESENT || unreadable;
}

static void frontend_found(struct snapshot *s, const char *path)
{
    view_set_frontend(s->view, path);
    if (s->req.frontend_found)
        s->req.frontend_found(s->req.frontend_arg, s->view->path[FRONTEND]);
    ask(s, FRONTEND, "state");
}

static void find_frontend(struct snapshot *s)
{
    if (s->view->path[FRONTEND])
        return;
    struct value path = view_get(s->view, BACKEND, "frontend");
    if (path.presence != PRESENT || !device_frontend_path_valid(path.text, path.len, s->req.device.domid))
        return;
    frontend_found(s, path.text);
}

static void on_null_model(void *arg, int status, const char *data, size_t len)
{
    struct question *q = arg;
    q->s->null_asked = presence_of(q->s, q->side, status);
    q->s->view->null_model =
        q->s->null_asked == PRESENT && len == strlen(NULL_MODEL) && memcmp(data, NULL_MODEL, len) == 0;
    answered(q->s);
}

static const char *model_key(struct snapshot *s, const char *key)
{
    return arena_printf(&s->arena, "/local/domain/%u/device-model/%u/%s", s->req.backend_domid,
                        s->req.device.domid, key);
}

/* Only a device model that is there can be a null one. */
static void on_model(void *arg, int status, const char *data, size_t len)
{
    struct question *q = arg;
    struct snapshot *s = q->s;
    (void)data;
    (void)len;
    s->view->qemu = presence_of(s, q->side, status);
    if (s->view->qemu == PRESENT)
        store_read(s->req.store, s->req.tx, model_key(s, NULL_MODEL_KEY), on_null_model,
                   question(s, BACKEND, "", NULL));
    answered(s);
}

static void ask_qemu(struct snapshot *s)
{
    store_read(s->req.store, s->req.tx, model_key(s, "state"), on_model, question(s, BACKEND, "", NULL));
}

/* All answers are there. A null device model serves nothing: as if there was none. */
static void find_qemu(struct snapshot *s)
{
    struct view *v = s->view;
    v->null_model = v->null_model && v->qemu == PRESENT;
    if (v->null_model)
        v->qemu = ABSENT;
    else if (v->qemu == PRESENT && s->null_asked == UNREADABLE)
        v->qemu = UNREADABLE;
}

/* Linux writes a driver's last error below error/, at the place that the device has below its domain. */
static void ask_errors(struct snapshot *s)
{
    const struct device_key *d = &s->req.device;
    const char *home = arena_printf(&s->arena, "/local/domain/%u", d->domid);
    store_read(s->req.store, s->req.tx,
               arena_printf(&s->arena, "/local/domain/%u/error/backend/%s/%u/%s/error", s->req.backend_domid,
                            d->type, d->domid, d->devid),
               on_error_text, question(s, BACKEND, "", NULL));
    if (s->view->path[FRONTEND])
        store_read(s->req.store, s->req.tx,
                   arena_printf(&s->arena, "%s/error%s/error", home, s->view->path[FRONTEND] + strlen(home)),
                   on_error_text, question(s, FRONTEND, "", NULL));
}

/* Not more of them than of a side's other keys. */
static void on_cards(void *arg, int status, const char *data, size_t len)
{
    struct question *q = arg;
    for (size_t at = 0; status == 0 && at < len; at += strlen(data + at) + 1)
        if (strncmp(data + at, "state-", 6) == 0 || strncmp(data + at, "dev-", 4) == 0)
            ask(q->s, BACKEND, data + at);
    answered(q->s);
}

static void ask_names(struct snapshot *s, const char *const *names)
{
    for (; *names; names++)
        if (!view_has(s->view, BACKEND, *names))
            ask(s, BACKEND, *names);
}

/* What the needs name, but for what was asked before. */
static void ask_needs(struct snapshot *s, unsigned needs)
{
    needs &= ~s->asked_needs;
    s->asked_needs |= needs;
    if (needs & NEED_HOTPLUG)
        ask_names(s, needs_hotplug);
    if (needs & NEED_VIF)
        ask_names(s, needs_vif);
    if (needs & NEEDS_OF_BACKEND_KEYS)
        ask_declared(s, BACKEND, needs);
    else if (needs & NEED_IMAGE)
        ask_names(s, needs_image);
    if (needs & NEEDS_OF_FRONTEND_KEYS)
        ask_declared(s, FRONTEND, needs);
    for (size_t i = 0; (needs & NEED_PUBLISHED) && i < s->n_published; i++)
        ask(s, BACKEND, s->published[i]);
    if (needs & NEED_CARDS)
        store_directory(s->req.store, s->req.tx, s->view->path[BACKEND], on_cards,
                        question(s, BACKEND, "", NULL));
    if (needs & NEED_DEVICE_MODEL)
        ask_qemu(s);
    if (needs & NEED_BACK_LINK)
        ask(s, FRONTEND, "backend");
    if ((needs & NEED_CARRIER) && !view_has(s->view, FRONTEND, needs_carrier))
        ask(s, FRONTEND, needs_carrier);
    if (needs & NEED_FRONTEND_PRESENCE)
        ask_frontend_presence(s);
}

static unsigned needs_so_far(const struct snapshot *s, struct ends ends)
{
    const struct needs_input in = {.policy = s->req.policy,
                                   .backend_domid = s->req.backend_domid,
                                   .ends = ends,
                                   .marked = view_get(s->view, BACKEND, MARKER_KEY).presence == PRESENT,
                                   .worker = s->req.worker,
                                   .published_unknown = s->n_published > 0,
                                   .image_unknown = s->req.image,
                                   .everything = s->req.everything};
    return needs_of(&in).read;
}

/* B's keys that name its frontend, as they are known to be. */
static void add_frontend_keys(struct snapshot *s)
{
    const char *id = arena_printf(&s->arena, "%u", s->req.device.domid);
    view_add(s->view, BACKEND, "frontend", PRESENT, s->req.frontend, strlen(s->req.frontend));
    view_add(s->view, BACKEND, "frontend-id", PRESENT, id, strlen(id));
}

static void first_step(struct snapshot *s)
{
    if (s->req.unless && state_of(s->view, FRONTEND) == s->req.as_was &&
        view_get(s->view, FRONTEND, "state").presence != UNREADABLE) {
        s->unchanged = true;
        return;
    }
    if (s->req.frontend)
        add_frontend_keys(s);
    if (s->req.frontend && !s->req.unless)
        frontend_found(s, s->req.frontend);
    for (int i = 0; i < COMMON_BACKEND_KEYS; i++)
        if (!view_has(s->view, BACKEND, common_key_names[i]))
            ask(s, BACKEND, common_key_names[i]);
}

static void second_step(struct snapshot *s)
{
    if (!find_directory(s)) {
        store_directory(s->req.store, s->req.tx, s->view->path[BACKEND], on_presence,
                        presence_question(s, BACKEND, &s->view->directory));
        return;
    }
    find_frontend(s);
    /* F's state is not known yet: what follows from it is not asked for */
    ask_needs(s, needs_so_far(s, ends_of(s->view)) & ~(unsigned)NEED_FRONTEND_PRESENCE);
}

static void third_step(struct snapshot *s)
{
    if (s->view->directory != PRESENT)
        return;
    struct ends ends = ends_of(s->view);
    find_qemu(s);
    ask_needs(s, needs_so_far(s, ends) & NEEDS_BEYOND_FRONT_STATE);
    if (s->req.diagnose && !(ends.backend == XENBUS_CONNECTED && ends.frontend == XENBUS_CONNECTED))
        ask_errors(s);
}

/* Runs steps until one is waiting for answers. */
static void next_step(struct snapshot *s)
{
    static void (*const steps[])(struct snapshot *) = {first_step, second_step, third_step};
    const int last = s->req.ring_of ? 0 : (int)(sizeof steps / sizeof *steps);
    while (s->pending == 0 && !s->error && !s->unchanged && s->step < last) {
        view_seal(s->view);
        s->pending++; /* completions never run inside a request, but this keeps the count above zero in any
                         case */
        steps[s->step++](s);
        s->pending--;
    }
    if (s->pending)
        return;
    struct snapshot_request req = s->req;
    struct view *view = s->view;
    int error = s->error;
    bool unchanged = s->unchanged;
    arena_free(&s->arena);
    free(s);
    if (error || unchanged) {
        view_free(view);
        req.done(req.arg, error, NULL);
        return;
    }
    view_seal(view);
    req.done(req.arg, 0, view);
}

/* The names of what the worker publishes, unless B is known to hold it. */
static void copy_worker(struct snapshot *s, const struct worker *w)
{
    if (!w)
        return;
    struct worker *copy = arena_alloc(&s->arena, sizeof *copy);
    *copy = *w;
    s->req.worker = copy;
    if (s->req.object && s->req.object->published == worker_published(w))
        return;
    s->published = arena_alloc(&s->arena, (w->n_published + 1) * sizeof *s->published);
    for (; s->n_published < w->n_published; s->n_published++)
        s->published[s->n_published] = arena_strdup(&s->arena, w->published[s->n_published].key);
}

void snapshot_take(const struct snapshot_request *request)
{
    struct snapshot *s = xcalloc(1, sizeof *s);
    s->req = *request;
    s->view = view_new(request->backend_domid, &request->device);
    copy_worker(s, request->worker);
    s->pending++;
    if (request->frontend)
        s->req.frontend = arena_strdup(&s->arena, request->frontend);
    if (request->ring_of) {
        view_set_frontend(s->view, request->ring_of);
        ask_declared(s, FRONTEND, NEED_RING);
    } else if (request->unless) {
        frontend_found(s, s->req.frontend);
    }
    answered(s);
}
