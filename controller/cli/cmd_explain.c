/* SPDX-License-Identifier: MIT */
/* `xenrecon explain`: which row decided for a device, from which values, and what would make it another row.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/base/log.h"
#include "controller/base/progress.h"
#include "controller/cli/case_export.h"
#include "controller/cli/cli.h"
#include "controller/cli/control_client.h"
#include "controller/cli/inspect.h"
#include "controller/cli/screen.h"
#include "reconcilers/decide.h"
#include "schemas/health_text.h"
#include "schemas/marker.h"
#include "schemas/mem.h"
#include "schemas/printable.h"
#include "schemas/report/answer.h"

static const char help[] =
    "Usage: xenrecon explain [OPTION]... DEVICE\n"
    "       xenrecon explain [OPTION]... --domain DOMAIN\n"
    "       xenrecon explain --table\n"
    "Says how a device is: who is waited for, since when, which key it hangs on, by which rule of the "
    "policy, "
    "and\n"
    "what would end that; then which row of the decision table decides, from which values, and what would "
    "change\n"
    "that. Without --dump and --policies as the running daemon decides, if there is one.\n"
    "\n"
    "  --domain DOMAIN  the answer of each device of this guest, by name or number, the sickest first\n"
    "  --export DIR     also write the case to DIR, which must not exist: policy, store and report, without "
    "secrets.\n"
    "                   It is a test case that can be run, and so makes a good bug report.\n"
    "  --dump FILE      explain a device in a store of which FILE (or stdin: -) is a dump, as for `plan`\n"
    "  --color WHEN     always, never, or auto: on a terminal, unless NO_COLOR is set (default)\n"
    "  --table          print the decision table: each row, when it decides, what it does, and for which "
    "owner\n"
    "  --policies DIR   take the policies from DIR (repeatable) instead of the default places\n"
    "  --runtime-dir DIR  the daemon's run directory (default $XENRECON_RUNTIME_DIR, or /run/xenrecon)\n"
    "  --quiet          neither remarks nor progress on stderr, only warnings and errors\n"
    "  --help           print this\n";

/* ---- what it was decided from ---- */

static bool secret(const struct policy *policy, enum side side, const char *key)
{
    const struct key_spec *spec = policy_find_key(policy, side, key);
    return spec && spec->secret;
}

static void print_value(const struct policy *policy, enum side side, const struct view_key *k,
                        struct arena *a)
{
    enum xenbus_state state;
    switch (k->value.presence) {
    case ABSENT:
        printf("    %-20s absent\n", k->name);
        break;
    case UNREADABLE:
        printf("    %-20s unreadable\n", printable(a, k->name));
        break;
    case PRESENT:
        printf("    %-20s %s", printable(a, k->name),
               secret(policy, side, k->name) ? "(secret)" : printable_quoted(a, k->value.text));
        if (strcmp(k->name, "state") == 0 && !xenbus_state_parse(k->value.text, k->value.len, &state))
            printf("  %s", xenbus_state_name(state));
        putchar('\n');
        break;
    }
}

static void print_values(const struct policy *policy, const struct view *view)
{
    static const char *const titles[] = {"backend  B", "frontend F"};
    struct arena scratch = {0};
    for (enum side side = 0; side < 2; side++) {
        if (!view->path[side]) {
            printf("  %s is not known\n", titles[side]);
            continue;
        }
        printf("  %s %s\n", titles[side], printable(&scratch, view->path[side]));
        for (size_t i = 0; i < view->n_keys[side]; i++)
            print_value(policy, side, &view->keys[side][i], &scratch);
    }
    if (view->qemu == PRESENT)
        printf("  a device model runs for domain %u\n", view->device.domid);
    if (view->null_model)
        printf("  a null device model, which serves no devices, runs for domain %u\n", view->device.domid);
    arena_free(&scratch);
}

/* ---- what would change it ---- */

static bool same_findings(const struct plan *a, const struct plan *b)
{
    if (a->n_findings != b->n_findings)
        return false;
    for (size_t i = 0; i < a->n_findings; i++)
        if (a->findings[i].code != b->findings[i].code)
            return false;
    return true;
}

static void print_variant(const struct inspection *in, const struct policy *policy, const struct view *view,
                          const struct plan *as_is, enum side side, const char *key, const char *value,
                          const char *what)
{
    struct value now = view_get(view, side, key);
    if (now.presence == PRESENT ? value && strcmp(now.text, value) == 0 : !value)
        return; /* it has this value now */
    struct view *other = view_copy(view);
    view_replace(other, side, key, value ? PRESENT : ABSENT, value, value ? strlen(value) : 0);
    view_seal(other);
    struct plan *plan = inspection_decide(in, policy, other);
    if (plan->row != as_is->row || !same_findings(plan, as_is)) {
        printf("  %-28s %s", what, row_name(plan->row));
        for (size_t i = 0; i < plan->n_actions; i++)
            printf("%s%s", i ? ", " : ": ", action_name(plan->actions[i].kind));
        for (size_t i = 0; i < plan->n_findings; i++)
            printf("%s%s", i ? ", " : " ! ", finding_code_name(plan->findings[i].code));
        putchar('\n');
    }
    plan_free(plan);
    view_free(other);
}

static void print_variants(const struct inspection *in, const struct policy *policy, const struct view *view,
                           const struct plan *as_is)
{
    static const char *const ends[] = {"backend", "frontend"};
    struct arena a = {0};
    print_variant(in, policy, view, as_is, BACKEND, "online", "0", "online = 0");
    print_variant(in, policy, view, as_is, BACKEND, "online", "1", "online = 1");
    for (enum side side = 0; side < 2; side++) {
        for (int state = 0; view->path[side] && state < XENBUS_STATE_COUNT; state++)
            print_variant(in, policy, view, as_is, side, "state", arena_printf(&a, "%d", state),
                          arena_printf(&a, "%s %s", ends[side], xenbus_state_name((enum xenbus_state)state)));
        if (view->path[side])
            print_variant(in, policy, view, as_is, side, "state", NULL,
                          arena_printf(&a, "%s state removed", ends[side]));
    }
    print_variant(in, policy, view, as_is, BACKEND, MARKER_KEY, NULL, "the marker removed");
    struct ending ending = ending_of(answer_finding(as_is), &a);
    if (ending.kind == ENDING_KEY && ending.value && strcmp(ending.key, "state") != 0)
        print_variant(in, policy, view, as_is, ending.side, ending.key, *ending.value ? ending.value : NULL,
                      arena_printf(&a, "%s = %s", ending.key, *ending.value ? ending.value : "(removed)"));
    arena_free(&a);
}

/* ---- the table ---- */

static int print_table(void)
{
    for (enum row row = 0; row < ROW_COUNT; row++) {
        bool ours = row_belongs(row, OWNER_XENRECON), others = row_belongs(row, OWNER_KERNEL);
        printf("%s%s\n    %s\n    %s\n", row_name(row),
               ours && others ? ""
               : ours         ? " (xenrecon)"
                              : " (others)",
               row_condition(row), row_effect(row));
    }
    return finish_output();
}

/* ---- the command ---- */

static int explain(struct inspection *in, char *name, const char *export_to, int colour)
{
    struct located device;
    struct view *view;
    if (inspection_select_one(in, name, &device))
        return STATUS_ERROR;
    const struct policy *policy = inspection_policy(in, device.key.type);
    if (!policy) {
        inspection_say_no_policy(name, device.key.type);
        return STATUS_ERROR;
    }
    if (inspection_view(in, &device, true, &view))
        return STATUS_ERROR;
    if (view->directory == ABSENT) {
        inspection_say_no_device(name, view);
        view_free(view);
        return STATUS_ERROR;
    }
    struct report *report = report_new(device.backend_domid);
    report->terminal = screen_of_stdout(colour);
    inspection_report(in, policy, view, report);
    enum row row = report->devices[0].plan->row;
    progress_end();
    report_print_answer(report, &report->devices[0], policy, view, stdout);
    putchar('\n');
    report_print_text(report, stdout);
    printf("\nrow %s: %s\n    %s\n\ndecided from\n", row_name(row), row_condition(row), row_effect(row));
    print_values(policy, view);
    printf("\nwhat would change it\n");
    print_variants(in, policy, view, report->devices[0].plan);
    int status = finish_output();
    if (status == STATUS_OK && export_to &&
        case_export_write(export_to, policy, view, report->devices[0].frontend_name))
        status = STATUS_ERROR;
    report_free(report);
    view_free(view);
    return status;
}

struct explained {
    struct report *report;
    struct view **views; /* in the order in which they were looked at */
    size_t n;
};

static const struct view *view_of(const struct explained *x, const struct report_device *d)
{
    for (size_t i = 0; i < x->n; i++)
        if (x->views[i]->backend_domid == d->backend_domid && device_key_equal(&x->views[i]->device, &d->key))
            return x->views[i];
    return NULL; /* GCOVR_EXCL_LINE: each device of the report was looked at */
}

static int look_at(struct inspection *in, const struct located *device, struct explained *x)
{
    const struct policy *policy = inspection_policy(in, device->key.type);
    struct view *view;
    if (inspection_view(in, device, true, &view))
        return STATUS_ERROR;
    if (view->directory == ABSENT) { /* it went away since it was listed */
        view_free(view);
        return STATUS_OK;
    }
    inspection_report(in, policy, view, x->report);
    x->views[x->n++] = view;
    return STATUS_OK;
}

static void print_answers(struct inspection *in, const struct explained *x)
{
    struct report *r = x->report;
    struct report_summary s = report_summarize(r);
    report_sort(r);
    printf("%zu device%s", s.devices, s.devices == 1 ? "" : "s");
    health_text_counts(s.health, &r->terminal, stdout);
    fputs("\n\n", stdout);
    for (size_t i = 0; i < r->n_devices; i++)
        report_print_answer(r, &r->devices[i], inspection_policy(in, r->devices[i].key.type),
                            view_of(x, &r->devices[i]), stdout);
}

/* The answers for all that a guest has. */
static int explain_domain(struct inspection *in, const char *domain, int colour)
{
    struct arena a = {0};
    struct located *devices;
    size_t n;
    char *selector = arena_printf(&a, "*/%s", domain);
    int status = inspection_select(in, &selector, 1, &devices, &n) ? STATUS_ERROR : STATUS_OK;
    arena_free(&a);
    if (status != STATUS_OK)
        return status;
    struct explained x = {.report = report_new(inspection_backend_domid(in))};
    x.report->terminal = screen_of_stdout(colour);
    x.views = xcalloc(n + 1, sizeof(struct view *));
    for (size_t i = 0; i < n && status == STATUS_OK; i++)
        status = look_at(in, &devices[i], &x);
    progress_end();
    if (status == STATUS_OK)
        print_answers(in, &x);
    for (size_t i = 0; i < x.n; i++)
        view_free(x.views[i]);
    free(x.views);
    free(devices);
    report_free(x.report);
    return status == STATUS_OK ? finish_output() : status;
}

int cmd_explain(int argc, char **argv)
{
    enum { EXPORT = 256, DUMP, DOMAIN, COLOUR, TABLE, POLICIES, RUNTIME_DIR, QUIET, HELP };
    static const struct option options[] = {
        {"export", required_argument, NULL, EXPORT},
        {"dump", required_argument, NULL, DUMP},
        {"domain", required_argument, NULL, DOMAIN},
        {"color", required_argument, NULL, COLOUR},
        {"table", no_argument, NULL, TABLE},
        {"policies", required_argument, NULL, POLICIES},
        {"runtime-dir", required_argument, NULL, RUNTIME_DIR},
        {"quiet", no_argument, NULL, QUIET},
        {"help", no_argument, NULL, HELP},
        {0},
    };
    const char **dirs = NULL, *export_to = NULL, *domain = NULL;
    struct inspection_source from = {.run_dir = control_client_default_dir()};
    size_t n_dirs = 0, cap_dirs = 0;
    struct inspection *in = NULL;
    bool table = false;
    int colour = COLOUR_AUTO;
    int c, status = -1;
    while (status < 0 && (c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        switch (c) {
        case EXPORT:
            export_to = optarg;
            break;
        case DUMP:
            from.dump = optarg;
            break;
        case DOMAIN:
            domain = optarg;
            break;
        case COLOUR:
            if (screen_take_colour("explain", optarg, &colour))
                status = STATUS_USAGE;
            break;
        case TABLE:
            table = true;
            break;
        case POLICIES:
            xgrow(&dirs, &cap_dirs, n_dirs + 1, sizeof *dirs);
            dirs[n_dirs++] = optarg;
            break;
        case RUNTIME_DIR:
            from.run_dir = optarg;
            break;
        case QUIET:
            be_quiet();
            break;
        case HELP:
            status = print_help(help);
            break;
        default:
            status = usage_bad_option("explain", c, argv);
            break;
        }
    }
    from.dirs = dirs;
    from.n_dirs = n_dirs;
    if (status < 0 && table)
        status = argc == optind ? print_table() : usage_error("explain", "--table wants no DEVICE");
    if (status < 0 && domain && (argc != optind || export_to))
        status = usage_error("explain", "--domain wants neither a DEVICE nor --export");
    if (status < 0 && !domain && argc - optind != 1)
        status = usage_error("explain", "it wants one DEVICE, such as qdisk/7/51712");
    if (status < 0)
        status = inspection_begin(&from, &in) ? STATUS_ERROR
                 : domain                     ? explain_domain(in, domain, colour)
                                              : explain(in, argv[optind], export_to, colour);
    inspection_end(in);
    free(dirs);
    return status;
}
