/* SPDX-License-Identifier: MIT */
/* The options of commands that show what the running daemon knows. One thread. */
#ifndef XENRECON_DAEMON_OPTIONS_H
#define XENRECON_DAEMON_OPTIONS_H

#include <stdbool.h>

struct daemon_options {
    const char *run_dir;
    int colour;                 /* as screen_of_stdout() takes it */
    const char *const *formats; /* that --format may name, up to a NULL; the default is the first */
    const char *format;         /* one of them */
};

/* Values that getopt_long() returns for these options; a command's own are less. */
enum {
    DAEMON_OPTION_FORMAT = 512,
    DAEMON_OPTION_COLOUR,
    DAEMON_OPTION_RUNTIME_DIR,
    DAEMON_OPTION_QUIET,
    DAEMON_OPTION_HELP
};
#define DAEMON_OPTIONS                                                       \
    {"format", required_argument, NULL, DAEMON_OPTION_FORMAT},               \
        {"color", required_argument, NULL, DAEMON_OPTION_COLOUR},            \
        {"runtime-dir", required_argument, NULL, DAEMON_OPTION_RUNTIME_DIR}, \
        {"quiet", no_argument, NULL, DAEMON_OPTION_QUIET},                   \
    {                                                                        \
        "help", no_argument, NULL, DAEMON_OPTION_HELP                        \
    }

struct daemon_options daemon_options_default(const char *const *formats);
bool daemon_options_format_is(const struct daemon_options *o, const char *format);

/* Takes what getopt_long() returned. True: the command ends with *ret_status, because the help was printed,
 * or because something is wrong and was logged. */
bool daemon_options_take(const char *command, int c, char **argv, const char *help, struct daemon_options *o,
                         int *ret_status);

#endif
