/* SPDX-License-Identifier: MIT */
/* `xenrecon plan`: the dry-run report. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "controller/base/log.h"
#include "controller/base/progress.h"
#include "controller/cli/cli.h"
#include "controller/cli/control_client.h"
#include "controller/cli/dump_file.h"
#include "controller/cli/dump_list.h"
#include "controller/cli/inspect.h"
#include "controller/cli/screen.h"
#include "schemas/age.h"
#include "schemas/mem.h"
#include "schemas/report/fleet.h"
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
    "                        xenstore-ls prints; best of all `xenstore-ls -fp > FILE`. Several of them, or "
    "a\n"
    "                        folder of them, make one report of several hosts, the sickest first\n"
    "  --domain N|all        of the backends in another domain, or in all; a dump shows all. This takes "
    "dom0\n"
    "  --format text|wide|json|html|csv\n"
    "                        how (default text); wide has the rows of the decision table, too; csv has a\n"
    "                        line for each device; JSON is as\n"
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
    void (*print)(const struct report *r, FILE *to); /* of one host; NULL: as of several */
    void (*print_fleet)(const struct fleet *f, FILE *to);
    bool values; /* shows the values of each device */
    bool wide;
};

static const struct format formats[] = {
    {"text", report_print_text, fleet_print_text, false, false},
    {"wide", report_print_text, fleet_print_text, false, true},
    {"json", report_print_json, fleet_print_json, false, false},
    {"html", report_print_html, fleet_print_html, true, false},
    {"csv", NULL, fleet_print_csv, false, false},
};
enum { FORMATS = sizeof formats / sizeof *formats };

struct plan_options {
    struct inspection **first; /* whose policies all reports quote: it lives until they are printed */
    const char **dirs;
    size_t n_dirs, cap_dirs;
    const char **dumps; /* files, folders, or - for stdin; none: the live store */
    size_t n_dumps, cap_dumps;
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

/* Those that there are. */
static int report_matching(struct inspection *in, char **names, size_t n, struct report *report)
{
    int status = STATUS_OK;
    for (size_t i = 0; i < n && status == STATUS_OK; i++) {
        struct located *devices;
        size_t n_devices, kept = 0;
        if (inspection_select_quietly(in, names[i], &devices, &n_devices))
            continue;
        for (size_t j = 0; j < n_devices; j++) {
            bool twice = false;
            for (size_t k = 0; k < report->n_devices && !twice; k++)
                twice = device_key_equal(&report->devices[k].key, &devices[j].key) &&
                        report->devices[k].backend_domid == devices[j].backend_domid;
            if (!twice)
                devices[kept++] = devices[j];
        }
        status = report_each(in, devices, kept, false, report);
    }
    return status;
}

/* What is looked at. */
struct subject {
    const char *file;    /* of a dump; NULL: the live store */
    struct dump *parsed; /* the dump */
    const char *host;    /* as the dump's; NULL: ours */
};

/* A report in a file says where it came from. */
static void say_origin(const struct inspection *in, const struct subject *of, struct report *r)
{
    char host[65] = "", moment[MOMENT_SIZE];
    r->generated = (uint64_t)time(NULL) * 1000;
    const char *when = moment_format(r->generated, moment);
    if (of->host)
        snprintf(host, sizeof host, "%s", of->host);
    else if (gethostname(host, sizeof host - 1))
        host[0] = '\0';
    r->hostname = host[0] ? arena_strdup(&r->arena, host) : NULL;
    r->source = inspection_source_name(in, of->file);
    if (of->file)
        r->origin = arena_printf(&r->arena, "A dump, %s, read at %s by xenrecon " XENRECON_VERSION,
                                 strcmp(of->file, "-") == 0 ? "from standard input" : of->file, when);
    else
        r->origin =
            arena_printf(&r->arena, "The store of %s at %s, read by xenrecon " XENRECON_VERSION, host, when);
}

/* `one`: it is the only one, and has to have what is named. */
static int look(const struct plan_options *o, const struct subject *of, char **names, size_t n, bool one,
                struct report **ret_report)
{
    struct inspection *in;
    struct inspection_source from = {.dump = of->file,
                                     .parsed = of->parsed,
                                     .like = *o->first,
                                     .dirs = o->dirs,
                                     .n_dirs = o->n_dirs,
                                     .run_dir = o->run_dir,
                                     .scope = o->scope,
                                     .domid = o->domid};
    if (inspection_begin(&from, &in))
        return STATUS_ERROR;
    struct report *report = report_new(inspection_backend_domid(in));
    report->keeps_values = o->format->values;
    report->wide = o->format->wide;
    report->terminal = screen_of_stdout(o->colour);
    say_origin(in, of, report);
    int status = n == 0 ? report_all(in, report)
                 : one  ? report_named(in, names, n, report)
                        : report_matching(in, names, n, report);
    if (status == STATUS_OK) {
        inspection_report_dump(in, report);
        report_sort(report);
        if (o->problems)
            report_keep_problems(report);
    }
    if (*o->first)
        inspection_end(in);
    else
        *o->first = in;
    if (status != STATUS_OK) {
        report_free(report);
        report = NULL;
    }
    *ret_report = report;
    return status;
}

static int judge(const struct plan_options *o, const struct report_summary *sum)
{
    int status = finish_output();
    bool found = sum->actions || sum->errors || sum->warnings;
    return status == STATUS_OK && o->detailed && found ? STATUS_FOUND : status;
}

static int print_one(const struct plan_options *o, const struct subject *of, char **names, size_t n)
{
    struct report *report;
    int status = look(o, of, names, n, true, &report);
    if (status != STATUS_OK)
        return status;
    progress_end();
    struct report_summary sum = report_summarize(report);
    if (o->format->print) {
        o->format->print(report, stdout);
        report_free(report);
    } else {
        struct fleet f = {0};
        fleet_add(&f, report->hostname ? report->hostname : "", NULL, report);
        o->format->print_fleet(&f, stdout);
        fleet_clear(&f);
    }
    return judge(o, &sum);
}

/* ---- several dumps ---- */

/* `storage-1` of `dumps/storage-1.txt` */
static const char *host_of_file(const char *file, char buf[static 80])
{
    const char *name = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
    const char *dot = strrchr(name, '.');
    size_t len = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    snprintf(buf, 80, "%.*s", len < 79 ? (int)len : 79, name);
    return buf;
}

/* A host that has nothing of what is named is not in the report. */
static int add_host(const struct plan_options *o, const struct subject *of, char **names, size_t n,
                    struct fleet *f)
{
    struct report *report;
    int status = look(o, of, names, n, false, &report);
    if (status == STATUS_OK && n && !report_summarize(report).devices)
        report_free(report);
    else if (status == STATUS_OK)
        fleet_add(f, of->host, NULL, report);
    return status;
}

static int add_hosts(const struct plan_options *o, const char *file, const struct dump_hosts *hosts,
                     char **names, size_t n, struct fleet *f)
{
    char name[80];
    int status = STATUS_OK;
    for (size_t i = 0; i < hosts->n && status == STATUS_OK; i++) {
        const char *host = hosts->n > 1 ? hosts->list[i].name : host_of_file(file, name);
        struct subject of = {file, hosts->list[i].dump, host};
        status = add_host(o, &of, names, n, f);
    }
    return status;
}

static int add_file(const struct plan_options *o, const char *file, char **names, size_t n, struct fleet *f)
{
    struct dump_hosts hosts;
    char why[DUMP_FILE_WHY_SIZE];
    if (dump_file_load(file, &hosts, why)) {
        fleet_add(f, file, why, NULL);
        return STATUS_OK;
    }
    int status = add_hosts(o, file, &hosts, names, n, f);
    dump_hosts_clear(&hosts);
    return status;
}

/* Where any could not be read, that is the exit status, for all that the others are reported. */
static int print_fleet(const struct plan_options *o, struct fleet *f, char **names, size_t n)
{
    if (n && f->n == f->unread) {
        log_error("%s: there is no such device in any of the dumps", names[0]);
        return STATUS_ERROR;
    }
    struct report_summary sum = fleet_summarize(f);
    progress_end();
    fleet_sort(f);
    o->format->print_fleet(f, stdout);
    int status = judge(o, &sum);
    return f->unread ? STATUS_ERROR : status;
}

/* One file of one host is as the store of one. */
static int plan_dumps(const struct plan_options *o, char **names, size_t n)
{
    struct dump_list files = {0};
    struct dump_hosts hosts = {0};
    struct fleet f = {0};
    char why[DUMP_FILE_WHY_SIZE];
    int status = dump_list_find(o->dumps, o->n_dumps, &files) ? STATUS_ERROR : STATUS_OK;
    bool one = files.n == 1 && !files.folders;
    if (one)
        status = dump_file_load(files.list[0], &hosts, why) ? STATUS_ERROR : STATUS_OK;
    if (one && status == STATUS_OK && hosts.n == 1) {
        struct subject of = {.file = files.list[0], .parsed = hosts.list[0].dump};
        status = print_one(o, &of, names, n);
    } else {
        if (one && status == STATUS_OK)
            status = add_hosts(o, files.list[0], &hosts, names, n, &f);
        for (size_t i = 0; i < files.n && status == STATUS_OK && !one; i++)
            status = add_file(o, files.list[i], names, n, &f);
        if (status == STATUS_OK)
            status = print_fleet(o, &f, names, n);
    }
    fleet_clear(&f);
    dump_hosts_clear(&hosts);
    dump_list_clear(&files);
    return status;
}

static int plan(const struct plan_options *o, char **names, int n)
{
    const struct subject live = {0};
    return o->n_dumps ? plan_dumps(o, names, (size_t)n) : print_one(o, &live, names, (size_t)n);
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
    struct inspection *first = NULL;
    struct plan_options o = {.first = &first, .run_dir = control_client_default_dir(), .format = &formats[0]};
    int c, status = -1;
    while (status < 0 && (c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        switch (c) {
        case DUMP:
            xgrow(&o.dumps, &o.cap_dumps, o.n_dumps + 1, sizeof *o.dumps);
            o.dumps[o.n_dumps++] = optarg;
            break;
        case DOMAIN:
            status = parse_domain(optarg, &o);
            break;
        case FORMAT:
            if (!find_format(optarg, &o.format))
                status = usage_error("plan", "--format is text, wide, json, html or csv, not \"%s\"", optarg);
            break;
        case COLOUR:
            if (screen_take_colour("plan", optarg, &o.colour))
                status = STATUS_USAGE;
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
    if (status < 0 && o.n_dumps && o.scope == SCOPE_ONE)
        status = usage_error("plan", "a dump is looked at as a whole: --domain does not go with --dump");
    if (status < 0)
        status = plan(&o, argv + optind, argc - optind);
    inspection_end(first);
    free(o.dirs);
    free(o.dumps);
    return status;
}
