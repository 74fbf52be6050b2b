/* SPDX-License-Identifier: MIT */
#include "controller/cli/daemon_options.h"

#include <getopt.h>
#include <string.h>

#include "controller/cli/cli.h"
#include "controller/cli/control_client.h"
#include "controller/cli/terminal.h"

struct daemon_options daemon_options_default(void)
{
    return (struct daemon_options){.run_dir = control_client_default_dir(), .colour = COLOUR_AUTO};
}

bool daemon_options_take(const char *command, int c, char **argv, const char *help, struct daemon_options *o,
                         int *ret_status)
{
    switch (c) {
    case DAEMON_OPTION_FORMAT:
        o->json = strcmp(optarg, "json") == 0;
        o->wide = strcmp(command, "status") == 0 && strcmp(optarg, "wide") == 0;
        if (o->json || o->wide || strcmp(optarg, "text") == 0)
            return false;
        *ret_status = usage_error(command, "--format is text or json, not \"%s\"", optarg);
        return true;
    case DAEMON_OPTION_COLOUR:
        o->colour = terminal_parse_colour(optarg);
        if (o->colour >= 0)
            return false;
        *ret_status = usage_error(command, "--color is auto, always or never, not \"%s\"", optarg);
        return true;
    case DAEMON_OPTION_RUNTIME_DIR:
        o->run_dir = optarg;
        return false;
    case DAEMON_OPTION_QUIET:
        be_quiet();
        return false;
    case DAEMON_OPTION_HELP:
        *ret_status = print_help(help);
        return true;
    default:
        *ret_status = usage_bad_option(command, c, argv);
        return true;
    }
}
