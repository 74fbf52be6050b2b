/* SPDX-License-Identifier: MIT */
#include "controller/inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/listing.h"
#include "controller/log.h"
#include "controller/policies.h"
#include "controller/snapshot.h"
#include "controller/store_path.h"
#include "controller/xs_blocking.h"
#include "reconcilers/decide.h"
#include "schemas/mem.h"

struct inspection {
    struct xs_blocking *blocking;
    struct store *store;
    struct policy_set policies;
    uint16_t self;
};

/* ---- begin and end ---- */

struct number {
    bool done;
    int status;
    uint64_t value;
};

static void on_domid(void *arg, int status, const char *data, size_t len)
{
    struct number *n = arg;
    n->done = true;
    n->status = status;
    if (status == 0 && parse_decimal(data, len, DOMID_MAX, &n->value))
        n->value = 0;
}

static int open_store(struct inspection *in)
{
    char path[256];
    struct number domid = {0};
    int error = xs_blocking_open(&in->blocking);
    if (error) {
        log_error("cannot open the store %s: %s", store_default_path(path, sizeof path) ? path : "",
                  strerror(-error));
        if (error == -EACCES)
            log_error("reading the store takes root's rights");
        else
            log_error(
                "is xenstored running? XENSTORED_PATH says where its socket is, if not at the usual place");
        return error;
    }
    in->store = xs_blocking_store(in->blocking);
    store_read(in->store, 0, "domid", on_domid, &domid);
    error = xs_blocking_run(in->blocking, &domid.done);
    if (!error && domid.status && domid.status != -ENOENT)
        error = domid.status;
    if (error)
        log_error("cannot read our own domain id: %s", strerror(-error));
    in->self = (uint16_t)domid.value;
    return error;
}

int inspection_begin(const char *const *policy_dirs, size_t n_dirs, struct inspection **ret_inspection)
{
    struct inspection *in = xcalloc(1, sizeof *in);
    struct diagnostic why;
    int error = policies_load(policy_dirs, n_dirs, &in->policies, &why);
    if (error)
        log_diagnostic(&why);
    else
        error = open_store(in);
    if (error) {
        inspection_end(in);
        return error;
    }
    *ret_inspection = in;
    return 0;
}

void inspection_end(struct inspection *in)
{
    if (!in)
        return;
    if (in->blocking)
        xs_blocking_close(in->blocking);
    policy_set_clear(&in->policies);
    free(in);
}

uint16_t inspection_self(const struct inspection *in)
{
    return in->self;
}

const struct policy *inspection_policy(const struct inspection *in, const char *type)
{
    return policy_set_find(&in->policies, type);
}

/* ---- listing ---- */

struct list {
    struct inspection *in;
    struct report *report;
    struct device_key *keys;
    size_t n, cap;
    bool done;
    int status;
};

static bool wanted(void *arg, const char *type)
{
    struct list *l = arg;
    if (policy_set_find(&l->in->policies, type))
        return true;
    plan_find(l->report->host, FINDING_NO_POLICY, SEVERITY_INFO, "devices of type %s are not looked after",
              type);
    return false;
}

static void found(void *arg, const struct device_key *key)
{
    struct list *l = arg;
    xgrow(&l->keys, &l->cap, l->n + 1, sizeof *l->keys);
    l->keys[l->n++] = *key;
}

static void listed(void *arg, int status)
{
    struct list *l = arg;
    l->status = status;
    l->done = true;
}

int inspection_list(struct inspection *in, struct device_key **ret_keys, size_t *ret_n, struct report *report)
{
    struct list l = {.in = in, .report = report};
    struct listing_request req = {.store = in->store,
                                  .self = in->self,
                                  .place = BACKEND_ROOT,
                                  .wanted = wanted,
                                  .found = found,
                                  .done = listed,
                                  .arg = &l};
    listing_start(&req);
    int error = xs_blocking_run(in->blocking, &l.done);
    if (!error)
        error = l.status;
    if (error) {
        log_error("cannot list the backend tree: %s", strerror(-error));
        free(l.keys);
        return error;
    }
    *ret_keys = l.keys;
    *ret_n = l.n;
    return 0;
}

/* ---- one device ---- */

struct taken {
    bool done;
    int status;
    struct view *view;
};

static void on_view(void *arg, int status, struct view *view)
{
    struct taken *t = arg;
    *t = (struct taken){true, status, view};
}

int inspection_view(struct inspection *in, const struct device_key *key, bool everything,
                    struct view **ret_view)
{
    struct taken t = {0};
    struct snapshot_request req = {.store = in->store,
                                   .self = in->self,
                                   .device = *key,
                                   .policy = policy_set_find(&in->policies, key->type),
                                   .everything = everything,
                                   .diagnose = true,
                                   .done = on_view,
                                   .arg = &t};
    snapshot_take(&req);
    int error = xs_blocking_run(in->blocking, &t.done);
    if (!error)
        error = t.status;
    if (error) {
        log_error("cannot read %s/%u/%s: %s", key->type, key->domid, key->devid, strerror(-error));
        return error;
    }
    *ret_view = t.view;
    return 0;
}

struct plan *inspection_decide(const struct policy *policy, const struct view *view)
{
    static const struct memory nothing;
    struct object object;
    struct decision_input input = {.policy = policy, .view = view, .memory = &nothing};
    return decide(&input, &object);
}

void inspection_report(const struct policy *policy, const struct view *view, struct report *report)
{
    struct ends ends = view_ends(view);
    struct report_device device = {.key = view->device,
                                   .self = view->self,
                                   .owner = policy->owner,
                                   .online = ends.online,
                                   .backend_state = ends.backend,
                                   .frontend_state = ends.frontend,
                                   .frontend = view->path[FRONTEND],
                                   .plan = inspection_decide(policy, view)};
    report_add(report, &device);
}

int inspection_parse_device(const char *text, struct device_key *ret_key)
{
    int error = device_key_parse(text, strlen(text), ret_key);
    if (error)
        log_error("\"%s\" names no device: it should be TYPE/DOMID/DEVID, such as qdisk/7/51712", text);
    return error;
}
