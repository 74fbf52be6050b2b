/* SPDX-License-Identifier: MIT */
/* Lists which devices there are, and what is left over. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/base/log.h"
#include "controller/base/progress.h"
#include "controller/cli/inspect_impl.h"
#include "controller/observe/backend_tree.h"
#include "controller/observe/leaks.h"
#include "schemas/mem.h"

struct list {
    struct inspection *in;
    struct located *devices;
    size_t n, cap;
    uint16_t backend_domid; /* the domain whose tree is being listed */
    char **strangers;       /* types without a policy, some more than once */
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

static void add(struct list *l, uint16_t backend_domid, const struct device_key *key)
{
    xgrow(&l->devices, &l->cap, l->n + 1, sizeof *l->devices);
    l->devices[l->n++] = (struct located){backend_domid, *key};
    progress_at(l->n, 0);
}

static void found(void *arg, const struct device_key *key)
{
    struct list *l = arg;
    add(l, l->backend_domid, key);
}

static void found_in_dump(void *arg, uint16_t backend_domid, const struct device_key *key)
{
    struct list *l = arg;
    if (wanted(l, key->type))
        add(l, backend_domid, key);
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
            plan_add_finding(report->host, FINDING_NO_POLICY, SEVERITY_INFO,
                             "devices of type %s are not looked after", l->strangers[i]);
}

/* By the tree, the guest and the type. */
static int by_owner(const void *a, const void *b)
{
    const struct located *x = a, *y = b;
    int order = (x->backend_domid > y->backend_domid) - (x->backend_domid < y->backend_domid);
    order = order ? order : (x->key.domid > y->key.domid) - (x->key.domid < y->key.domid);
    return order ? order : strcmp(x->key.type, y->key.type);
}

/* Counts a guest's devices of each type, as the engine does. */
static void report_too_many(const struct list *l, struct report *report)
{
    struct located *sorted = xcalloc(l->n, sizeof *sorted);
    if (l->n)
        memcpy(sorted, l->devices, l->n * sizeof *sorted);
    qsort(sorted, l->n, sizeof *sorted, by_owner);
    for (size_t i = 0, n; i < l->n; i += n) {
        const struct device_key *key = &sorted[i].key;
        uint32_t limit = policy_set_find(&l->in->policies, key->type)->limits.devices_per_domain;
        for (n = 1; i + n < l->n && by_owner(&sorted[i], &sorted[i + n]) == 0; n++)
            ;
        if (n > limit)
            plan_add_finding(
                report->host, FINDING_TOO_MANY_DEVICES, SEVERITY_WARNING,
                "domain %u has %zu devices of type %s in the backend tree of domain %u, of which "
                "%u are looked after",
                key->domid, n, key->type, sorted[i].backend_domid, limit);
    }
    free(sorted);
}

static int list_tree(struct list *l, uint16_t backend_domid)
{
    struct backend_tree_request req = {.store = l->in->store,
                                       .backend_domid = backend_domid,
                                       .place = BACKEND_ROOT,
                                       .wanted = wanted,
                                       .found = found,
                                       .done = listed,
                                       .arg = l};
    l->backend_domid = backend_domid;
    l->done = false;
    backend_tree_list(&req);
    int error = inspection_run(l->in, &l->done);
    return error ? error : l->status;
}

static int list_store(struct list *l)
{
    const struct inspection *in = l->in;
    int error = 0;
    if (in->scope != SCOPE_ALL)
        return list_tree(l, in->backend_domid);
    for (size_t i = 0; i < in->n_domains && !error; i++)
        error = list_tree(l, in->domains[i]);
    return error;
}

static int run(void *arg, const bool *done)
{
    return inspection_run(arg, done);
}

/* Which a daemon knows of the devices of its own domain. */
static int read_images(struct list *l)
{
    struct inspection *in = l->in;
    const struct disks_reader by = {in->store, run, in};
    bool known = in->memory && in->scope == SCOPE_OWN;
    return known || in->disks ? 0 : disks_read(&by, &in->policies, l->devices, l->n, &in->disks);
}

int inspection_list(struct inspection *in, struct located **ret_devices, size_t *ret_n, struct report *report)
{
    struct list l = {.in = in};
    int error = 0;
    progress_begin("", "listing the devices");
    if (in->dump)
        dump_devices(in->dump, found_in_dump, &l);
    else
        error = list_store(&l);
    if (!error && report) {
        report_strangers(&l, report);
        report_too_many(&l, report);
    }
    if (!error)
        error = read_images(&l);
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
    progress_begin("", "looking for what is left over");
    struct leaks_request req = {.store = in->store,
                                .backend_domid = in->backend_domid,
                                .everywhere = in->dump || in->scope == SCOPE_ALL,
                                .some_domains = in->dump && !dump_shows_domains(in->dump),
                                .host = report->host,
                                .done = looked_for_leaks,
                                .arg = &done};
    if (in->dump)
        dump_store_take_parts(in->dump_store, true);
    leaks_find(&req);
    int error = inspection_run(in, &done);
    if (in->dump)
        dump_store_take_parts(in->dump_store, false);
    if (error)
        log_error("cannot look for leaks: %s", strerror(-error));
    return error;
}
