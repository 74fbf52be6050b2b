/* SPDX-License-Identifier: MIT */
/* `xenrecon status`: what the running daemon holds. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "controller/base/log.h"
#include "controller/cli/cli.h"
#include "controller/cli/daemon_options.h"
#include "controller/cli/status_answer.h"
#include "controller/cli/status_text.h"
#include "schemas/json.h"
#include "schemas/value.h"

static const char help[] =
    "Usage: xenrecon status [OPTION]... [DEVICE]...\n"
    "Shows what the running daemon holds: of itself, and of all devices or those named.\n"
    "\n"
    "  --watch[=SECONDS]    show it again every 2 SECONDS, until interrupted\n"
    "  --format text|wide|json\n"
    "                       how (default text); wide has the rows of the decision table, too; JSON is as\n"
    "                       " XENRECON_DATADIR "/schemas/status.schema.json says\n"
    "  --color WHEN         always, never, or auto: on a terminal, unless NO_COLOR is set (default)\n"
    "  --runtime-dir DIR    the daemon's run directory (default $XENRECON_RUNTIME_DIR, or /run/xenrecon)\n"
    "  --quiet              no progress on stderr while the daemon is waited for\n"
    "  --help               print this\n"
    "\n"
    "Exit status: 0, 1 on error, 64 when the command line is wrong.\n";

struct status_options {
    struct daemon_options common;
    char **names;
    int n_names;
    bool watch;
    unsigned interval; /* --watch: seconds between two screens */
};

static void print_json(const struct status_answer *a, bool one_line, FILE *to)
{
    json_t *root = jobject();
    jput(root, "version", jcount(1));
    jput(root, "daemon", json_incref(a->daemon));
    jput(root, "devices", json_incref(a->devices));
    json_dumpf(root, to, (one_line ? JSON_COMPACT : JSON_INDENT(2)) | JSON_REAL_PRECISION(14));
    fputc('\n', to);
    json_decref(root);
}

static void print_text(const struct status_options *o, const struct status_answer *a,
                       const struct terminal *term, FILE *to)
{
    struct status_view view = {
        .term = term, .naming = naming_open(), .wide = daemon_options_format_is(&o->common, "wide")};
    status_text_print(a->daemon, a->devices, &view, to);
    naming_free(view.naming);
}

/* Prints no more lines than the screen has. */
static void print_screen(const char *text, const struct terminal *term)
{
    size_t lines = 0;
    const char *end = text;
    while (*end && lines + 1 < term->height) {
        end += strcspn(end, "\n") + 1;
        lines++;
    }
    if (term->interactive)
        fputs("\033[H\033[2J", stdout);
    fwrite(text, 1, (size_t)(end - text), stdout);
    fputs(*end ? "..." : term->interactive ? "" : "\n", stdout);
}

static int show(const struct status_options *o)
{
    struct status_answer a;
    char *text = NULL;
    size_t size;
    if (status_answer_ask(o->common.run_dir, o->names, (size_t)o->n_names, &a))
        return STATUS_ERROR;
    struct terminal term = screen_of_stdout(o->common.colour);
    FILE *to =
        o->watch && !daemon_options_format_is(&o->common, "json") ? open_memstream(&text, &size) : stdout;
    if (!to)
        abort(); /* as for any memory */
    if (daemon_options_format_is(&o->common, "json"))
        print_json(&a, o->watch, to);
    else
        print_text(o, &a, &term, to);
    if (to != stdout)
        fclose(to);
    if (text) /* it is there once the stream is closed */
        print_screen(text, &term);
    free(text);
    status_answer_clear(&a);
    return finish_output();
}

/* Goes on while the daemon is restarted; ends when nobody reads the output. */
static int watch(const struct status_options *o)
{
    struct terminal term = screen_of_stdout(o->common.colour);
    const struct timespec pause = {.tv_sec = o->interval};
    int status = show(o);
    while (status == STATUS_OK || (term.interactive && !ferror(stdout))) {
        nanosleep(&pause, NULL);
        status = show(o);
    }
    return status;
}

/* `text` NULL: the interval stays as it is. */
static int parse_interval(const char *text, unsigned *ret_interval)
{
    uint64_t seconds = *ret_interval;
    if (text && (parse_decimal(text, strlen(text), 3600, &seconds) || seconds == 0))
        return -EINVAL;
    *ret_interval = (unsigned)seconds;
    return 0;
}

int cmd_status(int argc, char **argv)
{
    enum { WATCH = 256 };
    static const char *const formats[] = {"text", "wide", "json", NULL};
    static const struct option options[] = {{"watch", optional_argument, NULL, WATCH}, DAEMON_OPTIONS, {0}};
    struct status_options o = {.common = daemon_options_default(formats), .interval = 2};
    int c, status;
    while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (c == WATCH) {
            o.watch = true;
            if (parse_interval(optarg, &o.interval))
                return usage_error("status", "--watch wants seconds, 1 to 3600, not \"%s\"", optarg);
        } else if (daemon_options_take("status", c, argv, help, &o.common, &status)) {
            return status;
        }
    }
    o.names = argv + optind;
    o.n_names = argc - optind;
    return o.watch ? watch(&o) : show(&o);
}
