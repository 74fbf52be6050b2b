/* SPDX-License-Identifier: MIT */
#include "controller/base/signals.h"

#include <signal.h>
#include <stdio.h>

/* Not sigabbrev_np(), which is of newer libcs only. */
#define NAMED(name) [name] = #name
static const char *const names[] = {
    NAMED(SIGHUP),  NAMED(SIGINT),  NAMED(SIGQUIT), NAMED(SIGILL),    NAMED(SIGTRAP), NAMED(SIGABRT),
    NAMED(SIGBUS),  NAMED(SIGFPE),  NAMED(SIGKILL), NAMED(SIGUSR1),   NAMED(SIGSEGV), NAMED(SIGUSR2),
    NAMED(SIGPIPE), NAMED(SIGALRM), NAMED(SIGTERM), NAMED(SIGVTALRM), NAMED(SIGPROF), NAMED(SIGXCPU),
    NAMED(SIGXFSZ), NAMED(SIGIO),   NAMED(SIGSYS),
};

void signal_describe(int number, char ret_text[static SIGNAL_TEXT_SIZE])
{
    const char *name = NULL;
    if (number >= 0 && (size_t)number < sizeof names / sizeof *names)
        name = names[number];
    snprintf(ret_text, SIGNAL_TEXT_SIZE, "signal %d%s%s", number, name ? ", " : "", name ? name : "");
}
