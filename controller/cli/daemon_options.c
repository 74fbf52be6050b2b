/* SPDX-License-Identifier: MIT */
#include "controller/cli/daemon_options.h"

#include <getopt.h>
#include <string.h>

#include "controller/cli/cli.h"
#include "controller/cli/control_client.h"
#include "controller/cli/terminal.h"

struct look_options look_options_default(void)
{
    return (struct look_options){.run_dir = ask_default_dir(), .colour = COLOUR_AUTO};
}

bool look_option(const char *command, int c, char **argv, const char *help, struct look_options *o,
                 int *ret_status)
{
    switch (c) {
    case LOOK_FORMAT:
        o->json = strcmp(optarg, "json") == 0;
        if (o->json || strcmp(optarg, "text") == 0)
            return false;
        *ret_status = usage_error(command, "--format is text or json, not \"%s\"", optarg);
        return true;
    case LOOK_COLOUR:
        o->colour = terminal_parse_colour(optarg);
        if (o->colour >= 0)
            return false;
        *ret_status = usage_error(command, "--color is auto, always or never, not \"%s\"", optarg);
        return true;
    case LOOK_RUNTIME_DIR:
        o->run_dir = optarg;
        return false;
    case LOOK_QUIET:
        be_quiet();
        return false;
    case LOOK_HELP:
        *ret_status = print_help(help);
        return true;
    default:
        *ret_status = usage_bad_option(command, c, argv);
        return true;
    }
}
