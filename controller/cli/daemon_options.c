/* SPDX-License-Identifier: MIT */
#include "controller/cli/daemon_options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "controller/cli/cli.h"
#include "controller/cli/control_client.h"
#include "controller/cli/screen.h"

struct daemon_options daemon_options_default(const char *const *formats)
{
    return (struct daemon_options){.run_dir = control_client_default_dir(),
                                   .colour = COLOUR_AUTO,
                                   .formats = formats,
                                   .format = formats[0]};
}

bool daemon_options_format_is(const struct daemon_options *o, const char *format)
{
    return strcmp(o->format, format) == 0;
}

/* Takes the argument of --format: 0, or the status of a wrong command line. */
static int take_format(const char *command, const char *format, struct daemon_options *o)
{
    char words[64] = "";
    for (const char *const *f = o->formats; *f; f++) {
        if (strcmp(format, *f) == 0) {
            o->format = *f;
            return 0;
        }
        size_t n = strlen(words);
        snprintf(words + n, sizeof words - n, "%s%s", f == o->formats ? "" : f[1] ? ", " : " or ", *f);
    }
    return usage_error(command, "--format is %s, not \"%s\"", words, format);
}

bool daemon_options_take(const char *command, int c, char **argv, const char *help, struct daemon_options *o,
                         int *ret_status)
{
    switch (c) {
    case DAEMON_OPTION_FORMAT:
        *ret_status = take_format(command, optarg, o);
        return *ret_status != 0;
    case DAEMON_OPTION_COLOUR:
        *ret_status = screen_take_colour(command, optarg, &o->colour);
        return *ret_status != STATUS_OK;
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
