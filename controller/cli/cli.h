/* SPDX-License-Identifier: MIT */
/* The commands, and what they share: how options are read, and how a command ends. Each takes argv[0] = its
 * own name and returns the exit status. They may block, all but `run`. One thread. */
#ifndef XENRECON_CLI_H
#define XENRECON_CLI_H

enum {
    STATUS_OK = 0,
    STATUS_ERROR = 1,
    STATUS_FOUND = 2, /* plan --detailed-exitcode: there is something to do or to say; wait: time is over */
    STATUS_USAGE = 64,
};

int cmd_run(int argc, char **argv);
int cmd_plan(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_history(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_logs(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_wait(int argc, char **argv);
int cmd_policy(int argc, char **argv);

/* `xenrecon: <text>` and a hint to the help of `command` (NULL: of all) on stderr; returns STATUS_USAGE. */
int usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* There is no such command (of `command`, if not NULL); `near` is one that may have been meant, or NULL.
 * Returns STATUS_USAGE. */
int usage_no_command(const char *command, const char *word, const char *near);

/* For getopt_long's `?` and `:`, where the short options start with a colon. Logs what is wrong, and returns
 * STATUS_USAGE. */
int usage_bad_option(const char *command, int c, char **argv);

/* Prints the text of --help, and ends the output: STATUS_OK or STATUS_ERROR. */
int print_help(const char *text);

/* --quiet: no progress is shown, and nothing logged but warnings and errors. */
void be_quiet(void);

/* Flushes stdout: STATUS_OK; or STATUS_ERROR, having logged that output was lost. */
int finish_output(void);

#endif
