/* SPDX-License-Identifier: MIT */
#include "controller/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schemas/printable.h"

enum { LINE_SIZE = 1024 }; /* a longer message is cut */

static enum log_level max_level = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    max_level = level;
}

/* $JOURNAL_STREAM is "<device>:<inode>" of the journal's socket. Children inherit it: only if that is our
 * stderr does anybody look at the level. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    char ours[48];
    if (!stream || fstat(STDERR_FILENO, &st))
        return false;
    snprintf(ours, sizeof ours, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(stream, ours) == 0;
}

static void print_line(enum log_level level, const char *text, size_t len)
{
    static const char *const prefixes[] = {
        [LOG_LEVEL_ERROR] = "<3>",
        [LOG_LEVEL_WARNING] = "<4>",
        [LOG_LEVEL_INFO] = "<6>",
        [LOG_LEVEL_DEBUG] = "<7>",
    };
    char line[LINE_SIZE];
    printable_copy(line, sizeof line, text, len, false);
    /* one call: stderr is unbuffered, and lines of several processes must not mix */
    fprintf(stderr, "%sxenrecon: %s\n", stderr_is_journal() ? prefixes[level] : "", line);
}

__attribute__((format(printf, 2, 0))) static void print_message(enum log_level level, const char *format,
                                                                va_list ap)
{
    char text[LINE_SIZE];
    if (level > max_level)
        return;
    vsnprintf(text, sizeof text, format, ap);
    print_line(level, text, strlen(text));
}

#define DEFINE_LOG(name, level)           \
    void name(const char *format, ...)    \
    {                                     \
        va_list ap;                       \
        va_start(ap, format);             \
        print_message(level, format, ap); \
        va_end(ap);                       \
    }
DEFINE_LOG(log_error, LOG_LEVEL_ERROR)
DEFINE_LOG(log_warning, LOG_LEVEL_WARNING)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)
DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG)

void log_diagnostic(const struct diagnostic *d)
{
    char text[2 * sizeof *d];
    diagnostic_format(d, text, sizeof text);
    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n");
        print_line(LOG_LEVEL_ERROR, line, len);
        line += len + (line[len] == '\n');
    }
}
