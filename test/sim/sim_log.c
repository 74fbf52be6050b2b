/* SPDX-License-Identifier: MIT */
/* What the engine says, which is of interest only when one looks at a single schedule. */
#include <stdarg.h>
#include <stdio.h>

#include "controller/base/log.h"
#include "test/sim/sim.h"

bool sim_verbose;

static void __attribute__((format(printf, 1, 0))) say(const char *format, va_list ap)
{
    if (!sim_verbose)
        return;
    printf("    ");
    vprintf(format, ap);
    printf("\n");
}

#define SAYS(name)                     \
    void name(const char *format, ...) \
    {                                  \
        va_list ap;                    \
        va_start(ap, format);          \
        say(format, ap);               \
        va_end(ap);                    \
    }

SAYS(log_error)
SAYS(log_warning)
SAYS(log_info)
SAYS(log_debug)

void log_make_room(uint16_t domid, unsigned lines)
{
    (void)domid;
    (void)lines;
}

void log_set_level(enum log_level level)
{
    (void)level;
}

void log_about(enum log_level level, const struct log_about *about, const char *format, ...)
{
    va_list ap;
    (void)level;
    (void)about;
    va_start(ap, format);
    say(format, ap);
    va_end(ap);
}

void log_diagnostic(const struct diagnostic *d)
{
    (void)d;
}
