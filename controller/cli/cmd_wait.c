/* SPDX-License-Identifier: MIT */
/* `xenrecon wait`: for scripts, until devices are as they should be. Looks at the store again and again,
 * daemon or not. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "controller/base/log.h"
#include "controller/base/progress.h"
#include "controller/cli/cli.h"
#include "controller/cli/control_client.h"
#include "controller/cli/inspect.h"
#include "schemas/health.h"
#include "schemas/value.h"

static const char help[] =
    "Usage: xenrecon wait --for connected|closed|gone|ok [OPTION]... DEVICE...\n"
    "Waits until all devices named are\n"
    "\n"
    "  connected   both ends are Connected\n"
    "  closed      the backend is Closed, or the device is gone\n"
    "  gone        there is no such device\n"
    "  ok          there is nothing to be said of it\n"
    "\n"
    "For what is not there yet it waits, but for `gone`. What a DEVICE stands for is found anew at each "
    "look.\n"
    "\n"
    "  --timeout SECONDS   give up then (default: never), and say whom the devices wait for\n"
    "  --runtime-dir DIR   the daemon's run directory (default $XENRECON_RUNTIME_DIR, or /run/xenrecon)\n"
    "  --quiet             say nothing, only exit\n"
    "  --help              print this\n"
    "\n"
    "Exit status: 0 they are, 1 on error, 2 when time is over, 64 when the command line is wrong.\n";

#define GOALS(X) X(CONNECTED, "connected") X(CLOSED, "closed") X(GONE, "gone") X(OK, "ok")

enum goal {
#define X(name, text) GOAL_##name,
    GOALS(X)
#undef X
        GOAL_COUNT,
};

static const char *const goal_names[] = {
#define X(name, text) [GOAL_##name] = (text),
    GOALS(X)
#undef X
};

struct wait_options {
    const char *run_dir;
    enum goal goal;   /* GOAL_COUNT: it was not said */
    uint64_t timeout; /* seconds; 0: none */
    bool quiet;
};

enum { LOOK_MS_FIRST = 50, LOOK_MS_MAX = 500 };

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- one look ---- */

static bool reached(enum goal goal, const struct report_device *d)
{
    switch (goal) {
    case GOAL_CONNECTED:
        return d->backend_state == XENBUS_CONNECTED && d->frontend_state == XENBUS_CONNECTED;
    case GOAL_CLOSED:
        return d->backend_state == XENBUS_CLOSED;
    case GOAL_OK:
        return health_of(d->plan) == HEALTH_OK;
    case GOAL_GONE:
    case GOAL_COUNT:
        break;
    }
    return false;
}

/* What a device is like that is not there yet, and what it waits for. */
static void say(const struct report_device *d)
{
    char key[DEVICE_KEY_SIZE];
    const char *who = NULL, *message = NULL;
    device_key_format(&d->key, key);
    for (size_t i = 0; i < d->plan->n_findings && !message; i++) {
        who = waits_for_name(d->plan->findings[i].who);
        message = d->plan->findings[i].message;
    }
    if (!who)
        who = waits_for_name(d->plan->condition.who);
    log_error("%s: backend %s, frontend %s%s%s%s%s", key, xenbus_state_name(d->backend_state),
              xenbus_state_name(d->frontend_state), who ? ", waits for the " : "", who ? who : "",
              message ? ": " : "", message ? message : "");
}

/* What all looks at devices come to. */
struct look {
    size_t there; /* of the devices of one argument */
    bool all;     /* each is as it should be */
    bool tell;    /* says which are not */
};

static int look_at_one(struct inspection *in, const struct wait_options *o, const char *text,
                       const struct located *device, struct look *look)
{
    const struct policy *policy = inspection_policy(in, device->key.type);
    struct view *view;
    if (!policy) {
        inspection_say_no_policy(text, device->key.type);
        return -EINVAL;
    }
    int error = inspection_view(in, device, false, &view);
    if (error)
        return error;
    if (view->directory == PRESENT) {
        struct report *report = report_new(0);
        inspection_report(in, policy, view, report);
        bool is = reached(o->goal, &report->devices[0]);
        look->there++;
        look->all &= is;
        if (look->tell && !is)
            say(&report->devices[0]);
        report_free(report);
    }
    view_free(view);
    return 0;
}

static int look_at_argument(struct inspection *in, const struct wait_options *o, char *text,
                            struct look *look)
{
    struct located *devices;
    size_t n;
    int error = inspection_select_quietly(in, text, &devices, &n);
    look->there = 0;
    if (error && error != -ENODEV)
        return error;
    if (!error) {
        for (size_t i = 0; i < n && !error; i++)
            error = look_at_one(in, o, text, &devices[i], look);
        free(devices);
        if (error)
            return error;
    }
    if (look->there || o->goal == GOAL_GONE || o->goal == GOAL_CLOSED)
        return 0;
    look->all = false;
    if (look->tell)
        log_error("%s: there is no such device yet: it waits for the toolstack", text);
    return 0;
}

/* Looks at all that the arguments name. 1: they are as they should be; 0: not yet; or a negative errno.
 * `tell`: says which are not. */
static int look_at_all(struct inspection *in, const struct wait_options *o, char *const *texts,
                       size_t n_texts, bool tell)
{
    struct look look = {.all = true, .tell = tell};
    int error = 0;
    for (size_t i = 0; i < n_texts && !error; i++)
        error = look_at_argument(in, o, texts[i], &look);
    return error ? error : look.all;
}

/* ---- the command ---- */

static int wait_for(const struct wait_options *o, char *const *texts, size_t n_texts)
{
    const struct inspection_source from = {.run_dir = o->run_dir};
    uint64_t begun = now_ms();
    unsigned pause = LOOK_MS_FIRST;
    log_set_level(LOG_LEVEL_WARNING);
    for (;;) {
        struct inspection *in;
        /* anew, for what the daemon remembers of them changes */
        if (inspection_begin(&from, &in))
            return STATUS_ERROR;
        bool over = o->timeout && now_ms() - begun >= o->timeout * 1000;
        int found = look_at_all(in, o, texts, n_texts, over && !o->quiet);
        inspection_end(in);
        if (found < 0)
            return STATUS_ERROR;
        if (found)
            return STATUS_OK;
        if (over)
            return STATUS_FOUND;
        nanosleep(&(struct timespec){.tv_nsec = (long)pause * 1000000}, NULL);
        pause = pause * 2 < LOOK_MS_MAX ? pause * 2 : LOOK_MS_MAX;
    }
}

int cmd_wait(int argc, char **argv)
{
    enum { FOR = 256, TIMEOUT, RUNTIME_DIR, QUIET, HELP };
    static const struct option options[] = {
        {"for", required_argument, NULL, FOR},
        {"timeout", required_argument, NULL, TIMEOUT},
        {"runtime-dir", required_argument, NULL, RUNTIME_DIR},
        {"quiet", no_argument, NULL, QUIET},
        {"help", no_argument, NULL, HELP},
        {0},
    };
    struct wait_options o = {.run_dir = control_client_default_dir(), .goal = GOAL_COUNT};
    int c;
    progress_quiet();
    while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        switch (c) {
        case FOR:
            for (o.goal = 0; o.goal < GOAL_COUNT && strcmp(optarg, goal_names[o.goal]) != 0;)
                o.goal++;
            if (o.goal == GOAL_COUNT)
                return usage_error("wait", "--for is connected, closed, gone or ok, not \"%s\"", optarg);
            break;
        case TIMEOUT:
            if (parse_decimal(optarg, strlen(optarg), 1000000, &o.timeout) || !o.timeout)
                return usage_error("wait", "--timeout wants seconds, 1 to 1000000, not \"%s\"", optarg);
            break;
        case RUNTIME_DIR:
            o.run_dir = optarg;
            break;
        case QUIET:
            o.quiet = true;
            break;
        case HELP:
            return print_help(help);
        default:
            return usage_bad_option("wait", c, argv);
        }
    }
    if (o.goal == GOAL_COUNT)
        return usage_error("wait", "it wants --for connected, closed, gone or ok");
    if (argc == optind)
        return usage_error("wait", "it wants a DEVICE, such as qdisk/7/51712 or */web/*");
    if (naming_check(argv + optind, (size_t)(argc - optind)))
        return STATUS_ERROR;
    return wait_for(&o, argv + optind, (size_t)(argc - optind));
}
