/* SPDX-License-Identifier: MIT */
#include "controller/cli/screen.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "controller/cli/cli.h"
#include "schemas/value.h"

int screen_take_colour(const char *command, const char *text, int *ret_colour)
{
    static const char *const words[] = {
        [COLOUR_AUTO] = "auto", [COLOUR_ALWAYS] = "always", [COLOUR_NEVER] = "never"};
    for (int i = 0; i < 3; i++)
        if (strcmp(text, words[i]) == 0) {
            *ret_colour = i;
            return STATUS_OK;
        }
    return usage_error(command, "--color is auto, always or never, not \"%s\"", text);
}

static size_t from_environment(const char *name, size_t otherwise)
{
    const char *text = getenv(name);
    uint64_t n;
    if (!text || parse_decimal(text, strlen(text), UINT16_MAX, &n) || n == 0)
        return otherwise;
    return (size_t)n;
}

struct terminal screen_of_stdout(int colour)
{
    struct winsize size = {0};
    struct terminal t = {.interactive = isatty(STDOUT_FILENO)};
    const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
    bool may = !(no_colour && *no_colour) && !(term && strcmp(term, "dumb") == 0);
    if (t.interactive)
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    t.width = from_environment("COLUMNS", size.ws_col ? size.ws_col : SIZE_MAX);
    t.height = from_environment("LINES", size.ws_row ? size.ws_row : SIZE_MAX);
    t.colour = colour == COLOUR_ALWAYS || (colour == COLOUR_AUTO && t.interactive && may);
    return t;
}

const char *local_time_format(uint64_t milliseconds, char buf[static LOCAL_TIME_SIZE])
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm tm;
    if (!localtime_r(&seconds, &tm) || !strftime(buf, LOCAL_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm))
        snprintf(buf, LOCAL_TIME_SIZE, "?");
    return buf;
}
