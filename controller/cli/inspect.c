/* SPDX-License-Identifier: MIT */
#include "controller/cli/inspect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/base/log.h"
#include "controller/base/policy_dirs.h"
#include "controller/base/progress.h"
#include "controller/cli/dump_file.h"
#include "controller/cli/inspect_impl.h"
#include "controller/observe/snapshot.h"
#include "controller/store/store_path.h"
#include "reconcilers/decide.h"
#include "reconcilers/ends.h"
#include "schemas/mem.h"

int inspection_run(struct inspection *in, const bool *done)
{
    return in->dump ? dump_store_run(in->dump_store, done) : xs_blocking_run(in->blocking, done);
}

static int run(void *arg, const bool *done)
{
    return inspection_run(arg, done);
}

struct naming *inspection_naming(struct inspection *in)
{
    if (!in->naming)
        in->naming = naming_new(in->store, run, in);
    return in->naming;
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

struct domains {
    struct inspection *in;
    bool done;
    int status;
};

static void on_domains(void *arg, int status, const char *data, size_t len)
{
    struct domains *n = arg;
    struct inspection *in = n->in;
    uint64_t domid;
    n->done = true;
    n->status = status;
    for (size_t at = 0; status == 0 && at < len; at += strlen(data + at) + 1) {
        if (parse_decimal(data + at, strlen(data + at), DOMID_MAX, &domid))
            continue;
        xgrow(&in->domains, &in->cap_domains, in->n_domains + 1, sizeof *in->domains);
        in->domains[in->n_domains++] = (uint16_t)domid;
    }
}

/* Finds the other domains, where their trees may be read. */
static int find_domains(struct inspection *in)
{
    struct domains n = {.in = in};
    char path[32] = "/local/domain";
    if (in->scope == SCOPE_ONE)
        snprintf(path, sizeof path, "/local/domain/%u", in->backend_domid);
    store_directory(in->store, 0, path, on_domains, &n);
    int error = inspection_run(in, &n.done);
    error = error ? error : n.status;
    if (error == -ENOENT && in->scope == SCOPE_ONE)
        log_error("there is no domain %u: `xl list` shows those that there are", in->backend_domid);
    else if (error)
        log_error("cannot list %s: %s", path, strerror(-error));
    if (error == -EACCES)
        log_error("only dom0 sees the devices of other domains: ask there, or without --domain");
    return error;
}

static int say_closed(int error)
{
    char path[256];
    log_error("cannot open the store %s: %s", store_path_default(path, sizeof path) ? path : "",
              strerror(-error));
    if (error == -EACCES)
        log_error("reading the store takes root's rights");
    else
        log_error(STORE_HINT);
    return error;
}

/* Logs that what was opened is no store. */
static int say_no_store(int error)
{
    char path[256];
    log_error("%s does not answer as a store would: our own domain id cannot be read (%s)",
              store_path_default(path, sizeof path) ? path : "", strerror(-error));
    log_error("XENSTORED_PATH should name xenstored's socket, or not be set");
    return error;
}

static int open_store(struct inspection *in, const struct inspection_source *from)
{
    struct number domid = {0};
    progress_begin("", "waiting for the store");
    int error = xs_blocking_open(&in->blocking);
    if (error)
        return say_closed(error);
    in->store = xs_blocking_store(in->blocking);
    store_read(in->store, 0, "domid", on_domid, &domid);
    error = inspection_run(in, &domid.done);
    if (!error && domid.status && domid.status != -ENOENT)
        error = domid.status;
    if (error)
        return say_no_store(error);
    in->own = (uint16_t)domid.value;
    in->backend_domid = from->scope == SCOPE_ONE ? from->domid : in->own;
    in->scope = from->scope;
    return error || in->scope == SCOPE_OWN ? error : find_domains(in);
}

struct trees {
    size_t n;
    uint16_t last; /* whose */
};

static void on_tree(void *arg, uint16_t domid)
{
    struct trees *t = arg;
    t->n++;
    t->last = domid;
}

/* Where a text has several hosts, it is not guessed which one is meant. */
static int say_hosts(const char *file, const struct dump_hosts *hosts)
{
    log_error("%s: it has listings of %zu hosts, or of one at several moments:", file, hosts->n);
    for (size_t i = 0; i < hosts->n; i++)
        log_error("  %s: lines %u to %u", hosts->list[i].name, hosts->list[i].first, hosts->list[i].last);
    log_error("put the lines of one in a file of its own; `xenrecon plan --dump` reports on each");
    return -EINVAL;
}

static int open_dump(struct inspection *in, const char *file, struct dump *parsed)
{
    char why[DUMP_FILE_WHY_SIZE];
    int error = parsed ? 0 : dump_file_load(file, &in->read, why);
    if (!error && in->read.n > 1)
        error = say_hosts(file, &in->read);
    if (error)
        return error;
    in->dump = parsed ? parsed : in->read.list[0].dump;
    in->dump_store = dump_store_new(in->dump);
    in->store = dump_store_store(in->dump_store);
    struct trees trees = {0};
    dump_backend_domains(in->dump, on_tree, &trees);
    in->backend_domid = trees.n == 1 ? trees.last : 0;
    return 0;
}

static int load_policies(struct inspection *in, const struct inspection_source *from)
{
    struct diagnostic why;
    int error;
    if (from->like) {
        in->policies = from->like->policies;
        in->borrowed = true;
        return 0;
    }
    if (!from->dump && !from->n_dirs && from->run_dir && !daemon_memory_ask(from->run_dir, &in->memory) &&
        from->scope == SCOPE_OWN)
        log_info("as the running daemon decides, process %d", daemon_memory_pid(in->memory));
    else if (in->memory)
        log_info("with the policies of the running daemon, process %d; of other domains' devices it "
                 "knows nothing",
                 daemon_memory_pid(in->memory));
    error = in->memory ? daemon_memory_policies(in->memory, &in->policies, &why)
                       : policy_dirs_load(from->dirs, from->n_dirs, false, &in->policies, &why);
    if (error)
        log_diagnostic(&why);
    return error;
}

int inspection_begin(const struct inspection_source *from, struct inspection **ret_inspection)
{
    struct inspection *in = xcalloc(1, sizeof *in);
    int error = load_policies(in, from);
    if (!error)
        error = from->dump ? open_dump(in, from->dump, from->parsed) : open_store(in, from);
    if (error) {
        inspection_end(in);
        return error;
    }
    *ret_inspection = in;
    return 0;
}

void inspection_end(struct inspection *in)
{
    progress_end();
    if (!in)
        return;
    naming_free(in->naming);
    if (in->blocking)
        xs_blocking_close(in->blocking);
    dump_store_free(in->dump_store);
    dump_hosts_clear(&in->read);
    daemon_memory_free(in->memory);
    disks_free(in->disks);
    if (!in->borrowed)
        policy_set_clear(&in->policies);
    free(in->domains);
    free(in);
}

uint16_t inspection_backend_domid(const struct inspection *in)
{
    return in->backend_domid;
}

const struct policy *inspection_policy(const struct inspection *in, const char *type)
{
    return policy_set_find(&in->policies, type);
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

const char *inspection_source_name(const struct inspection *in, const char *dump)
{
    return dump ? dump : in->memory ? "daemon" : "store";
}

/* The daemon knows only the devices of its own domain, which is ours. */
static bool daemon_knows(const struct inspection *in, uint16_t backend_domid)
{
    return in && in->memory && backend_domid == in->own;
}

static struct remembered *remembered_of(const struct inspection *in, uint16_t backend_domid,
                                        const struct device_key *key)
{
    return daemon_knows(in, backend_domid) ? daemon_memory_device(in->memory, key) : NULL;
}

/* The worker that the daemon knows; NULL: it runs none for such a device. */
static const struct worker *worker_of(const struct inspection *in, uint16_t backend_domid,
                                      const struct policy *policy, const struct remembered *r)
{
    static const struct worker none;
    const struct worker *w = r ? &r->worker : &none;
    if (!daemon_knows(in, backend_domid) || !daemon_memory_runs_workers(in->memory) ||
        policy->owner != OWNER_XENRECON)
        return NULL;
    return policy->worker.command || w->state != WORKER_NONE ? w : NULL;
}

int inspection_view(struct inspection *in, const struct located *device, bool everything,
                    struct view **ret_view)
{
    const struct device_key *key = &device->key;
    const struct policy *policy = policy_set_find(&in->policies, key->type);
    struct remembered *r = remembered_of(in, device->backend_domid, key);
    struct taken t = {0};
    struct snapshot_request req = {.store = in->store,
                                   .backend_domid = device->backend_domid,
                                   .device = *key,
                                   .policy = policy,
                                   .worker = policy ? worker_of(in, device->backend_domid, policy, r) : NULL,
                                   .object = r ? &r->memory.object : NULL,
                                   .everything = everything,
                                   .diagnose = true,
                                   .done = on_view,
                                   .arg = &t};
    snapshot_take(&req);
    int error = inspection_run(in, &t.done);
    if (!error)
        error = t.status;
    if (error) {
        log_error("cannot read %s/%u/%s: %s", key->type, key->domid, key->devid, strerror(-error));
        return error;
    }
    /* the daemon has reconciled whatever has changed, so the failure that it remembers is one with this view
     */
    if (r)
        r->memory.failure.digest = view_digest(t.view);
    t.view->listing = in->dump != NULL;
    *ret_view = t.view;
    return 0;
}

struct plan *inspection_decide(const struct inspection *in, const struct policy *policy,
                               const struct view *view)
{
    struct memory nothing = {0};
    const struct remembered *r = remembered_of(in, view->backend_domid, &view->device);
    struct object object;
    if (!r && in)
        nothing.shared = disks_shared(in->disks, view->backend_domid, &view->device);
    struct decision_input input = {
        .policy = policy,
        .view = view,
        .memory = r ? &r->memory : &nothing,
        .worker = worker_of(in, view->backend_domid, policy, r),
        .now = daemon_knows(in, view->backend_domid) ? daemon_memory_now(in->memory) : 0};
    return decide(&input, &object);
}

/* A state as it is shown: what cannot be read is neither absent nor any other. */
static enum xenbus_state shown(const struct view *view, enum side side, enum xenbus_state state)
{
    bool lost = side == FRONTEND && !view->path[side] &&
                view_get(view, BACKEND, common_key_names[KEY_FRONTEND]).presence == UNREADABLE;
    return lost || view_get(view, side, "state").presence == UNREADABLE ? XENBUS_UNREADABLE : state;
}

static int shown_online(const struct view *view, int online)
{
    return view_get(view, BACKEND, common_key_names[KEY_ONLINE]).presence == UNREADABLE ? -2 : online;
}

void inspection_report(struct inspection *in, const struct policy *policy, const struct view *view,
                       struct report *report)
{
    struct ends ends = ends_of(view);
    if (daemon_knows(in, view->backend_domid)) {
        report->now = daemon_memory_now(in->memory);
        report->epoch = daemon_memory_epoch(in->memory);
    }
    struct report_device device = {.key = view->device,
                                   .backend_domid = view->backend_domid,
                                   .owner = policy->owner,
                                   .online = shown_online(view, ends.online),
                                   .backend_state = shown(view, BACKEND, ends.backend),
                                   .frontend_state = shown(view, FRONTEND, ends.frontend),
                                   .frontend = view->path[FRONTEND],
                                   .frontend_name =
                                       in ? naming_domain(inspection_naming(in), view->device.domid) : NULL,
                                   .plan = inspection_decide(in, policy, view)};
    report_add(report, &device);
    if (report->keeps_values)
        report_keep_values(report, policy, view);
}

void inspection_report_dump(const struct inspection *in, struct report *report)
{
    if (in->dump)
        dump_file_report(in->dump, in->dump_store, report);
}

void inspection_say_no_policy(const char *name, const char *type)
{
    log_error("%s: there is no policy for the type %s", name, type);
    log_error("`xenrecon policy show` has those in force; `xenrecon policy new %s` prints one to begin with",
              type);
}

void inspection_say_no_device(const char *name, const struct view *view)
{
    log_error("%s: there is no such device: %s is not there", name, view->path[BACKEND]);
    log_error("`xenrecon plan` lists those that there are");
}
