/* SPDX-License-Identifier: MIT */
/* `xenrecon check`: a plugin for monitoring systems. What they read is the exit status, one line, and behind
 * its bar the figures. Source: the guidelines of the Monitoring Plugins project. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "controller/base/log.h"
#include "controller/base/progress.h"
#include "controller/cli/cli.h"
#include "controller/cli/control_client.h"
#include "controller/cli/status_answer.h"
#include "schemas/arena.h"
#include "schemas/health.h"
#include "schemas/json.h"

static const char help[] =
    "Usage: xenrecon check [OPTION]... [DEVICE]...\n"
    "For monitoring systems, as Icinga and Nagios have them: asks the running daemon how all devices are, or "
    "those\n"
    "named, and prints one line with figures.\n"
    "\n"
    "  --warning HEALTH,...   which health of a device is a warning (default degraded,unknown)\n"
    "  --critical HEALTH,...  which one is critical (default failed)\n"
    "  --runtime-dir DIR      the daemon's run directory (default $XENRECON_RUNTIME_DIR, or /run/xenrecon)\n"
    "  --help                 print this\n"
    "\n"
    "A HEALTH is failed, degraded, unknown, pending or ok. Without a store the daemon serves nobody: that is "
    "critical.\n"
    "\n"
    "Exit status: 0 all is well, 1 warning, 2 critical, 3 unknown, as when there is no daemon to be asked or "
    "the command\n"
    "line is wrong.\n";

enum verdict { VERDICT_OK, VERDICT_WARNING, VERDICT_CRITICAL, VERDICT_UNKNOWN };

struct check_options {
    const char *run_dir;
    unsigned warning, critical; /* a bit for each health */
};

/* ---- the line ---- */

struct tally {
    size_t devices, health[HEALTH_COUNT];
    struct arena arena;
    const char *named; /* the sickest, with what is wrong with them */
    size_t n_named, n_sick;
};

enum { NAMED_MAX = 5 };

static enum health health_in(const json_t *device)
{
    return health_parse(jget_text(device, "health"));
}

static void name(struct tally *t, const json_t *device)
{
    const char *key = jget_text(device, "device"), *codes = "";
    const json_t *code;
    size_t i;
    json_array_foreach(json_object_get(device, "findings"), i, code)
    {
        codes = arena_printf(&t->arena, "%s %s", codes, json_string_value(code));
    }
    t->named =
        arena_printf(&t->arena, "%s%s%s%s", t->named, t->n_named++ ? ", " : ": ", key ? key : "?", codes);
}

static void count(struct tally *t, const json_t *devices, unsigned sick)
{
    const json_t *device;
    size_t i;
    t->named = "";
    json_array_foreach(devices, i, device)
    {
        t->health[health_in(device)]++;
    }
    t->devices = json_array_size(devices);
    for (enum health h = 0; h < HEALTH_COUNT; h++) {
        if (!(sick >> h & 1))
            continue;
        t->n_sick += t->health[h];
        json_array_foreach(devices, i, device)
        {
            if (health_in(device) == h && t->n_named < NAMED_MAX)
                name(t, device);
        }
    }
}

static const char *counts(struct tally *t, unsigned which)
{
    const char *text = "";
    for (enum health h = 0; h < HEALTH_COUNT; h++)
        if (which >> h & 1 && t->health[h])
            text =
                arena_printf(&t->arena, "%s%s%zu %s", text, *text ? ", " : "", t->health[h], health_name(h));
    return text;
}

static const char *threshold(unsigned set, enum health h)
{
    return set >> h & 1 ? "0" : "";
}

static void print_figures(const struct check_options *o, const struct tally *t)
{
    printf(" | devices=%zu;;;0", t->devices);
    for (enum health h = 0; h < HEALTH_COUNT; h++)
        printf(" %s=%zu;%s;%s;0", health_name(h), t->health[h], threshold(o->warning, h),
               threshold(o->critical, h));
    putchar('\n');
}

static enum verdict judge(const struct check_options *o, const struct tally *t)
{
    enum verdict verdict = VERDICT_OK;
    for (enum health h = 0; h < HEALTH_COUNT; h++) {
        if (t->health[h] && o->critical >> h & 1)
            verdict = VERDICT_CRITICAL;
        else if (t->health[h] && o->warning >> h & 1 && verdict == VERDICT_OK)
            verdict = VERDICT_WARNING;
    }
    return verdict;
}

static enum verdict report(const struct check_options *o, const struct status_answer *a)
{
    static const char *const words[] = {"OK", "WARNING", "CRITICAL"};
    struct tally t = {0};
    unsigned sick = o->warning | o->critical;
    bool connected = json_is_true(json_object_get(json_object_get(a->daemon, "store"), "connected"));
    count(&t, a->devices, sick);
    enum verdict verdict = connected ? judge(o, &t) : VERDICT_CRITICAL;
    printf("XENRECON %s - %s", words[verdict], connected ? "" : "the daemon has lost the store; ");
    if (t.n_sick)
        printf("%s of %zu device%s%s%s", counts(&t, sick), t.devices, t.devices == 1 ? "" : "s", t.named,
               t.n_sick > t.n_named ? ", ..." : "");
    else
        printf("%zu device%s: %s", t.devices, t.devices == 1 ? "" : "s",
               t.devices ? counts(&t, ~0U) : "none");
    print_figures(o, &t);
    arena_free(&t.arena);
    return verdict;
}

/* ---- the command ---- */

static int parse_healths(const char *list, unsigned *ret_set)
{
    unsigned set = 0;
    while (*list) {
        size_t len = strcspn(list, ",");
        enum health h = 0;
        while (h < HEALTH_COUNT && (strlen(health_name(h)) != len || strncmp(list, health_name(h), len) != 0))
            h++;
        if (h == HEALTH_COUNT)
            return -EINVAL;
        set |= 1U << h;
        list += len + (list[len] == ',');
    }
    *ret_set = set;
    return 0;
}

enum { WARNING = 256, CRITICAL, RUNTIME_DIR, HELP };

/* True: the command ends with *ret_status. */
static bool take(int c, char **argv, struct check_options *o, int *ret_status)
{
    switch (c) {
    case WARNING:
    case CRITICAL:
        if (!parse_healths(optarg, c == WARNING ? &o->warning : &o->critical))
            return false;
        *ret_status =
            usage_error("check", "a HEALTH is failed, degraded, unknown, pending or ok, not \"%s\"", optarg);
        return true;
    case RUNTIME_DIR:
        o->run_dir = optarg;
        return false;
    case HELP:
        *ret_status = print_help(help);
        return true;
    default:
        *ret_status = usage_bad_option("check", c, argv);
        return true;
    }
}

static int check(int argc, char **argv)
{
    static const struct option options[] = {
        {"warning", required_argument, NULL, WARNING},
        {"critical", required_argument, NULL, CRITICAL},
        {"runtime-dir", required_argument, NULL, RUNTIME_DIR},
        {"help", no_argument, NULL, HELP},
        {0},
    };
    struct check_options o = {.run_dir = control_client_default_dir(),
                              .warning = 1U << HEALTH_DEGRADED | 1U << HEALTH_UNKNOWN,
                              .critical = 1U << HEALTH_FAILED};
    struct status_answer answer;
    int c, status;
    progress_quiet();
    while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1)
        if (take(c, argv, &o, &status))
            return status == STATUS_OK ? VERDICT_OK : VERDICT_UNKNOWN;
    if (status_answer_ask(o.run_dir, argv + optind, (size_t)(argc - optind), &answer))
        return VERDICT_UNKNOWN;
    enum verdict verdict = report(&o, &answer);
    status_answer_clear(&answer);
    return finish_output() == STATUS_OK ? (int)verdict : VERDICT_UNKNOWN;
}

/* Monitoring systems keep one line of standard output, so that is where it says why it does not know. */
int cmd_check(int argc, char **argv)
{
    char *said = NULL;
    size_t size;
    FILE *to = open_memstream(&said, &size);
    if (!to)
        abort(); /* as for any memory */
    log_set_stream(to);
    int status = check(argc, argv);
    log_set_stream(NULL);
    fclose(to);
    if (status == VERDICT_UNKNOWN && size) {
        const char *sep = "XENRECON UNKNOWN - ";
        for (char *left, *line = strtok_r(said, "\n", &left); line; line = strtok_r(NULL, "\n", &left)) {
            printf("%s%s", sep, line);
            sep = "; ";
        }
        putchar('\n');
        fflush(stdout);
    }
    free(said);
    return status;
}
