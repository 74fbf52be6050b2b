/* SPDX-License-Identifier: MIT */
#include "controller/cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "controller/base/log.h"
#include "controller/base/progress.h"

int usage_error(const char *command, const char *format, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    log_error("%s", text);
    log_error("see `xenrecon %s%s--help`", command ? command : "", command ? " " : "");
    return STATUS_USAGE;
}

int usage_no_command(const char *command, const char *word, const char *near)
{
    return usage_error(command, "%s%s%s is no command%s%s%s", command ? command : "", command ? " " : "",
                       word, near ? ", did you mean " : "", near ? near : "", near ? "?" : "");
}

int usage_bad_option(const char *command, int c, char **argv)
{
    const char *what = c == ':' ? "is missing its argument" : "is no option here";
    const char *word = argv[optind - 1];
    /* optopt is a character that can be printed where it came in a group such as -xyz */
    if (c == '?' && optopt > ' ' && optopt < 0x7f && strncmp(word, "--", 2) != 0)
        return usage_error(command, "-%c %s", optopt, what);
    return usage_error(command, "%s %s", word, what);
}

void be_quiet(void)
{
    progress_quiet();
    log_set_level(LOG_LEVEL_WARNING);
}

int finish_output(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return STATUS_OK;
    log_error("cannot write the output: %s", strerror(errno));
    return STATUS_ERROR;
}

int print_help(const char *text)
{
    fputs(text, stdout);
    return finish_output();
}
