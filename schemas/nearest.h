/* SPDX-License-Identifier: MIT */
/* The words that somebody may have meant: of those that there are, the few that differ least from what was
 * written, if by no more than two characters and half of them. Zeroed to begin with, but for `written`. Owns
 * nothing. */
#ifndef XENRECON_NEAREST_H
#define XENRECON_NEAREST_H

enum { NEAREST_MAX = 3 };

struct nearest {
    const char *written;
    const char *words[NEAREST_MAX]; /* the nearest first; NULL: there are no more */
    unsigned distances[NEAREST_MAX];
};

/* Words of more than 64 characters are near to none. */
void nearest_try(struct nearest *n, const char *word);

#endif
