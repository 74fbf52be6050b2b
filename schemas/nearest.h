/* SPDX-License-Identifier: MIT */
/* The word that somebody may have meant: of those that there are, the one that differs least from what was
 * written, if by no more than two characters and half of them. Zeroed to begin with, but for `written`. Owns
 * nothing. */
#ifndef XENRECON_NEAREST_H
#define XENRECON_NEAREST_H

struct nearest {
    const char *written;
    const char *word; /* NULL: none is near */
    unsigned distance;
};

/* Words of more than 64 characters are near to none. */
void nearest_try(struct nearest *n, const char *word);

#endif
