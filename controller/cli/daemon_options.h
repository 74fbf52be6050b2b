/* SPDX-License-Identifier: MIT */
/* The options of commands that show what the running daemon knows: `status`, `history`. */
#ifndef XENRECON_CMD_LOOK_H
#define XENRECON_CMD_LOOK_H

#include <stdbool.h>

struct look_options {
    const char *run_dir;
    int colour; /* as terminal_of_stdout() takes it */
    bool json;
};

/* For getopt_long()'s table, and what it then returns; a command's own values lie below these. */
enum { LOOK_FORMAT = 512, LOOK_COLOUR, LOOK_RUNTIME_DIR, LOOK_QUIET, LOOK_HELP };
#define LOOK_OPTIONS                                                                                   \
    {"format", required_argument, NULL, LOOK_FORMAT}, {"color", required_argument, NULL, LOOK_COLOUR}, \
        {"runtime-dir", required_argument, NULL, LOOK_RUNTIME_DIR},                                    \
        {"quiet", no_argument, NULL, LOOK_QUIET},                                                      \
    {                                                                                                  \
        "help", no_argument, NULL, LOOK_HELP                                                           \
    }

struct look_options look_options_default(void);

/* Takes one that getopt_long() returned. True: the command ends with *ret_status: the help was asked for, or
 * something is wrong and was said. */
bool look_option(const char *command, int c, char **argv, const char *help, struct look_options *o,
                 int *ret_status);

#endif
