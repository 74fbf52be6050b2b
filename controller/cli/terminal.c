/* SPDX-License-Identifier: MIT */
#include "controller/cli/terminal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "schemas/value.h"

int terminal_parse_colour(const char *text)
{
    static const char *const words[] = {
        [COLOUR_AUTO] = "auto", [COLOUR_ALWAYS] = "always", [COLOUR_NEVER] = "never"};
    for (int i = 0; i < 3; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    return -1;
}

static size_t from_environment(const char *name, size_t otherwise)
{
    const char *text = getenv(name);
    uint64_t n;
    if (!text || parse_decimal(text, strlen(text), UINT16_MAX, &n) || n == 0)
        return otherwise;
    return (size_t)n;
}

struct terminal terminal_of_stdout(int colour)
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

void terminal_begin(const struct terminal *t, enum colour c, FILE *to)
{
    static const char *const codes[] = {
        [PLAIN] = "", [BOLD] = "1", [GOOD] = "32", [UNSURE] = "33", [BAD] = "31", [FAINT] = "2"};
    if (t->colour && c != PLAIN)
        fprintf(to, "\033[%sm", codes[c]);
}

void terminal_end(const struct terminal *t, enum colour c, FILE *to)
{
    if (t->colour && c != PLAIN)
        fputs("\033[0m", to);
}

/* Counts characters, not bytes. Our texts are valid UTF-8, and no character in them is wide. */
static size_t characters(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

size_t terminal_print(const char *text, size_t width, FILE *to)
{
    size_t n = characters(text), left;
    if (n <= width) {
        fputs(text, to);
        return n;
    }
    if (width == 0)
        return 0;
    for (left = width - 1; left || ((unsigned char)*text & 0xc0) == 0x80; text++) {
        left -= ((unsigned char)text[0] & 0xc0) != 0x80;
        fputc(*text, to);
    }
    fputc('~', to);
    return width;
}

const char *local_time_format(uint64_t milliseconds, char buf[static LOCAL_TIME_SIZE])
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm tm;
    if (!localtime_r(&seconds, &tm) || !strftime(buf, LOCAL_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm))
        snprintf(buf, LOCAL_TIME_SIZE, "?");
    return buf;
}
