/* SPDX-License-Identifier: MIT */
/* `xenrecon plan`: the dry-run report. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "controller/base/log.h"
#include "controller/base/progress.h"
#include "controller/cli/cli.h"
#include "controller/cli/control_client.h"
#include "controller/cli/inspect.h"
#include "controller/cli/screen.h"
#include "schemas/age.h"
#include "schemas/mem.h"
#include "schemas/value.h"

static const char help[] =
    "Usage: xenrecon plan [OPTION]... [DEVICE]...\n"
    "Reports what `xenrecon run` would do about all devices, or those named, and what is wrong with them. "
    "Writes\n"
    "nothing. Without --dump and --policies a running daemon is asked what it remembers and which policies "
    "it "
    "has,\n"
    "so that ages are known and both say the same; stderr says whether there was one.\n"
    "\n"
    "  --dump FILE           report on a store of which FILE (or stdin: -) is a dump, in any form that\n"
    "                        xenstore-ls prints; best of all `xenstore-ls -fp > FILE`\n"
    "  --domain N|all        of the backends in another domain, or in all; a dump shows all. This takes "
    "dom0\n"
    "  --format text|wide|json|html\n"
    "                        how (default text); wide has the rows of the decision table, too; JSON is as\n"
    "                        " XENRECON_DATADIR "/schemas/plan.schema.json says;\n"
    "                        html is one file to attach to a ticket, with the values that were read, but\n"
    "                        for secrets: xenrecon plan --format html > report.html\n"
    "  --problems            leave out the devices of which there is nothing to be said\n"
    "  --color WHEN          always, never, or auto: on a terminal, unless NO_COLOR is set (default)\n"
    "  --detailed-exitcode   exit with 2 when something would be done or is wrong\n"
    "  --policies DIR        take the policies from DIR (repeatable) instead of the default places\n"
    "  --runtime-dir DIR     the daemon's run directory (default $XENRECON_RUNTIME_DIR, or /run/xenrecon)\n"
    "  --quiet               neither remarks nor progress on stderr, only warnings and errors\n"
    "  --help                print this\n"
    "\n"
    "Exit status: 0, 1 on error, 64 when the command line is wrong.\n";

struct format {
    const char *name;
    void (*print)(const struct report *r, FILE *to);
    bool values; /* shows the values of each device */
    bool wide;
};

static const struct format formats[] = {
    {"text", report_print_text, false, false},
    {"wide", report_print_text, false, true},
    {"json", report_print_json, false, false},
    {"html", report_print_html, true, false},
};
enum { FORMATS = sizeof formats / sizeof *formats };

struct plan_options {
    const char **dirs;
    size_t n_dirs, cap_dirs;
    const char *dump; /* NULL: the live store */
    const char *run_dir;
    enum inspection_scope scope;
    uint16_t domid;
    const struct format *format;
    bool detailed, problems;
    int colour; /* as screen_of_stdout() takes it */
};

static int report_on(struct inspection *in, const struct located *device, bool named, struct report *report)
{
    const struct device_key *key = &device->key;
    const struct policy *policy = inspection_policy(in, key->type);
    char name[DEVICE_KEY_SIZE];
    struct view *view;
    device_key_format(key, name);
    if (!policy) {
        inspection_say_no_policy(name, key->type);
        return STATUS_ERROR;
    }
    if (inspection_view(in, device, report->keeps_values, &view))
        return STATUS_ERROR;
    bool gone = view->directory == ABSENT;
    if (gone && named)
        inspection_say_no_device(name, view);
    else if (!gone) /* a device that went away since it was listed is not mentioned */
        inspection_report(in, policy, view, report);
    view_free(view);
    return gone && named ? STATUS_ERROR : STATUS_OK;
}

static int report_each(struct inspection *in, struct located *devices, size_t n, bool named,
                       struct report *report)
{
    int status = STATUS_OK;
    progress_begin("", "looking at devices");
    for (size_t i = 0; i < n && status == STATUS_OK; i++) {
        progress_at(i, n);
        status = report_on(in, &devices[i], named, report);
    }
    free(devices);
    return status;
}

static int report_all(struct inspection *in, struct report *report)
{
    struct located *devices;
    size_t n;
    if (inspection_list(in, &devices, &n, report))
        return STATUS_ERROR;
    if (inspection_leaks(in, report)) {
        free(devices);
        return STATUS_ERROR;
    }
    return report_each(in, devices, n, false, report);
}

static int report_named(struct inspection *in, char **names, size_t n, struct report *report)
{
    struct located *devices;
    size_t n_devices;
    if (inspection_select(in, names, n, &devices, &n_devices))
        return STATUS_ERROR;
    return report_each(in, devices, n_devices, naming_exact(names, n), report);
}

static bool find_format(const char *name, const struct format **ret_format)
{
    for (int i = 0; i < FORMATS; i++)
        if (strcmp(formats[i].name, name) == 0) {
            *ret_format = &formats[i];
            return true;
        }
    return false;
}

/* A report in a file says where it came from. */
static void say_origin(const struct inspection *in, const struct plan_options *o, struct report *r)
{
    char host[65] = "", moment[MOMENT_SIZE];
    r->generated = (uint64_t)time(NULL) * 1000;
    const char *when = moment_format(r->generated, moment);
    if (gethostname(host, sizeof host - 1))
        host[0] = '\0';
    r->hostname = host[0] ? arena_strdup(&r->arena, host) : NULL;
    r->source = inspection_source_name(in, o->dump);
    if (o->dump)
        r->origin = arena_printf(&r->arena, "A dump, %s, read at %s by xenrecon " XENRECON_VERSION,
                                 strcmp(o->dump, "-") == 0 ? "from standard input" : o->dump, when);
    else
        r->origin =
            arena_printf(&r->arena, "The store of %s at %s, read by xenrecon " XENRECON_VERSION, host, when);
}

static int plan(const struct plan_options *o, char **names, int n)
{
    struct inspection *in;
    struct inspection_source from = {o->dump, o->dirs, o->n_dirs, o->run_dir, o->scope, o->domid};
    if (inspection_begin(&from, &in))
        return STATUS_ERROR;
    struct report *report = report_new(inspection_backend_domid(in));
    report->keeps_values = o->format->values;
    report->wide = o->format->wide;
    report->terminal = screen_of_stdout(o->colour);
    say_origin(in, o, report);
    int status = n ? report_named(in, names, (size_t)n, report) : report_all(in, report);
    if (status == STATUS_OK) {
        inspection_report_dump(in, report);
        report_sort(report);
        if (o->problems)
            report_keep_problems(report);
        progress_end();
        o->format->print(report, stdout);
        status = finish_output();
        struct report_summary sum = report_summarize(report);
        if (status == STATUS_OK && o->detailed && (sum.actions || sum.errors || sum.warnings))
            status = STATUS_FOUND;
    }
    report_free(report);
    inspection_end(in);
    return status;
}

/* Takes the argument of --domain. */
static int parse_domain(const char *text, struct plan_options *o)
{
    uint64_t domid = 0;
    o->scope = strcmp(text, "all") == 0 ? SCOPE_ALL : SCOPE_ONE;
    if (o->scope == SCOPE_ONE && parse_decimal(text, strlen(text), DOMID_MAX, &domid))
        return usage_error("plan", "--domain is a domain's number, or all, not \"%s\"", text);
    o->domid = (uint16_t)domid;
    return -1; /* as in cmd_plan(): go on */
}

int cmd_plan(int argc, char **argv)
{
    enum { DUMP = 256, DOMAIN, FORMAT, COLOUR, DETAILED, PROBLEMS, POLICIES, RUNTIME_DIR, QUIET, HELP };
    static const struct option options[] = {
        {"dump", required_argument, NULL, DUMP},
        {"domain", required_argument, NULL, DOMAIN},
        {"format", required_argument, NULL, FORMAT},
        {"color", required_argument, NULL, COLOUR},
        {"detailed-exitcode", no_argument, NULL, DETAILED},
        {"problems", no_argument, NULL, PROBLEMS},
        {"policies", required_argument, NULL, POLICIES},
        {"runtime-dir", required_argument, NULL, RUNTIME_DIR},
        {"quiet", no_argument, NULL, QUIET},
        {"help", no_argument, NULL, HELP},
        {0},
    };
    struct plan_options o = {.run_dir = control_client_default_dir(), .format = &formats[0]};
    int c, status = -1;
    while (status < 0 && (c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        switch (c) {
        case DUMP:
            o.dump = optarg;
            break;
        case DOMAIN:
            status = parse_domain(optarg, &o);
            break;
        case FORMAT:
            if (!find_format(optarg, &o.format))
                status = usage_error("plan", "--format is text, wide, json or html, not \"%s\"", optarg);
            break;
        case COLOUR:
            o.colour = screen_parse_colour(optarg);
            if (o.colour < 0)
                status = usage_error("plan", "--color is auto, always or never, not \"%s\"", optarg);
            break;
        case DETAILED:
            o.detailed = true;
            break;
        case PROBLEMS:
            o.problems = true;
            break;
        case POLICIES:
            xgrow(&o.dirs, &o.cap_dirs, o.n_dirs + 1, sizeof *o.dirs);
            o.dirs[o.n_dirs++] = optarg;
            break;
        case RUNTIME_DIR:
            o.run_dir = optarg;
            break;
        case QUIET:
            be_quiet();
            break;
        case HELP:
            status = print_help(help);
            break;
        default:
            status = usage_bad_option("plan", c, argv);
            break;
        }
    }
    if (status < 0 && o.dump && o.scope == SCOPE_ONE)
        status = usage_error("plan", "a dump is looked at as a whole: --domain does not go with --dump");
    if (status < 0)
        status = plan(&o, argv + optind, argc - optind);
    free(o.dirs);
    return status;
}
