/* SPDX-License-Identifier: MIT */
/* Messages for the administrator, one line each on stderr: `xenrecon: <text>`. Under systemd (stderr is the
 * journal's) with the level in front, as sd-daemon(3) has it. Whatever a guest wrote is escaped here, at the
 * latest. One thread. */
#ifndef XENRECON_LOG_H
#define XENRECON_LOG_H

#include "schemas/diagnostic.h"

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_INFO, /* the default: this and what is worse is printed */
    LOG_LEVEL_DEBUG,
};

void log_set_level(enum log_level level);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What is wrong in a file, with its line and the caret: an error of up to three lines. */
void log_diagnostic(const struct diagnostic *d);

#endif
