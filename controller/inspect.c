/* SPDX-License-Identifier: MIT */
#include "controller/inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/dump_file.h"
#include "controller/dump_store.h"
#include "controller/engine.h"
#include "controller/leaks.h"
#include "controller/listing.h"
#include "controller/log.h"
#include "controller/policies.h"
#include "controller/recall.h"
#include "controller/snapshot.h"
#include "controller/store_path.h"
#include "controller/xs_blocking.h"
#include "reconcilers/decide.h"
#include "schemas/mem.h"

struct inspection {
    struct xs_blocking *blocking; /* either this */
    struct dump *dump;            /* or these two */
    struct dump_store *dump_store;
    struct store *store;
    struct recall *recall; /* NULL: no daemon was asked */
    struct policy_set policies;
    uint16_t self;
};

static int run(struct inspection *in, const bool *done)
{
    return in->dump ? dump_store_run(in->dump_store, done) : xs_blocking_run(in->blocking, done);
}

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
    error = run(in, &domid.done);
    if (!error && domid.status && domid.status != -ENOENT)
        error = domid.status;
    if (error)
        log_error("cannot read our own domain id: %s", strerror(-error));
    in->self = (uint16_t)domid.value;
    return error;
}

static int open_dump(struct inspection *in, const char *file)
{
    int error = dump_file_load(file, &in->dump);
    if (error)
        return error;
    in->dump_store = dump_store_new(in->dump);
    in->store = dump_store_store(in->dump_store);
    return 0;
}

static int load_policies(struct inspection *in, const struct inspection_source *from)
{
    struct diagnostic why;
    int error;
    if (!from->dump && !from->n_dirs && from->run_dir && !recall_new(from->run_dir, &in->recall))
        log_info("as the running daemon decides, process %d", recall_pid(in->recall));
    error = in->recall ? recall_policies(in->recall, &in->policies, &why)
                       : policies_load(from->dirs, from->n_dirs, &in->policies, &why);
    if (error)
        log_diagnostic(&why);
    return error;
}

int inspection_begin(const struct inspection_source *from, struct inspection **ret_inspection)
{
    struct inspection *in = xcalloc(1, sizeof *in);
    int error = load_policies(in, from);
    if (!error)
        error = from->dump ? open_dump(in, from->dump) : open_store(in);
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
    dump_store_free(in->dump_store);
    dump_free(in->dump);
    recall_free(in->recall);
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
    const struct device_key *only; /* NULL: all that have a policy */
    struct located *devices;
    size_t n, cap;
    char **strangers; /* types without a policy, some more than once */
    size_t n_strangers, cap_strangers;
    bool done;
    int status;
};

static bool wanted(void *arg, const char *type)
{
    struct list *l = arg;
    if (policy_set_find(&l->in->policies, type))
        return true;
    if (l->n_strangers && strcmp(l->strangers[l->n_strangers - 1], type) == 0)
        return false;
    xgrow(&l->strangers, &l->cap_strangers, l->n_strangers + 1, sizeof(char *));
    l->strangers[l->n_strangers++] = xstrdup(type);
    return false;
}

static void add(struct list *l, uint16_t self, const struct device_key *key)
{
    xgrow(&l->devices, &l->cap, l->n + 1, sizeof *l->devices);
    l->devices[l->n++] = (struct located){self, *key};
}

static void found(void *arg, const struct device_key *key)
{
    struct list *l = arg;
    add(l, l->in->self, key);
}

static void found_in_dump(void *arg, uint16_t self, const struct device_key *key)
{
    struct list *l = arg;
    if (l->only ? device_key_equal(l->only, key) : wanted(l, key->type))
        add(l, self, key);
}

static void listed(void *arg, int status)
{
    struct list *l = arg;
    l->status = status;
    l->done = true;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void report_strangers(struct list *l, struct report *report)
{
    if (l->n_strangers)
        qsort(l->strangers, l->n_strangers, sizeof(char *), by_text);
    for (size_t i = 0; i < l->n_strangers; i++)
        if (i == 0 || strcmp(l->strangers[i], l->strangers[i - 1]) != 0)
            plan_find(report->host, FINDING_NO_POLICY, SEVERITY_INFO,
                      "devices of type %s are not looked after", l->strangers[i]);
}

static int list_store(struct list *l)
{
    struct listing_request req = {.store = l->in->store,
                                  .self = l->in->self,
                                  .place = BACKEND_ROOT,
                                  .wanted = wanted,
                                  .found = found,
                                  .done = listed,
                                  .arg = l};
    listing_start(&req);
    int error = run(l->in, &l->done);
    return error ? error : l->status;
}

int inspection_list(struct inspection *in, struct located **ret_devices, size_t *ret_n, struct report *report)
{
    struct list l = {.in = in};
    int error = 0;
    if (in->dump)
        dump_devices(in->dump, found_in_dump, &l);
    else
        error = list_store(&l);
    if (!error)
        report_strangers(&l, report);
    for (size_t i = 0; i < l.n_strangers; i++)
        free(l.strangers[i]);
    free(l.strangers);
    if (error) {
        log_error("cannot list the backend tree: %s", strerror(-error));
        free(l.devices);
        return error;
    }
    *ret_devices = l.devices;
    *ret_n = l.n;
    return 0;
}

static void looked_for_leaks(void *arg)
{
    *(bool *)arg = true;
}

int inspection_leaks(struct inspection *in, struct report *report)
{
    bool done = false;
    struct leaks_request req = {.store = in->store,
                                .self = in->self,
                                .everywhere = in->dump != NULL,
                                .host = report->host,
                                .done = looked_for_leaks,
                                .arg = &done};
    leaks_find(&req);
    int error = run(in, &done);
    if (error)
        log_error("cannot look for leaks: %s", strerror(-error));
    return error;
}

void inspection_find(struct inspection *in, const struct device_key *key, struct located **ret_devices,
                     size_t *ret_n)
{
    struct list l = {.in = in, .only = key};
    if (in->dump)
        dump_devices(in->dump, found_in_dump, &l);
    else
        found(&l, key);
    *ret_devices = l.devices;
    *ret_n = l.n;
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

static struct recalled *recalled(const struct inspection *in, const struct device_key *key)
{
    return in && in->recall ? recall_device(in->recall, key) : NULL;
}

/* The daemon's worker, or NULL where it runs none for such a device. */
static const struct worker *worker_of(const struct inspection *in, const struct policy *policy,
                                      const struct recalled *r)
{
    static const struct worker none;
    const struct worker *w = r ? &r->worker : &none;
    if (!in || !in->recall || !recall_runs_workers(in->recall) || policy->owner != OWNER_XENRECON)
        return NULL;
    return policy->worker.command || w->state != WORKER_NONE ? w : NULL;
}

/* What the daemon, too, would read because of its worker. */
static void ask_for_worker(const struct inspection *in, struct snapshot_request *req)
{
    const struct worker *w = req->policy ? worker_of(in, req->policy, recalled(in, &req->device)) : NULL;
    if (!w)
        return;
    req->backend_keys = w->state == WORKER_NONE || w->state == WORKER_DEAD;
    req->also = w->published;
    req->n_also = w->n_published;
}

int inspection_view(struct inspection *in, const struct located *device, bool everything,
                    struct view **ret_view)
{
    const struct device_key *key = &device->key;
    struct taken t = {0};
    struct snapshot_request req = {.store = in->store,
                                   .self = device->self,
                                   .device = *key,
                                   .policy = policy_set_find(&in->policies, key->type),
                                   .everything = everything,
                                   .diagnose = true,
                                   .done = on_view,
                                   .arg = &t};
    ask_for_worker(in, &req);
    snapshot_take(&req);
    int error = run(in, &t.done);
    if (!error)
        error = t.status;
    if (error) {
        log_error("cannot read %s/%u/%s: %s", key->type, key->domid, key->devid, strerror(-error));
        return error;
    }
    /* the daemon looked again at whatever has changed, so what failed did so with this view */
    if (recalled(in, key))
        recalled(in, key)->memory.failure.digest = view_digest(t.view);
    *ret_view = t.view;
    return 0;
}

struct plan *inspection_decide(const struct inspection *in, const struct policy *policy,
                               const struct view *view)
{
    static const struct memory nothing;
    const struct recalled *r = recalled(in, &view->device);
    struct object object;
    struct decision_input input = {.policy = policy,
                                   .view = view,
                                   .memory = r ? &r->memory : &nothing,
                                   .worker = worker_of(in, policy, r),
                                   .now = in && in->recall ? recall_now(in->recall) : 0};
    struct plan *plan = decide(&input, &object);
    if (r)
        engine_remark(plan, r->kept, r->unwatched);
    return plan;
}

void inspection_report(const struct inspection *in, const struct policy *policy, const struct view *view,
                       struct report *report)
{
    struct ends ends = view_ends(view);
    struct report_device device = {.key = view->device,
                                   .self = view->self,
                                   .owner = policy->owner,
                                   .online = ends.online,
                                   .backend_state = ends.backend,
                                   .frontend_state = ends.frontend,
                                   .frontend = view->path[FRONTEND],
                                   .plan = inspection_decide(in, policy, view)};
    report_add(report, &device);
    if (report->keeps_values)
        report_keep_values(report, policy, view);
}

void inspection_report_dump(const struct inspection *in, struct report *report)
{
    if (in->dump)
        dump_file_report(in->dump, in->dump_store, report->host);
}

int inspection_parse_device(const char *text, struct device_key *ret_key)
{
    int error = device_key_parse(text, strlen(text), ret_key);
    if (error)
        log_error("\"%s\" names no device: it should be TYPE/DOMID/DEVID, such as qdisk/7/51712", text);
    return error;
}
