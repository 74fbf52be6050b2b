/* SPDX-License-Identifier: MIT */
/* `xenrecon run`: its options. */
#include <getopt.h>
#include <grp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "controller/base/log.h"
#include "controller/cli/cli.h"
#include "controller/cli/control_client.h"
#include "controller/daemon/daemon.h"
#include "schemas/mem.h"
#include "schemas/value.h"

static const char help[] =
    "Usage: xenrecon run [OPTION]...\n"
    "Looks after the device backends of this domain until it is told to stop.\n"
    "\n"
    "  --once             reconcile until nothing is left to do, then exit\n"
    "  --dry-run          decide and log, write nothing\n"
    "  --policies DIR     take the policies from DIR (repeatable) instead of the default places\n"
    "  --resync SECONDS   look at everything again so often (default 300, 0: never)\n"
    "  --runtime-dir DIR  where sockets and workers' state live (default $XENRECON_RUNTIME_DIR, or "
    "/run/xenrecon)\n"
    "  --readers GROUP    who may ask for status, history and events without being root (default xenrecon, "
    "if there is\n"
    "                     such a group)\n"
    "  --metrics-file FILE  keep Prometheus metrics there, for node_exporter's textfile collector\n"
    "  --log-format text|json  how messages are written (default text; to the journal with fields)\n"
    "  --quiet            only warnings and errors; --verbose: every decision, too\n"
    "  --help             print this\n"
    "\n"
    "SIGHUP reloads the policies, all or none. SIGTERM ends it and leaves the devices as they are, and "
    "workers and\n"
    "hotplug scripts running.\n";

/* The store wakes us with each message. As a batch process we do not take the processor from it then, so that
 * it goes on with the next message. It is no error if this cannot be set. Processes that we start do not
 * inherit it. */
static void let_others_first(void)
{
    sched_setscheduler(0, SCHED_BATCH | SCHED_RESET_ON_FORK, &(struct sched_param){0});
}

/* False: there is no group of that name. NULL: the one that the package makes, if there is one. */
static bool find_readers(const char *name, struct daemon_config *d)
{
    static gid_t group;
    const struct group *found = getgrnam(name ? name : "xenrecon");
    if (found) {
        group = found->gr_gid;
        d->readers = &group;
    }
    return found || !name;
}

int cmd_run(int argc, char **argv)
{
    enum {
        ONCE = 256,
        DRY_RUN,
        POLICIES,
        RESYNC,
        RUNTIME_DIR,
        READERS,
        METRICS_FILE,
        LOG_FORMAT,
        QUIET,
        VERBOSE,
        HELP
    };
    enum { WEEK = 7 * 24 * 3600 };
    static const struct option options[] = {
        {"once", no_argument, NULL, ONCE},
        {"dry-run", no_argument, NULL, DRY_RUN},
        {"policies", required_argument, NULL, POLICIES},
        {"resync", required_argument, NULL, RESYNC},
        {"runtime-dir", required_argument, NULL, RUNTIME_DIR},
        {"readers", required_argument, NULL, READERS},
        {"metrics-file", required_argument, NULL, METRICS_FILE},
        {"log-format", required_argument, NULL, LOG_FORMAT},
        {"quiet", no_argument, NULL, QUIET},
        {"verbose", no_argument, NULL, VERBOSE},
        {"help", no_argument, NULL, HELP},
        {0},
    };
    struct daemon_config d = {.resync = 300 * 1000, .runtime_dir = control_client_default_dir()};
    const char **dirs = NULL, *readers = NULL;
    size_t cap_dirs = 0;
    uint64_t seconds;
    int c, status = STATUS_OK;
    while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        switch (c) {
        case ONCE:
            d.once = true;
            break;
        case DRY_RUN:
            d.dry_run = true;
            break;
        case POLICIES:
            xgrow(&dirs, &cap_dirs, d.n_dirs + 1, sizeof *dirs);
            dirs[d.n_dirs++] = optarg;
            break;
        case RESYNC:
            if (parse_decimal(optarg, strlen(optarg), WEEK, &seconds)) {
                status = usage_error("run", "--resync wants seconds, up to a week, not \"%s\"", optarg);
                goto out;
            }
            d.resync = (uint32_t)seconds * 1000;
            break;
        case RUNTIME_DIR:
            d.runtime_dir = optarg;
            break;
        case READERS:
            readers = optarg;
            break;
        case METRICS_FILE:
            d.metrics_file = optarg;
            break;
        case LOG_FORMAT:
            if (strcmp(optarg, "json") != 0 && strcmp(optarg, "text") != 0) {
                status = usage_error("run", "--log-format is text or json, not \"%s\"", optarg);
                goto out;
            }
            log_set_format(*optarg == 'j' ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT);
            break;
        case QUIET:
            be_quiet();
            break;
        case VERBOSE:
            log_set_level(LOG_LEVEL_DEBUG);
            break;
        case HELP:
            status = print_help(help);
            goto out;
        default:
            status = usage_bad_option("run", c, argv);
            goto out;
        }
    }
    d.dirs = dirs;
    if (optind < argc) {
        status = usage_error("run", "\"%s\" is one argument too many", argv[optind]);
    } else if (!find_readers(readers, &d)) {
        status = usage_error("run", "--readers: there is no group \"%s\" here", readers);
    } else {
        let_others_first();
        status = daemon_run(&d) ? STATUS_ERROR : STATUS_OK;
    }
out:
    free(dirs);
    return status;
}
