/* SPDX-License-Identifier: MIT */
/* `xenrecon history`: what the running daemon decided for a device. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "controller/base/progress.h"
#include "controller/cli/cli.h"
#include "controller/cli/control_client.h"
#include "controller/cli/daemon_options.h"
#include "controller/cli/status_answer.h"
#include "controller/cli/status_text.h"
#include "schemas/json.h"
#include "schemas/value.h"

static const char help[] =
    "Usage: xenrecon history [OPTION]... DEVICE\n"
    "Shows what the running daemon decided for a device, from which values, what it did and what came of it: "
    "the\n"
    "oldest first, as far back as it remembers. It forgets when it is restarted, and what is oldest when "
    "there is\n"
    "too much.\n"
    "\n"
    "  --last N             only the last N decisions (default 20)\n"
    "  --format text|json   how (default text); JSON is as\n"
    "                       " XENRECON_DATADIR "/schemas/history.schema.json says\n"
    "  --color WHEN         always, never, or auto: on a terminal, unless NO_COLOR is set (default)\n"
    "  --runtime-dir DIR    the daemon's run directory (default $XENRECON_RUNTIME_DIR, or /run/xenrecon)\n"
    "  --quiet              no progress on stderr while the daemon is waited for\n"
    "  --help               print this\n"
    "\n"
    "Exit status: 0, 1 on error, 64 when the command line is wrong.\n";

struct history_options {
    struct daemon_options common;
    uint64_t last;
};

static void on_line(void *arg, const json_t *line)
{
    json_t *decision = json_object_get(line, "decision");
    if (decision)
        jappend(arg, json_incref(decision));
}

static void print_json(const char *device, json_t *decisions)
{
    json_t *root = jobject();
    jput(root, "version", jcount(1));
    jput(root, "device", jtext(device));
    jput(root, "decisions", json_incref(decisions));
    json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(14));
    putchar('\n');
    json_decref(root);
}

static int history(const struct history_options *o, char *text)
{
    struct control_client *ask;
    char *device = status_answer_one(o->common.run_dir, text);
    if (!device || control_client_open(o->common.run_dir, false, &ask)) {
        free(device);
        return STATUS_ERROR;
    }
    json_t *decisions = jarray(), *members = jobject();
    jput(members, "device", jtext(device));
    jput(members, "last", jcount(o->last));
    int error = control_client_request(ask, "history", members, on_line, decisions);
    progress_end();
    struct terminal term = screen_of_stdout(o->common.colour);
    if (!error && daemon_options_format_is(&o->common, "json"))
        print_json(device, decisions);
    else if (!error)
        history_text_print(device, decisions, &term, stdout);
    control_client_close(ask);
    json_decref(decisions);
    free(device);
    return error ? STATUS_ERROR : finish_output();
}

int cmd_history(int argc, char **argv)
{
    enum { LAST = 256 };
    static const char *const formats[] = {"text", "json", NULL};
    static const struct option options[] = {{"last", required_argument, NULL, LAST}, DAEMON_OPTIONS, {0}};
    struct history_options o = {.common = daemon_options_default(formats), .last = 20};
    int c, status;
    while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (c == LAST) {
            if (parse_decimal(optarg, strlen(optarg), 1000000, &o.last))
                return usage_error("history", "--last wants a number, not \"%s\"", optarg);
        } else if (daemon_options_take("history", c, argv, help, &o.common, &status)) {
            return status;
        }
    }
    if (argc - optind != 1)
        return usage_error("history", "it wants one DEVICE, such as qdisk/7/51712");
    return history(&o, argv[optind]);
}
