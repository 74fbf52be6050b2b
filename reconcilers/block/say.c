/* SPDX-License-Identifier: MIT */
#include "reconcilers/block/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void say(const char *format, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    /* one call: stderr is unbuffered, and lines of several processes must not mix */
    fprintf(stderr, "%s\n", text);
}

/* Cut where there is no more room. */
static void append(char *line, size_t size, const char *text)
{
    size_t len = strlen(line), more = strlen(text);
    if (more >= size - len)
        more = size - len - 1;
    memcpy(line + len, text, more);
    line[len + more] = '\0';
}

void say_in_handler(const char *text)
{
    char line[512] = "";
    append(line, sizeof line - 1, text);
    append(line, sizeof line, "\n");
    if (write(STDERR_FILENO, line, strlen(line)) < 0)
        return; /* nobody reads it */
}
