/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/say.h"

#include <stdarg.h>
#include <stdio.h>

static const char *who;

void say_as(const char *device)
{
    who = device;
}

void say(const char *format, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    /* one call: stderr is unbuffered, and lines of several processes must not mix */
    fprintf(stderr, "xenrecon-blk%s%s: %s\n", who ? " " : "", who ? who : "", text);
}
