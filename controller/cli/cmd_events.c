/* SPDX-License-Identifier: MIT */
/* `xenrecon events`: what happened on this host; and `xenrecon logs`: of that, what workers and scripts
 * printed. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "controller/base/progress.h"
#include "controller/cli/cli.h"
#include "controller/cli/control_client.h"
#include "controller/cli/daemon_options.h"
#include "controller/cli/naming.h"
#include "controller/cli/screen.h"
#include "schemas/age.h"
#include "schemas/json.h"
#include "schemas/policy/duration.h"

#define OPTIONS_HELP                                                                                       \
    "  --since TIME           only from then on: 30s, 10m, 2h ago, or 2026-01-31T23:59[:59], local time, " \
    "or with Z\n"                                                                                          \
    "  --follow               go on, until interrupted\n"                                                  \
    "  --format text|jsonl    how (default text); each line of jsonl is as\n"                              \
    "                         " XENRECON_DATADIR "/schemas/events.schema.json says\n"                      \
    "  --color WHEN           always, never, or auto: on a terminal, unless NO_COLOR is set (default)\n"   \
    "  --runtime-dir DIR      the daemon's run directory (default $XENRECON_RUNTIME_DIR, or "              \
    "/run/xenrecon)\n"                                                                                     \
    "  --quiet                no progress on stderr while the daemon is waited for\n"                      \
    "  --help                 print this\n"                                                                \
    "\n"                                                                                                   \
    "Exit status: 0, 1 on error, 64 when the command line is wrong.\n"

static const char events_help[] = "Usage: xenrecon events [OPTION]... [DEVICE]...\n"
                                  "Shows what happened on this host, the oldest first, or to the devices "
                                  "named: what was done, what was found and what of\n"
                                  "that has ended, workers that started and died, reloads. It is kept over "
                                  "restarts of the daemon; of what is too much,\n"
                                  "the guest that has the most loses its oldest.\n"
                                  "\n" OPTIONS_HELP;

static const char logs_help[] =
    "Usage: xenrecon logs [OPTION]... DEVICE...\n"
    "Shows what the workers and hotplug scripts of these devices printed, as far as it was logged: the "
    "oldest first. The\n"
    "last 4 KiB that a worker printed, logged or not, are in `xenrecon status --format json`.\n"
    "\n" OPTIONS_HELP;

struct events_options {
    struct daemon_options common;
    char *const *texts;
    size_t n_texts;
    uint64_t since; /* milliseconds since 1970 */
    bool follow;
    bool output; /* only what workers and scripts printed */
};

enum { FOLLOW_MS = 300 };

/* ---- --since ---- */

/* A time of the calendar: 0, or -EINVAL. */
static int parse_date(const char *text, uint64_t *ret_ms)
{
    static const char *const formats[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S",
                                          "%Y-%m-%d %H:%M", "%Y-%m-%d"};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        struct tm tm = {.tm_isdst = -1};
        const char *end = strptime(text, formats[i], &tm);
        bool utc = end && strcmp(end, "Z") == 0;
        if (!end || (*end && !utc))
            continue;
        time_t seconds = utc ? timegm(&tm) : mktime(&tm);
        if (seconds < 0)
            return -EINVAL;
        *ret_ms = (uint64_t)seconds * 1000;
        return 0;
    }
    return -EINVAL;
}

static int parse_since(const char *text, uint64_t *ret_ms)
{
    uint32_t ago;
    if (duration_parse(text, strlen(text), &ago))
        return parse_date(text, ret_ms);
    *ret_ms = (uint64_t)time(NULL) * 1000 - ago;
    return 0;
}

/* ---- what is printed ---- */

struct showing {
    const struct events_options *o;
    struct terminal term;
    struct naming *naming; /* NULL: nobody is selected */
    uint64_t last;         /* number */
};

static enum colour colour_of(const json_t *event)
{
    const char *level = jget_text(event, "level"), *kind = jget_text(event, "event");
    if (kind && strcmp(kind, "cleared") == 0)
        return GOOD;
    if (level && strcmp(level, "error") == 0)
        return BAD;
    return level && strcmp(level, "warning") == 0 ? UNSURE : PLAIN;
}

static void print_time(const char *text, FILE *to)
{
    char local[LOCAL_TIME_SIZE];
    uint64_t when;
    fputs(moment_parse(text, &when) ? local_time_format(when, local) : "?", to);
}

static bool wanted(const struct showing *s, const json_t *event)
{
    const char *device = jget_text(event, "device");
    const char *kind = jget_text(event, "event");
    struct located at = {0};
    if (s->o->output && !(kind && strcmp(kind, "output") == 0))
        return false;
    if (!s->naming)
        return true;
    return device && !device_key_parse(device, strlen(device), &at.key) &&
           naming_matches(s->naming, s->o->texts, s->o->n_texts, &at);
}

static void on_line(void *arg, const json_t *line)
{
    struct showing *s = arg;
    const json_t *event = json_object_get(line, "event");
    const char *message = jget_text(event, "message");
    if (!event)
        return;
    s->last = (uint64_t)jget_int(event, "number", (int64_t)s->last);
    if (!wanted(s, event))
        return;
    if (daemon_options_format_is(&s->o->common, "jsonl")) {
        json_dumpf(event, stdout, JSON_COMPACT);
        putchar('\n');
        return;
    }
    print_time(jget_text(event, "time"), stdout);
    fputs("  ", stdout);
    terminal_begin(&s->term, colour_of(event), stdout);
    fputs(message ? message : "?", stdout);
    terminal_end(&s->term, colour_of(event), stdout);
    putchar('\n');
}

static int ask(struct showing *s, bool quiet)
{
    struct control_client *client;
    int error = control_client_open(s->o->common.run_dir, quiet, &client);
    if (error)
        return error;
    json_t *members = jobject();
    jput(members, "after", jcount(s->last));
    jput(members, "since", jcount(s->o->since));
    error = control_client_request(client, "events", members, on_line, s);
    control_client_close(client);
    progress_end();
    return error;
}

static int events(const struct events_options *o)
{
    struct showing s = {.o = o, .term = screen_of_stdout(o->common.colour)};
    if (naming_check(o->texts, o->n_texts))
        return STATUS_ERROR;
    if (o->n_texts)
        s.naming = naming_open();
    int error = ask(&s, false), status = finish_output();
    /* a daemon that is restarted goes on where it was */
    while (o->follow && !error && status == STATUS_OK) {
        nanosleep(&(struct timespec){.tv_nsec = FOLLOW_MS * 1000000L}, NULL);
        error = ask(&s, true);
        if (error == -ENOENT || error == -ECONNREFUSED)
            error = 0;
        status = finish_output();
    }
    naming_free(s.naming);
    return error ? STATUS_ERROR : status;
}

static int run(const char *command, const char *help, bool output, int argc, char **argv)
{
    enum { SINCE = 256, FOLLOW };
    static const char *const formats[] = {"text", "jsonl", NULL};
    static const struct option options[] = {{"since", required_argument, NULL, SINCE},
                                            {"follow", no_argument, NULL, FOLLOW},
                                            DAEMON_OPTIONS,
                                            {0}};
    struct events_options o = {.common = daemon_options_default(formats), .output = output};
    int c, status;
    while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (c == FOLLOW)
            o.follow = true;
        else if (c == SINCE && parse_since(optarg, &o.since))
            return usage_error(command, "--since is a time like 10m, 2h or 2026-01-31T23:59, not \"%s\"",
                               optarg);
        else if (c != SINCE && daemon_options_take(command, c, argv, help, &o.common, &status))
            return status;
    }
    o.texts = argv + optind;
    o.n_texts = (size_t)(argc - optind);
    if (output && !o.n_texts)
        return usage_error(command, "it wants a DEVICE, such as qdisk/7/51712 or */web/*");
    return events(&o);
}

int cmd_events(int argc, char **argv)
{
    return run("events", events_help, false, argc, argv);
}

int cmd_logs(int argc, char **argv)
{
    return run("logs", logs_help, true, argc, argv);
}
