/* SPDX-License-Identifier: MIT */
/* Texts for people who read them on a terminal: coloured, and no wider than it. What the terminal can do is
 * said by whoever has it. Pure; nothing here fails. */
#ifndef XENRECON_TERMINAL_H
#define XENRECON_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum colour {
    PLAIN,
    BOLD,
    GOOD,   /* green */
    UNSURE, /* yellow */
    BAD,    /* red */
    FAINT,
};

struct terminal {
    size_t width, height; /* SIZE_MAX: no limit */
    bool colour, interactive;
};

/* Without limits and colours: a file. */
extern const struct terminal terminal_none;

void terminal_begin(const struct terminal *t, enum colour c, FILE *to);
void terminal_end(const struct terminal *t, enum colour c, FILE *to);
/* Prints at most `width` characters of the text; one that is cut ends in `~`. Returns how many it printed. */
size_t terminal_print(const char *text, size_t width, FILE *to);

#endif
