/* SPDX-License-Identifier: MIT */
/* Any text as the dump of a host: every device in it that has a shipped policy is looked at and decided, with
 * the policy as it is and as it could be, and the reports of that are what they say they are. */
#include <jansson.h>

#include "controller/cli/dump_file.h"
#include "controller/observe/leaks.h"
#include "controller/observe/snapshot.h"
#include "schemas/report/report.h"
#include "test/fuzz/plans.h"
#include "test/fuzz/policies.h"
#include "test/lib/json_schema.h"

static struct shipped shipped;
static json_t *schema;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    json_error_t error;
    (void)argc;
    (void)argv;
    load_shipped(&shipped);
    schema = json_load_file("schemas/plan.schema.json", 0, &error);
    holds(schema, "schemas/plan.schema.json: %s", error.text);
    return 0;
}

struct host {
    const struct policy_set *policies;
    const struct dump *dump;
    struct dump_store *store;
    struct report *report;
    size_t n;
};

/* As few as a person would read about. */
enum { DEVICES_MAX = 64, SCHEMA_DEVICES_MAX = 3 };

struct taken {
    bool done;
    struct view *view;
};

static void on_view(void *arg, int status, struct view *view)
{
    struct taken *t = arg;
    holds(!status && view, "status %d", status);
    *t = (struct taken){true, view};
}

static struct view *look(struct host *h, uint16_t self, const struct device_key *key,
                         const struct policy *policy, bool everything)
{
    struct taken t = {0};
    struct snapshot_request req = {.store = dump_store_store(h->store),
                                   .backend_domid = self,
                                   .device = *key,
                                   .policy = policy,
                                   .everything = everything,
                                   .diagnose = true,
                                   .done = on_view,
                                   .arg = &t};
    snapshot_take(&req);
    holds(!dump_store_run(h->store, &t.done), "no view");
    return t.view;
}

/* Without an incarnation, as reports are made, markers cannot be read back. */
static struct plan *decided(const struct policy *policy, const struct view *view, uint64_t incarnation)
{
    static const struct memory nothing;
    struct object object;
    struct decision_input in = {
        .policy = policy, .view = view, .memory = &nothing, .fresh_incarnation = incarnation};
    return decide(&in, &object);
}

/* A view is of what the dump has. */
static void check_view(const struct host *h, const struct view *v)
{
    struct arena a = {0};
    for (enum side side = 0; side < 2; side++)
        for (size_t i = 0; i < v->n_keys[side]; i++) {
            const struct view_key *k = &v->keys[side][i];
            const char *path = view_key_path(v, side, k->name, &a);
            struct value in_dump = dump_lookup(h->dump, path);
            holds(i == 0 || strcmp(v->keys[side][i - 1].name, k->name) < 0, "%s is there twice", path);
            if (strchr(k->name, '*')) { /* a directory that could not be listed */
                holds(k->value.presence == UNREADABLE, "%s", path);
                continue;
            }
            holds(value_equal(&k->value, &in_dump), "%s is %d in the view, %d in the dump", path,
                  k->value.presence, in_dump.presence);
        }
    holds(v->directory != ABSENT, "%s is not there", v->path[BACKEND]);
    if (v->path[FRONTEND])
        holds(device_frontend_path_valid(v->path[FRONTEND], strlen(v->path[FRONTEND]), v->device.domid), "%s",
              v->path[FRONTEND]);
    arena_free(&a);
}

static void on_device(void *arg, uint16_t self, const struct device_key *key)
{
    struct host *h = arg;
    const struct policy *policy = policy_set_find(h->policies, key->type);
    if (!policy || h->n == DEVICES_MAX)
        return;
    h->n++;
    struct view *view = look(h, self, key, policy, false), *all = look(h, self, key, policy, true);
    struct plan *plan = decided(policy, view, 0), *again = decided(policy, all, 1);
    check_view(h, view);
    check_view(h, all);
    check_plan(again, all, policy, 0);
    holds(plan->row == again->row && plan->n_actions == again->n_actions,
          "%s/%d/%s: %s, but with all of its keys %s", key->type, key->domid, key->devid, row_name(plan->row),
          row_name(again->row));
    struct ends ends = ends_of(view);
    struct report_device device = {.key = view->device,
                                   .backend_domid = view->backend_domid,
                                   .owner = policy->owner,
                                   .online = ends.online,
                                   .backend_state = ends.backend,
                                   .frontend_state = ends.frontend,
                                   .frontend = view->path[FRONTEND],
                                   .plan = plan};
    report_add(h->report, &device);
    plan_free(again);
    view_free(view);
    view_free(all);
}

static void on_leaks(void *arg)
{
    *(bool *)arg = true;
}

static void find_leaks(struct host *h)
{
    bool done = false;
    struct leaks_request req = {.store = dump_store_store(h->store),
                                .everywhere = true,
                                .host = h->report->host,
                                .done = on_leaks,
                                .arg = &done};
    leaks_find(&req);
    holds(!dump_store_run(h->store, &done), "no end of looking for leaks");
}

static char *printed(const struct report *r, void (*print)(const struct report *r, FILE *to), size_t *ret_len)
{
    char *text = NULL;
    FILE *to = open_memstream(&text, ret_len);
    holds(to);
    print(r, to);
    fclose(to);
    return text;
}

static void check_json(const struct report *r)
{
    size_t len;
    json_error_t error;
    char *text = printed(r, report_print_json, &len);
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    holds(root, "line %d: %s in\n%s", error.line, error.text, text);
    if (r->n_devices <= SCHEMA_DEVICES_MAX)
        holds(schema_valid(schema, schema, root), "against the schema:\n%s", text);
    json_t *devices = json_object_get(root, "devices");
    holds(json_array_size(devices) == r->n_devices, "%zu devices", json_array_size(devices));
    free(text);
    json_decref(root);
}

static void check_report(struct report *r)
{
    size_t len;
    report_sort(r);
    for (size_t i = 1; i < r->n_devices; i++) {
        const struct report_device *a = &r->devices[i - 1], *b = a + 1;
        int order = (int)health_of(a->plan) - (int)health_of(b->plan);
        if (!order)
            order = device_key_compare(&a->key, &b->key);
        holds(order < 0 || (order == 0 && a->backend_domid < b->backend_domid),
              "%s/%d/%s is out of order, or there twice", b->key.type, b->key.domid, b->key.devid);
    }
    char *text = printed(r, report_print_text, &len);
    holds_printable(text, len, true);
    free(text);
    check_json(r);
}

static void check_host(const struct dump *dump, const struct policy_set *policies)
{
    struct host h = {.policies = policies, .dump = dump};
    h.store = dump_store_new(dump);
    h.report = report_new(0);
    dump_devices(dump, on_device, &h);
    find_leaks(&h);
    dump_file_report(dump, h.store, h.report);
    check_report(h.report);
    report_free(h.report);
    dump_store_free(h.store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dump *dump;
    struct diagnostic why;
    if (dump_parse("dump", (const char *)data, size, &dump, &why))
        return 0;
    check_host(dump, &shipped.as_is);
    check_host(dump, &shipped.bold);
    dump_free(dump);
    return 0;
}
