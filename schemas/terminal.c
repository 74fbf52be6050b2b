/* SPDX-License-Identifier: MIT */
#include "schemas/terminal.h"

#include <stdint.h>

const struct terminal terminal_none = {.width = SIZE_MAX, .height = SIZE_MAX};

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
